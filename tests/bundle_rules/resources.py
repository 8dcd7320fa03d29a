"""Each resource by its type, and what the types leave open: names, grants, permissions, what a schema holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

from bundle_rules.load import Source, Tree, items, mapping
from bundle_rules.resolve import View
from bundle_rules.typed import Later, mistakes
from kslm.lake import tables

LAYERS = sorted({table.layer for table in tables.ALL})
EVERYWHERE = {"ALL_PRIVILEGES", "APPLY_TAG", "MANAGE"}
PRIVILEGES = {
    "volumes": EVERYWHERE | {"READ_VOLUME", "WRITE_VOLUME"},
    "registered_models": EVERYWHERE | {"EXECUTE"},
    "schemas": EVERYWHERE
    | {"USE_SCHEMA", "SELECT", "MODIFY", "EXECUTE", "READ_VOLUME", "WRITE_VOLUME", "REFRESH", "EXTERNAL_USE_SCHEMA"}
    | {f"CREATE_{name}" for name in ("TABLE", "FUNCTION", "MATERIALIZED_VIEW", "MODEL", "VOLUME", "VIEW")},
}
PRINCIPALS = ("user_name", "group_name", "service_principal_name")
NAMED = {"jobs": ("name",), "experiments": ("name",), "schemas": ("catalog_name", "name")} | dict.fromkeys(
    ("volumes", "registered_models"), ("catalog_name", "schema_name", "name")
)
TAGS = 25
CATALOGUED = ("schemas", "volumes", "registered_models")
REQUIRED = {
    "volumes": ("volume_type",),
    "registered_models": ("catalog_name", "schema_name", "name"),
    "jobs": ("name",),
}
"""Fields that the types leave open, and the CLI or the workspace does not."""


@cache
def kind_of(name: str) -> Any:
    """The dataclass of a kind of resource; None if there is no such kind. Imported one by one, since all are slow."""
    try:
        return import_module(f"databricks.bundles.core._generated.{name}")._resource_type().resource_type
    except (ImportError, AttributeError):
        return None


class Same:
    """A tree as a key: equal to another of the same content, types included."""

    def __init__(self, tree: Tree) -> None:
        self.tree, self.text = tree, repr(tree)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


@lru_cache(maxsize=1024)
def _typed(kind: str, at: str, body: Same) -> tuple[str, ...]:
    return tuple(mistakes(kind_of(kind), body.tree, at))


def keys(source: Source) -> Iterator[str]:
    """Keys of resources, across kinds and files."""
    seen: dict[str, str] = {}
    declared = mapping(source.config.get("resources"))
    for kind, group in declared.items():
        if kind_of(kind) is None:
            yield f"{kind} is an unknown kind of resource"
        for key, body in mapping(group).items():
            if key in seen and seen[key] != kind:
                yield f"{seen[key]}.{key} and {kind}.{key} share a key"
            seen[key] = kind
            if not re.fullmatch(r"[A-Za-z0-9_-]+", str(key)):
                yield f"{kind}.{key}: a key is made of letters, digits, _ and -"
            if not isinstance(body, dict):
                yield f"{kind}.{key} is empty"
    for name, target in mapping(source.config.get("targets")).items():
        for kind, group in mapping(mapping(target).get("resources")).items():
            for key, body in mapping(group).items():
                if key not in mapping(declared.get(kind)):
                    yield f"target {name}: overrides {kind}.{key}, which is not declared"
                    continue
                known = {str(task.get("task_key")) for task in items(mapping(declared[kind][key]).get("tasks"))}
                for task in items(mapping(body).get("tasks")):
                    if str(task.get("task_key")) not in known and not any(field.endswith("_task") for field in task):
                        yield f"target {name}: overrides task {task.get('task_key')} of {key}, which is not declared"


def problems(view: View) -> Iterator[str]:
    """What is wrong with a target's resources."""
    names: dict[tuple[str, ...], str] = {}
    for kind in mapping(view.tree.get("resources")):
        for key, body in view.all(kind).items():
            at = f"{kind}.{key}"
            if kind_of(kind) is not None:
                yield from _typed(kind, at, Same(body))
            yield from (f"{at}: {problem}" for problem in _resource(kind, body, view))
            if kind in NAMED and (name := (kind, *(str(body.get(part)) for part in NAMED[kind]))) in names:
                yield f"{at} has the same name as {names[name]}"
            elif kind in NAMED:
                names[name] = at
    yield from _kept(view)
    yield from _layers(view)


