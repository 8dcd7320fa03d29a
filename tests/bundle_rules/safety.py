"""What deploys without a complaint and then does harm: a gate that is passed by, a production target that is none."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from bundle_rules import references
from bundle_rules.load import Source, Tree, items, mapping
from bundle_rules.resolve import REFERENCE, View, strings, tasks_of
from bundle_rules.scripts import stage_of
from bundle_rules.values import points_at
from kslm.settings import Environment

PASSES = re.compile(r"\{\{tasks\.[\w-]+\.values\.passes\}\}")
VARIABLE = re.compile(r"\$\{?(KSLM_\w+|MLFLOW_\w+)(:[-?])?")
SETTINGS = {str(field.alias) for field in Environment.model_fields.values()}
NAMES = {
    "KSLM_HOME": "home",
    "KSLM_CATALOG": "catalog",
    "KSLM_SCHEMA": "schema",
    "KSLM_REGISTERED_MODEL": "model",
    "MLFLOW_EXPERIMENT_NAME": "experiment",
    "KSLM_PROFILE": "profile",
}
"""Variables that say where things are, and the job parameters that do."""
PRODUCTIVE = ("run_as", "permissions")
"""Only what others rely on has these."""


def gates(job: Tree) -> Iterator[str]:
    """A model that does not pass is not released, and its refusal fails the run."""
    judges = {
        str(task.get("task_key")): mapping(task.get("condition_task"))
        for task in tasks_of(job)
        if PASSES.search(str(mapping(task.get("condition_task")).get("left")))
    }
    for task in tasks_of(job):
        stage, script = stage_of(task), str(mapping(task.get("spark_python_task")).get("python_file"))
        wanted = {"release": "true"}.get(stage) or ("false" if script.endswith("refused.py") else None)
        if wanted is None or stage == "rollback":
            continue
        ways = {str(way.get("task_key")): way.get("outcome") for way in items(task.get("depends_on"))}
        if not any(_means(judges[key], ways[key]) == wanted for key in ways.keys() & judges.keys()):
            yield f"{task.get('task_key')} does not wait for the verdict {wanted}"
        if task.get("run_if") not in (None, "ALL_SUCCESS"):
            yield f"{task.get('task_key')} runs {task.get('run_if')}, whatever the verdict"


def _means(condition: Tree, outcome: object) -> str:
    """What an outcome says of whether the model passes."""
    same = (condition.get("op") == "EQUAL_TO") == (str(condition.get("right")) == "true")
    return str(outcome) if same else {"true": "false", "false": "true"}.get(str(outcome), "")


def modes(source: Source) -> Iterator[str]:
    """What others rely on is not deployed as a developer's copy."""
    for name, target in mapping(source.config.get("targets")).items():
        has = [key for key in PRODUCTIVE if mapping(target).get(key)]
        if has and mapping(target).get("mode") != "production":
            yield f"target {name}: has {' and '.join(has)}, and its mode is not production"
        lock = mapping(mapping(mapping(target).get("bundle")).get("deployment")).get("lock")
        if mapping(lock).get("enabled") is False:
            yield f"target {name}: two deployments at once would undo each other: the lock is off"


def versions(job: Tree, view: View) -> Iterator[str]:
    """An environment is of the version that its requirement files are constrained to."""
    for environment in items(job.get("environments")):
        spec = mapping(environment.get("spec"))
        for dependency in spec.get("dependencies") or []:
            for number in sorted(_runtimes(str(dependency), view)):
                if str(spec.get("environment_version")) != number:
                    yield f"environment {environment.get('environment_key')} is not of version {number}, which it pins"


def _runtimes(dependency: str, view: View) -> set[str]:
    todo, seen = [dependency], set()
    found: set[str] = set()
    while todo:
        match = re.match(r"\s*-([rc])\s*(\S+)", todo.pop())
        if not match or (file := view.root / match[2]) in seen or not file.is_file():
            continue
        seen.add(file)
        if number := re.fullmatch(r"runtime-(\d+)\.txt", file.name):
            found.add(number[1])
            continue
        folder = file.parent.relative_to(view.root)
        for line in file.read_text("utf-8").splitlines():
            if named := re.match(r"\s*-([rc])\s*(\S+)", line):
                todo.append(f"-{named[1]} {(folder / named[2]).as_posix()}")
    return found


