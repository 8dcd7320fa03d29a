"""What a task's script or notebook takes, from its own parser and widgets, and what it hands on."""

from __future__ import annotations

import argparse
import ast
import re
import types
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from bundle_rules.load import Tree, items, mapping
from kslm.pipeline import STAGES

UPKEEP = ("maintain", "rollback")
"""What jobs/stage.py does besides the stages."""
WIDGET = re.compile(r"""dbutils\.widgets\.\w+\(\s*["'](\w+)["'],\s*(["'])(.*?)\2""")


def arguments_of(task: Tree) -> list[str]:
    """The arguments of a task's script, with what Databricks puts in for the task's own name."""
    parameters = mapping(task.get("spark_python_task")).get("parameters") or []
    name = str(task.get("task_key"))
    return [str(text).replace("{{task.name}}", name) for text in parameters] if isinstance(parameters, list) else []


def stage_of(task: Tree) -> str:
    """The stage that a task runs; empty if none."""
    if task.get("ai_runtime_task"):
        return str(task.get("task_key"))
    given = arguments_of(task)
    for number, text in enumerate(given):
        if text.startswith("--stage="):
            return text.removeprefix("--stage=")
        if text == "--stage" and number + 1 < len(given):
            return given[number + 1]
    return ""


def problems(task: Tree, job: Tree, root: Path) -> Iterator[str]:
    """What is wrong with what a task gives its script or notebook."""
    if script := mapping(task.get("spark_python_task")).get("python_file"):
        yield from _script(root / str(script), task, job)
    if notebook := mapping(task.get("notebook_task")).get("notebook_path"):
        yield from _notebook(root / str(notebook), task)


def _script(file: Path, task: Tree, job: Tree) -> Iterator[str]:
    given = arguments_of(task)
    defaults = {str(p.get("name")): str(p.get("default")) for p in items(job.get("parameters"))}
    filled = [re.sub(r"\{\{(?:job\.parameters\.)?(.*?)\}\}", lambda m: defaults.get(m[1], "1"), text) for text in given]
    if file.is_file() and (refusal := _refusal(file.read_text("utf-8"), tuple(filled))):
        yield f"{file.name} does not take {' '.join(given)}: {refusal}"
    if (stage := stage_of(task)) and stage not in (*STAGES, *UPKEEP):
        yield f"there is no stage {stage}"
    names = [match for text in given if (match := re.match(r"--([\w-]+)=\{\{job\.parameters\.([\w-]+)\}\}$", text))]
    for match in names:
        if match[1].replace("-", "_") in defaults and match[1].replace("-", "_") != match[2]:
            yield f"--{match[1]} is given the job parameter {match[2]}"
    options = [text.split("=")[0] for text in given if text.startswith("--")]
    yield from (f"{option} is given twice" for option in sorted({o for o in options if options.count(o) > 1}))


@lru_cache(maxsize=1024)
def _refusal(text: str, given: tuple[str, ...]) -> str:
    """Why a script's own parser refuses its arguments; empty if it does not."""
    try:
        if (parser := _parser(text)) is not None:
            parser.parse_args(given)
    except (argparse.ArgumentError, ValueError, SyntaxError) as error:
        return str(error)
    return ""


@lru_cache(maxsize=32)
def _parser(text: str) -> argparse.ArgumentParser | None:
    """What the script's `parser` returns; None if it has none."""
    if "def parser(" not in text:
        return None
    module = types.ModuleType("bundle_script")
    exec(compile(text, "bundle_script.py", "exec"), module.__dict__)
    parser = module.parser()
    parser.exit_on_error, parser.allow_abbrev = False, False

    def fail(message: str) -> None:
        raise ValueError(message)

    parser.error = fail
    return parser


def _notebook(file: Path, task: Tree) -> Iterator[str]:
    if not file.is_file():
        return
    text = file.read_text("utf-8")
    if file.suffix == ".py" and not text.startswith("# Databricks notebook source"):
        yield f"{file.name} is not a notebook"
    given = mapping(mapping(task.get("notebook_task")).get("base_parameters"))
    widgets = {name: default for name, _, default in WIDGET.findall(text)}
    yield from (f"{file.name} has no widget {name}" for name in sorted(given.keys() - widgets.keys()))
    for name, default in widgets.items():
        if not default and name not in given:
            yield f"{file.name} is not given {name}"
    stage = given.get("stage")
    if "taskValues" in text and stage not in (known := _task_values(file.parent / "stage.py")):
        yield f"stage {stage} leaves no task values; those of {', '.join(known)} do"


def values_of(task: Tree, root: Path) -> tuple[str, ...]:
    """The task values that a task sets."""
    notebook = mapping(task.get("notebook_task"))
    file = root / str(notebook.get("notebook_path", ""))
    if not file.is_file() or "taskValues" not in file.read_text("utf-8"):
        return ()
    return _task_values(file.parent / "stage.py").get(mapping(notebook.get("base_parameters")).get("stage"), ())


def _task_values(file: Path) -> dict[Any, tuple[str, ...]]:
    """`TASK_VALUES` of jobs/stage.py: the values by stage."""
    return _constant(file.read_text("utf-8"), "TASK_VALUES") if file.is_file() else {}


@lru_cache(maxsize=32)
def _constant(text: str, name: str) -> dict[Any, tuple[str, ...]]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == name for target in node.targets):
            return ast.literal_eval(node.value)
    return {}