def _resource(kind: str, body: Tree, view: View) -> Iterator[str]:
    for permission in items(body.get("permissions")):
        yield from principal(permission)
    for grant in items(body.get("grants")):
        yield from _grant(kind, body, grant, view)
    yield from (f"{field} is missing" for field in REQUIRED.get(kind, ()) if not body.get(field))
    name = body.get("name")
    # Narrower than Unity Catalog's own rule: kslm takes no other (`KSLM_SCHEMA`).
    if kind in CATALOGUED and not isinstance(name, Later) and not re.fullmatch(r"\w{1,255}", str(name)):
        yield f"{name!r} cannot be a name in Unity Catalog"
    if (
        kind == "experiments"
        and isinstance(name, str)
        and not re.fullmatch(r"/(Shared|Users|Workspace)/[^:%]+[^/]", name)
    ):
        yield f"{name!r} is not the path of an experiment"
    if (
        kind in ("volumes", "registered_models")
        and (body.get("catalog_name"), body.get("schema_name")) not in view.schemas
    ):
        yield f"lies in schema {body.get('schema_name')}, which is not declared"
    if kind == "volumes" and (body.get("volume_type") == "EXTERNAL") != ("storage_location" in body):
        yield "an external volume, and no other, has a storage_location"
    if kind == "registered_models" and body.get("aliases"):
        yield "aliases are moved by the release task; a deployment would move them back"
    if kind == "jobs" and len(mapping(body.get("tags"))) > TAGS:
        yield f"more than {TAGS} tags"
    if kind == "dashboards":
        yield from _dashboard(body, view)


def principal(permission: Tree) -> Iterator[str]:
    """A permission is one principal's."""
    if sum(bool(permission.get(name)) for name in PRINCIPALS) != 1:
        yield f"a permission names one of {', '.join(PRINCIPALS)}"
    if "@" in str(permission.get("group_name")):
        yield f"{permission['group_name']} is a user and no group"


def _grant(kind: str, body: Tree, grant: Tree, view: View) -> Iterator[str]:
    who, privileges = grant.get("principal"), grant.get("privileges") or []
    if not who or not privileges:
        yield "a grant names a principal and its privileges"
    for privilege in privileges if isinstance(privileges, list) else []:
        if kind in PRIVILEGES and privilege not in PRIVILEGES[kind]:
            yield f"{privilege} cannot be granted on {kind}"
    holder = body
    if kind in ("volumes", "registered_models"):
        place = (body.get("catalog_name"), body.get("schema_name"))
        found = [s for s in view.all("schemas").values() if (s.get("catalog_name"), s.get("name")) == place]
        holder = found[0] if found else {}
    granted = [g.get("privileges") or [] for g in items(holder.get("grants")) if g.get("principal") == who]
    if holder and not any({"USE_SCHEMA", "ALL_PRIVILEGES"} & {*map(str, privileges)} for privileges in granted):
        yield f"what {who} is granted is void without USE_SCHEMA on the schema"


def _dashboard(body: Tree, view: View) -> Iterator[str]:
    path = body.get("file_path")
    if bool(path) == bool(body.get("serialized_dashboard")):
        yield "a dashboard has a file_path or a serialized_dashboard"
    elif isinstance(path, str):
        try:
            json.loads((view.root / path).read_text("utf-8"))
        except OSError:
            yield f"no file {path}"
        except ValueError:
            yield f"{path} is not JSON"


def _kept(view: View) -> Iterator[str]:
    """In production, what the jobs write must survive `bundle destroy`, and be of use to others than its owner."""
    if not view.production:
        return
    used = {
        str(parameter.get("default")) for job in view.all("jobs").values() for parameter in items(job.get("parameters"))
    }
    for kind in ("schemas", "volumes", "registered_models", "experiments"):
        for key, body in view.all(kind).items():
            name, place = str(body.get("name")), f"/{body.get('schema_name')}/{body.get('name')}"
            ours = any(place in value for value in used) if kind == "volumes" else name in used
            if kind == "schemas":
                ours = ours or any(name == f"{base}_{layer}" for base in used for layer in LAYERS)
            if ours and mapping(body.get("lifecycle")).get("prevent_destroy") is not True:
                yield f"{kind}.{key}: holds data, and nothing prevents its destruction"
            if ours and kind in CATALOGUED and not body.get("grants"):
                yield f"{kind}.{key}: nobody but its owner is granted its use"


def _layers(view: View) -> Iterator[str]:
    """The code names a layer's schema after the schema it is given."""
    for key, job in view.all("jobs").items():
        given = {p.get("name"): p.get("default") for p in items(job.get("parameters"))}
        if "schema" in given:
            for name in (given["schema"], *(f"{given['schema']}_{layer}" for layer in LAYERS)):
                if (given.get("catalog"), name) not in view.schemas:
                    yield f"jobs.{key}: no schema {name} is declared in catalog {given.get('catalog')}"
