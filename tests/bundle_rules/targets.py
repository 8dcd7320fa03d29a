"""databricks.yml itself: its blocks, variables and targets, and what two targets must not share."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from pathlib import PurePosixPath
from typing import Any

from bundle_rules import blocks, environments
from bundle_rules.load import Source, Tree, items, mapping
from bundle_rules.resolve import REFERENCE, USER, View, strings
from bundle_rules.resources import principal
from bundle_rules.typed import mistakes

MACHINE = re.compile(r"(?<![\w$}])/(home|root|tmp)/|(?<!\w)[A-Za-z]:\\")
LEAST_CLI = (1, 13)
"""Of the CLI: earlier ones mishandle empty strings and relative paths of commands that this bundle uses."""
GOES_UP = ("jobs", "conf", "src", "environments", "notebooks")
"""Folders whose files are read in the workspace."""
IDENTITY = ("name", "catalog_name", "schema_name", "display_name")


def root(source: Source) -> Iterator[str]:
    """What is wrong with the blocks, as they are written."""
    config = source.config
    yield from mistakes(blocks.Root, config, "databricks.yml")
    bundle = mapping(config.get("bundle"))
    if not re.fullmatch(r"[\w.-]+", str(bundle.get("name", ""))):
        yield f"{bundle.get('name')!r} is no name of a bundle"
    version = re.fullmatch(r">=\s*(\d+)\.(\d+)(\.\d+)?(\s*,?\s*<\s*[\d.]+)?", str(bundle.get("databricks_cli_version")))
    if version is None or (int(version[1]), int(version[2])) < LEAST_CLI:
        yield f"databricks_cli_version does not ask for {'.'.join(map(str, LEAST_CLI))} or later"
    targets = mapping(config.get("targets"))
    if sum(mapping(target).get("default") is True for target in targets.values()) != 1:
        yield "exactly one target must be the default"
    for name, target in targets.items():
        if not mapping(target).get("mode"):
            yield f"target {name}: no mode says whether it is for development or production"
        workspace = mapping(mapping(target).get("workspace"))
        if mapping(target).get("mode") == "production" and not workspace.get("root_path"):
            yield f"target {name}: a production target needs a workspace.root_path"
    yield from (
        f"{'.'.join(at)}: {text!r} names a place of one machine" for at, text in strings(config) if _local(text)
    )
    yield from _variables(config)
    yield from _profile(config)


def _local(text: str) -> bool:
    return MACHINE.search(text) is not None


def _variables(config: Tree) -> Iterator[str]:
    declared = {name: mapping(spec) for name, spec in mapping(config.get("variables")).items()}
    rest = [{key: value for key, value in config.items() if key != "variables"}, [*declared.values()]]
    used = {
        match[1].split(".")[1] for _, text in strings(rest) for match in REFERENCE.finditer(text) if "." in match[1]
    }
    yield from (f"variable {name} is used nowhere" for name in declared.keys() - used)
    for name, spec in declared.items():
        if "default" in spec and "lookup" in spec:
            yield f"variable {name} has a default and a lookup"
        if "lookup" in spec and len(mapping(spec["lookup"])) != 1:
            yield f"variable {name} looks up {len(mapping(spec['lookup']))} things"
        if "default" in spec:
            yield from _value(name, spec, spec["default"])
    for target, body in mapping(config.get("targets")).items():
        given = mapping(mapping(body).get("variables"))
        yield from (f"target {target}: variable {name} is not declared" for name in given.keys() - declared.keys())
        for name, spec in declared.items():
            if name in given:
                yield from (f"target {target}: {problem}" for problem in _value(name, spec, given[name]))
            elif spec.get("default") is None and "lookup" not in spec:
                yield f"target {target}: variable {name} has no value"


def _value(name: str, spec: Tree, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and spec.get("type") != "complex":
        if value.keys() == {"lookup"}:
            return
        value = value.get("default", value)
    if value is None:
        yield f"variable {name} is empty"
    elif isinstance(value, (dict, list)) != (spec.get("type") == "complex"):
        yield f"variable {name} is of type complex if and only if its value is a mapping or a list"


def _profile(config: Tree) -> Iterator[str]:
    """Another profile in the same target must not rename, and so recreate, what holds data."""
    specs = mapping(config.get("variables"))
    made_of = {"profile"}
    while more := {
        name for name, spec in specs.items() if name not in made_of and _named(mapping(spec).get("default")) & made_of
    }:
        made_of |= more
    for kind, group in mapping(config.get("resources")).items():
        for key, body in mapping(group).items():
            if any(_named(mapping(body).get(field)) & made_of for field in IDENTITY):
                yield f"{kind}.{key}: its name hangs on the profile"


def _named(value: Any) -> set[str]:
    return {match[1].removeprefix("var.") for _, text in strings([value]) for match in REFERENCE.finditer(text)}


def problems(view: View) -> Iterator[str]:
    """What is wrong with a target."""
    tree, workspace = view.tree, mapping(view.tree.get("workspace"))
    for permission in items(tree.get("permissions")):
        yield from mistakes(blocks.Permission, permission, "permissions")
        yield from principal(permission)
    run_as = mapping(tree.get("run_as"))
    if "run_as" in tree:
        yield from mistakes(blocks.RunAs, tree["run_as"], "run_as")
        if sum(bool(value) for value in run_as.values()) != 1:
            yield "run_as names a user_name or a service_principal_name"
    for name in ("root_path", "file_path", "state_path", "resource_path", "artifact_path"):
        path = str(workspace.get(name))
        if re.match(r"(/Workspace)?/Shared(/|$)", path):
            yield f"{name} lies in /Workspace/Shared, where everybody may write"
        elif not re.match(r"/Workspace/|/Users/|~/" + ("|/Volumes/" if name == "artifact_path" else ""), path):
            yield f"{name} {path} is not in /Workspace"
    if not view.production and USER not in (path := str(workspace.get("root_path"))) and not path.startswith("~/"):
        yield f"root_path {path} is shared by developers"
    if view.production and not run_as:
        yield "runs as whoever deploys: run_as is missing"
    if view.production and not items(tree.get("permissions")):
        yield "nobody but the deployer may look at the jobs: permissions are missing"
    if mapping(tree.get("presets")).get("trigger_pause_status") == "UNPAUSED":
        yield "presets start what is to be paused"
    yield from _artifacts(view)
    yield from _sync(view)


def _artifacts(view: View) -> Iterator[str]:
    presets, experimental = mapping(view.tree.get("presets")), mapping(view.tree.get("experimental"))
    for artifact in environments.wheels(view):
        if not artifact.get("dynamic_version") and not presets.get("artifacts_dynamic_version"):
            yield "serverless compute would keep the old wheel: dynamic_version is not true"
        if experimental.get("skip_artifact_cleanup") is not True:
            yield "a deployment would delete the wheel of a run under way: skip_artifact_cleanup is not true"
        folder = view.root / str(artifact.get("path") or ".")
        if not artifact.get("build") and not (folder / "setup.py").is_file():
            yield "without a build command the CLI needs a setup.py, which there is not"
        if not folder.is_dir() or str(PurePosixPath(str(artifact.get("path") or "."))).startswith(("..", "/")):
            yield f"an artifact is built in {artifact.get('path')}, which is no folder of the bundle"
        for file in items(artifact.get("files")):
            if str(PurePosixPath(str(file.get("source"))).parent) != environments.output(artifact):
                yield f"{file.get('source')} is not where the wheel is built"


def _sync(view: View) -> Iterator[str]:
    sync = mapping(view.tree.get("sync"))
    for pattern in sync.get("exclude") or []:
        for folder in GOES_UP:
            if _covers(str(pattern), folder):
                yield f"sync excludes {folder} ({pattern})"
    paths = [str(PurePosixPath(str(path))) for path in sync.get("paths") or ["."]]
    for folder in GOES_UP:
        if not {".", folder} & set(paths):
            yield f"sync leaves out {folder}"


def _covers(pattern: str, folder: str) -> bool:
    """Whether a pattern, as of .gitignore, takes away the Python, YAML, text or shell files of a folder."""
    plain = pattern.strip("/").removeprefix("./").removeprefix("**/")
    inside = plain.removeprefix(f"{folder}/")
    if plain in (folder, "*", "**"):
        return True
    files = (
        "*",
        "**",
        "**/*",
        "*.py",
        "**/*.py",
        "*.yml",
        "*.txt",
        "*.sh",
        "stage.py",
        "values.py",
        "refused.py",
        "gpu",
    )
    return inside in files and ("/" not in pattern.strip("/") or plain.startswith((f"{folder}/", "*")))


def shared(views: list[View]) -> Iterator[str]:
    """What two targets must not share: a place in the workspace, an experiment, a name in the catalog."""
    taken: dict[str, dict[str, set[Any]]] = defaultdict(dict)
    for view in views:
        taken["root_path"][view.target] = {mapping(view.tree.get("workspace")).get("root_path")}
        if view.written["bundle"].get("mode") != "development":
            hosts = mapping(view.tree.get("workspace")).get("host")
            taken["experiment"][view.target] = {(hosts, e.get("name")) for e in view.all("experiments").values()}
            taken["schema"][view.target] = set(view.schemas)
            taken["model"][view.target] = {
                (model.get("catalog_name"), model.get("schema_name"), model.get("name"))
                for model in view.all("registered_models").values()
            }
    for what, by_target in taken.items():
        for one, other in combinations(by_target, 2):
            if both := by_target[one] & by_target[other]:
                yield f"targets {one} and {other} share the {what} {sorted(map(str, both))[0]}"
