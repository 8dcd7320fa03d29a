"""Serverless environments: the wheel that the bundle builds, requirement files, and torch where it is needed."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path, PurePosixPath

from bundle_rules.load import Tree, items, mapping
from bundle_rules.resolve import View, tasks_of
from bundle_rules.scripts import stage_of
from kslm.pipeline import PIPELINE

VERSIONS = {"1", "2", "3", "4", "5"}
"""Of serverless environments, with which kslm could run."""
OUTPUT = re.compile(r"(?:--wheel-dir|--outdir|--out-dir|--dist-dir|-w|-o|-d)[ =]([^\s;&]+)")


def problems(job: Tree, view: View) -> Iterator[str]:
    """What is wrong with a job's environments."""
    environments = items(job.get("environments"))
    keys = [str(environment.get("environment_key")) for environment in environments]
    yield from (f"environment {key} occurs twice" for key in sorted({key for key in keys if keys.count(key) > 1}))
    used = {task.get("environment_key") for task in tasks_of(job)}
    yield from (f"environment {key} is used by no task" for key in keys if key not in used)
    for environment in environments:
        spec = mapping(environment.get("spec"))
        yield from (f"environment {environment.get('environment_key')}: {text}" for text in _spec(spec, view))
    specs = {str(e.get("environment_key")): mapping(e.get("spec")) for e in environments}
    for task in tasks_of(job):
        yield from (f"{task.get('task_key')}: {text}" for text in _enough(task, specs, view))
    if {str(e.get("environment_variables_key")) for e in items(job.get("environment_variables"))} - {
        str(task.get("environment_variables_key")) for task in tasks_of(job)
    }:
        yield "environment variables that no task uses"


def _spec(spec: Tree, view: View) -> Iterator[str]:
    version = spec.get("environment_version")
    if bool(version) == bool(spec.get("base_environment")):
        yield "has no environment_version" if not version else "has an environment_version and a base_environment"
    elif version and str(version) not in VERSIONS:
        yield f"environment_version {version!r} is not known"
    if "client" in spec:
        yield "client is deprecated; environment_version says the same"
    for dependency in spec.get("dependencies") or []:
        if isinstance(dependency, str):
            yield from _dependency(dependency, view)


def _dependency(dependency: str, view: View) -> Iterator[str]:
    path, extras = re.fullmatch(r"(.*?)(?:\[([\w, -]+)\])?", dependency, re.S).groups()
    if ".whl" in path:
        folders = {output(artifact) for artifact in wheels(view)}
        if not path.startswith(("/", "http")) and not folders:
            yield f"no artifact builds {dependency}"
        elif not path.startswith(("/", "http")) and str(PurePosixPath(path).parent) not in folders:
            yield f"{dependency}: wheels are built in {', '.join(sorted(folders))}"
        yield from _extras(extras, view.root)
    elif match := re.match(r"-(r|e)\s*(\S+)$", dependency):
        if not dependency.startswith(f"-{match[1]} "):
            yield f"{dependency!r}: the CLI looks for a space after -{match[1]}"
        yield from _file(match[2], view.root)
        yield from _named(match[2], view.root)
    elif path.startswith((".", "/")) or "/" in path.split("@")[0]:
        yield from _file(path, view.root)
    elif not re.match(r"--?[a-z]|[A-Za-z0-9][\w.-]*\s*(\[.*\])?\s*($|[<>=!~;@])", dependency):
        yield f"{dependency!r} is not a requirement"


def _file(path: str, root: Path) -> Iterator[str]:
    if not path.startswith(("/Workspace/", "/Volumes/", "http", "${")) and not (root / path).exists():
        yield f"no file {path}"


def _named(path: str, root: Path) -> Iterator[str]:
    """Files that a requirement file names go up with it, if they are there."""
    file = root / path
    for line in file.read_text("utf-8").splitlines() if file.is_file() else ():
        if match := re.match(r"\s*-[rc]\s*(\S+)", line):
            other = os.path.normpath(file.parent.relative_to(root) / match[1])
            if not (root / other).is_file():
                yield f"{path}: no file {other}"


def _extras(extras: str | None, root: Path) -> Iterator[str]:
    known = _project(root).get("optional-dependencies")
    for extra in (extras or "").split(","):
        if extra.strip() and known is not None and extra.strip() not in known:
            yield f"the project has no extra {extra.strip()}"


def _project(root: Path) -> Tree:
    file = root / "pyproject.toml"
    return _parsed(file.read_text("utf-8")) if file.is_file() else {}


@lru_cache(maxsize=8)
def _parsed(text: str) -> Tree:
    return mapping(tomllib.loads(text).get("project"))


def wheels(view: View) -> list[Tree]:
    """The artifacts that are wheels."""
    artifacts = mapping(view.tree.get("artifacts")).values()
    return [mapping(artifact) for artifact in artifacts if mapping(artifact).get("type") == "whl"]


def output(artifact: Tree) -> str:
    """The folder, relative to the bundle, that a wheel is built into."""
    build = str(artifact.get("build") or "python setup.py bdist_wheel")
    named = OUTPUT.search(build)
    default = "." if "pip wheel" in build else "dist"
    return str(PurePosixPath(str(artifact.get("path") or ".")) / (named[1] if named else default))


def _enough(task: Tree, specs: dict[str, Tree], view: View) -> Iterator[str]:
    """kslm's own wheel for what starts a stage, and torch for a stage that calculates with it."""
    stage, spec = stage_of(task), specs.get(str(task.get("environment_key")))
    if spec is None or not stage:
        return
    dependencies = [str(dependency) for dependency in spec.get("dependencies") or []]
    if not any(".whl" in dependency for dependency in dependencies):
        yield "its environment lacks the project's wheel"
    elif not any(dependency.startswith("-r ") for dependency in dependencies):
        yield "its environment pins nothing: no requirement file is named"
    if stage in PIPELINE and "torch" in PIPELINE[stage].libraries and not _torch(dependencies, view.root):
        yield f"stage {stage} needs torch, which its environment lacks"


def _torch(dependencies: list[str], root: Path) -> bool:
    optional = mapping(_project(root).get("optional-dependencies"))
    texts = [text for dependency in dependencies for text in requirements(dependency, root)]
    for dependency in dependencies:
        if match := re.search(r"\.whl\[([\w, -]+)\]", dependency):
            texts += [text for extra in match[1].split(",") for text in optional.get(extra.strip(), ["torch"])]
    return any(re.match(r"\s*torch\b(?!-|_)", text) for text in texts)


def requirements(dependency: str, root: Path, seen: frozenset[Path] = frozenset()) -> list[str]:
    """The lines that a dependency stands for, with those of the requirement files that it names."""
    match = re.match(r"\s*-r\s*(\S+)", dependency)
    file = root / match[1] if match else root
    if not match or not file.is_file() or file in seen:
        return [dependency]
    lines = file.read_text("utf-8").splitlines()
    return [text for line in lines for text in requirements(line, file.parent, seen | {file})]