def gpus(job: Tree, view: View) -> Iterator[str]:
    """The command starts the ranks of one node, and is given the variables that it reads."""
    given = {
        str(entry.get("environment_variables_key")): mapping(mapping(entry.get("spec")).get("variables"))
        for entry in items(job.get("environment_variables"))
    }
    for task in tasks_of(job):
        key, variables = task.get("task_key"), given.get(str(task.get("environment_variables_key")), {})
        for deployment in items(mapping(task.get("ai_runtime_task")).get("deployments")):
            compute = mapping(deployment.get("compute"))
            node = re.match(r"GPU_(\d+)x", str(compute.get("accelerator_type")))
            if node and str(compute.get("accelerator_count")) != node[1]:
                yield f"{key}: {compute.get('accelerator_count')} accelerators are not one node"
            command = view.root / str(deployment.get("command_path"))
            read = VARIABLE.findall(command.read_text("utf-8")) if command.is_file() else []
            needed = {name for name, default in read if not default.startswith(":-")}
            yield from (
                f"{key}: its command reads {name}, which is not set" for name in sorted(needed - variables.keys())
            )
            known = {name for name, _ in read} | SETTINGS
            yield from (f"{key}: nothing reads {name}" for name in sorted(variables.keys() - known))
        for name, value in variables.items():
            yield from points_at(NAMES.get(name, ""), value, view)


def scripts(job: Tree, view: View) -> Iterator[str]:
    """A script is no notebook, and what is started goes up with the bundle."""
    excluded = [str(pattern) for pattern in mapping(view.tree.get("sync")).get("exclude") or []]
    for task in tasks_of(job):
        for kind, key in (("spark_python_task", "python_file"), ("notebook_task", "notebook_path")):
            path = mapping(task.get(kind)).get(key)
            if not isinstance(path, str):
                continue
            if path.startswith(("/Workspace/", "/Repos/")) and kind == "spark_python_task":
                yield f"{task.get('task_key')}: {path} is not of this bundle"
            file = view.root / path
            notebook = file.is_file() and file.read_text("utf-8").startswith("# Databricks notebook source")
            if file.is_file() and notebook != (kind == "notebook_task"):
                yield f"{task.get('task_key')}: {path} is {'a' if notebook else 'no'} notebook"
            yield from (f"sync excludes {path} ({p})" for p in excluded if _takes(p, path))


def _takes(pattern: str, path: str) -> bool:
    """Whether a pattern of .gitignore's kind takes a file away."""
    plain = pattern.removeprefix("./").strip("/")
    if "/" not in plain:
        return any(fnmatch.fnmatch(part, plain) for part in PurePosixPath(path).parts)
    loose = plain.removeprefix("**/")
    return fnmatch.fnmatch(path, plain) or (plain != loose and fnmatch.fnmatch(PurePosixPath(path).name, loose))


def dashboards(source: Source) -> Iterator[str]:
    """The CLI fills references to resources in a dashboard's file, and no other ones."""
    for key, body in mapping(mapping(source.config.get("resources")).get("dashboards")).items():
        if mapping(body).get("embed_credentials") is not False:
            yield f"dashboards.{key}: whoever looks would have the deployer's rights: embed_credentials is not false"
        file = source.root / str(mapping(body).get("file_path"))
        if not file.is_file():
            continue
        for at, text in strings(_json(file.read_text("utf-8"))):
            place = f"dashboards.{key}: {'.'.join(at)}"
            for match in REFERENCE.finditer(text):
                if not match[1].startswith("resources."):
                    yield f"{place}: {match[0]} stays as it is"
            yield from (f"{place}: {problem}" for problem in references.in_text(text, source.config))


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return {}
