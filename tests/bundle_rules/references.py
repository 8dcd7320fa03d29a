"""Every `${...}` names something that exists, where the CLI replaces it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bundle_rules import blocks
from bundle_rules.load import Source, Tree, mapping
from bundle_rules.resolve import REFERENCE, strings
from bundle_rules.resources import kind_of
from bundle_rules.typed import field_names

BUNDLE = field_names(blocks.Bundle) | {"target", "mode", "environment"}
GIT = {"branch", "origin_url", "commit", "actual_branch", "bundle_root_path"}
USER = {"userName", "user_name", "short_name", "domain_friendly_name", "displayName", "display_name", "id", "name"}
COMPUTED = {"id", "url", "name", "full_name", "volume_path", "modified_status"}
"""Fields that a deployment adds to what is written of a resource."""
LITERAL = ("include", "bundle", "sync")
"""Blocks that are read before references are resolved, or in which none makes sense."""
NO_RESOURCES = ("workspace", "permissions", "run_as", "presets", "artifacts", "experimental")


def problems(source: Source) -> Iterator[str]:
    """What is wrong with the references in the files, whichever target they are for."""
    for at, text in strings(source.config):
        place = ".".join(at)
        block = at[2] if at[0] == "targets" and len(at) > 2 else at[0]
        yield from (f"{place}: {problem}" for problem in _string(text, block, source.config))
        if at[-1] in ("host", "profile", "mode", "auth_type") and block in ("workspace", "mode") and "${" in text:
            yield f"{place}: is read before references are resolved"
    for key in _keys(source.config):
        if "${" in key or "{{" in key:
            yield f"key {key}: a reference cannot be part of a key"
    yield from _circular(source.config)


def _string(text: str, block: str, config: Tree) -> Iterator[str]:
    rest = REFERENCE.sub("", text.replace("$${", ""))
    if "${" in rest or re.search(r"\$\(|(?<!\$)\$\{?(?:var|bundle|workspace|resources)\.", rest):
        yield f"{text!r} is not a reference"
    if re.search(r"(?<!\$)\{(?:var|bundle|workspace|resources)\.", text):
        yield f"{text!r} lacks a $"
    for match in REFERENCE.finditer(text):
        if block in LITERAL:
            yield f"{match[0]}: no reference is resolved here"
        elif match[1].startswith("resources.") and block in NO_RESOURCES:
            yield f"{match[0]}: a resource does not exist yet where this is needed"
        yield from (f"{match[0]} {problem}" for problem in _path(match[1].split("."), config))


def in_text(text: str, config: Tree) -> Iterator[str]:
    """What is wrong with the references in one text."""
    yield from _string(text, "resources", config)


def _path(parts: list[str], config: Tree) -> Iterator[str]:
    match parts:
        case ["var", name]:
            if name not in mapping(config.get("variables")):
                yield "names a variable that is not declared"
        case ["var", name, *_]:
            if mapping(mapping(config.get("variables")).get(name)).get("type") != "complex":
                yield "reaches into what is no complex variable"
        case ["variables", name, "value" | "default"]:
            if name not in mapping(config.get("variables")):
                yield "names a variable that is not declared"
        case ["bundle", "git", name]:
            if name not in GIT:
                yield "does not exist"
        case ["bundle", name]:
            if name not in BUNDLE:
                yield "does not exist"
        case ["workspace", "current_user", name]:
            if name not in USER:
                yield "does not exist"
        case ["workspace", name]:
            if name not in field_names(blocks.Workspace):
                yield "does not exist"
        case ["resources", kind, key, name, *_]:
            yield from _resource(kind, key, name, config)
        case ["artifacts", name, *_]:
            if name not in mapping(config.get("artifacts")):
                yield "names nothing"
        case _:
            yield "does not exist"


def _resource(kind: str, key: str, name: str, config: Tree) -> Iterator[str]:
    declared = [mapping(config.get("resources"))]
    declared += [mapping(mapping(target).get("resources")) for target in mapping(config.get("targets")).values()]
    if not any(key in mapping(tree.get(kind)) for tree in declared):
        yield "names nothing"
    elif kind_of(kind) is not None and name.split("[", maxsplit=1)[0] not in field_names(kind_of(kind)) | COMPUTED:
        yield f"names a field that {kind} do not have"


def _circular(config: Tree) -> Iterator[str]:
    """Variables that are made of each other, and resources that wait for each other."""
    needs: dict[str, set[str]] = {}
    for name, spec in mapping(config.get("variables")).items():
        needs[f"var.{name}"] = _needs(mapping(spec).get("default"))
    for kind, group in mapping(config.get("resources")).items():
        for key, body in mapping(group).items():
            needs[f"resources.{kind}.{key}"] = _needs(body)
    while ready := [name for name, others in needs.items() if not others & needs.keys()]:
        for name in ready:
            del needs[name]
    if needs:
        yield f"references go in a circle: {', '.join(sorted(needs))}"


def _needs(value: object) -> set[str]:
    found = {match[1] for _, text in strings([value]) for match in REFERENCE.finditer(text)}
    return {".".join(path.split(".")[: 3 if path.startswith("resources.") else 2]) for path in found}


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)
