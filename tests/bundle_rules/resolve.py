"""The bundle as each target sees it: overrides laid over, `${...}` replaced by what can be known offline."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bundle_rules.load import Source, Tree, items, mapping, merge
from bundle_rules.typed import Later

NAME = r"_*[A-Za-z][A-Za-z0-9]*(?:[-_]+[A-Za-z0-9]+)*"
REFERENCE = re.compile(rf"(?<!\$)\$\{{({NAME}(?:\.{NAME}(?:\[\d+\])*)*)\}}")
USER = "ann@example.com"
DEPTH = 11
"""Rounds in which the CLI resolves references to references."""


@dataclass
class View:
    """A target's bundle: `written` with the target's overrides laid over, `tree` with its references resolved too."""

    target: str
    root: Path
    written: Tree
    tree: Tree

    @property
    def production(self) -> bool:
        return self.written.get("bundle", {}).get("mode") == "production"

    def all(self, kind: str) -> dict[str, Tree]:
        """The resources of a kind, by key."""
        resources = mapping(mapping(self.tree.get("resources")).get(kind))
        return {key: body for key, body in resources.items() if isinstance(body, dict)}

    @cached_property
    def volumes(self) -> list[str]:
        """Paths of the declared volumes."""
        parts = ("catalog_name", "schema_name", "name")
        return [
            "/Volumes/" + "/".join(str(volume.get(part)) for part in parts) for volume in self.all("volumes").values()
        ]

    @cached_property
    def schemas(self) -> list[tuple[str, str]]:
        """Catalog and name of the declared schemas."""
        return [(str(schema.get("catalog_name")), str(schema.get("name"))) for schema in self.all("schemas").values()]


def views(source: Source) -> list[View]:
    """One view a target."""
    base = {key: value for key, value in source.config.items() if key != "targets"}
    return [_view(source, base, name, mapping(body)) for name, body in mapping(source.config.get("targets")).items()]


def _view(source: Source, base: Tree, name: str, target: Tree) -> View:
    over = {key: value for key, value in target.items() if key not in ("mode", "default", "git", "variables")}
    written = merge(base, over)
    written["bundle"] = {**mapping(written.get("bundle")), "mode": target.get("mode"), "target": name}
    values = {key: mapping(spec).get("default") for key, spec in mapping(base.get("variables")).items()}
    for key, value in mapping(target.get("variables")).items():
        values[key] = value["default"] if isinstance(value, dict) and "default" in value else value
        if isinstance(value, dict) and value.keys() == {"lookup"}:
            values[key] = Later(f"<var.{key}>")
    written["variables"] = values
    workspace = written["workspace"] = dict(mapping(written.get("workspace")))
    workspace.setdefault("root_path", f"/Workspace/Users/{USER}/.bundle/${{bundle.name}}/${{bundle.target}}")
    for part in ("file", "artifact", "state", "resource"):
        workspace.setdefault(f"{part}_path", "${workspace.root_path}/" + part + "s")
    workspace["current_user"] = {"userName": USER, "short_name": "ann", "domain_friendly_name": "ann"}
    if target.get("mode") == "development":
        written["resources"] = _prefixed(mapping(written.get("resources")))
    return View(name, source.root, written, _resolve(written, written, 0))


def _prefixed(resources: Tree) -> Tree:
    """Names as the CLI writes them in development: what means one by a variable instead of by reference misses it."""
    result = dict(resources)
    for kind in ("schemas", "registered_models", "experiments"):
        result[kind] = {}
        for key, body in mapping(resources.get(kind)).items():
            name = str(mapping(body).get("name"))
            if kind == "experiments":
                folder, slash, base = name.rpartition("/")
                name = f"{folder}{slash}[dev ann] {base}"
            else:
                name = f"dev_ann_{name}"
            result[kind][key] = {**mapping(body), "name": name}
    return result


def _resolve(value: Any, tree: Tree, depth: int) -> Any:
    if isinstance(value, dict):
        return {key: _resolve(item, tree, depth) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, tree, depth) for item in value]
    if not isinstance(value, str) or "${" not in value or depth > DEPTH:
        return value
    if match := REFERENCE.fullmatch(value):
        return _resolve(look_up(match[1], tree), tree, depth + 1)
    return REFERENCE.sub(lambda found: str(_resolve(look_up(found[1], tree), tree, depth + 1)), value)


def look_up(path: str, tree: Tree) -> Any:
    """What a reference stands for; `Later` for what only a deployment knows."""
    parts = path.split(".")
    if parts[0] == "var":
        parts[0] = "variables"
    at: Any = tree
    for part in parts:
        if not isinstance(at, dict) or part not in at:
            return Later(f"<{path}>")
        at = at[part]
    return "" if at is None else at


def strings(value: Any, at: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    """Every string in a tree, with the keys that lead there."""
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in strings(item, (*at, str(key)))]
    if isinstance(value, list):
        return [found for item in value for found in strings(item, at)]
    return [(at, value)] if isinstance(value, str) else []


def tasks_of(job: Tree) -> list[Tree]:
    """A job's tasks, with those inside for-each tasks."""
    tasks = items(job.get("tasks"))
    nested = [mapping(mapping(task.get("for_each_task")).get("task")) for task in tasks]
    return tasks + [task for task in nested if task]
