"""YAML read into a pydantic model, with errors that name file, line and field.

Two departures from PyYAML's defaults: 3e-4 is a number, as in YAML 1.2 (YAML 1.1 wants 3.0e-4 and silently reads a
string), and a key given twice is an error rather than the last one winning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from kslm.errors import SettingsError

M = TypeVar("M", bound=BaseModel)


def parse_yaml(text: str, name: str, model: type[M], base: Callable[[str], dict[str, Any]] | None = None) -> M:
    """Validate a file's text against `model`.

    Args:
        name: what errors call the file.
        base: given the value of a top-level `extends`, the mapping that this file's values are laid over.

    Raises:
        SettingsError: one line a problem: `name:line: field: what is wrong`.
    """
    try:
        tree = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise SettingsError(f"{name}{line}: not valid YAML", cause=str(getattr(error, "problem", error))) from None
    if not isinstance(data, dict):
        raise SettingsError(f"{name}:1: not a mapping of sections", remedy="see conf/quick.yml")
    if base and "extends" in data:
        data = _laid_over(base(str(data.pop("extends"))), data)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [
            f"{name}:{_line_of(tree, e['loc'])}: {dotted(e['loc']) or 'file'}: {e['msg']}" for e in error.errors()
        ]
        raise SettingsError("\n".join(problems), remedy="correct these lines; conf/quick.yml is an example") from None


def assigned(changes: Iterable[str]) -> str:
    """Assignments such as `train.max_steps=2000` as the text of a file that extends the one they change.

    Raises:
        SettingsError: one is not of that form, or two contradict each other.
    """
    tree: dict[str, Any] = {"extends": "profile"}
    for change in changes:
        path, equals, value = change.partition("=")
        *sections, name = path.strip().split(".")
        part = tree
        for section in sections:
            part = part.setdefault(section, {}) if isinstance(part, dict) else part
        whole = equals and all((*sections, name)) and "\n" not in value
        if not whole or path.strip() in ("profile", "extends") or not isinstance(part, dict) or name in part:
            raise SettingsError(
                f"--set {change!r} cannot be used",
                cause="it is not of the form section.field=value, is given twice, or would rename the profile",
                remedy="for example train.max_steps=2000; a list as [0.9, 0.95]",
            )
        part[name] = value.strip()
    return "\n".join(_lines(tree))


def _lines(tree: dict[str, Any], indent: str = "") -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _lines(value, f"{indent}  ")
        else:
            yield f"{indent}{key}: {value}"


def _laid_over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """`top` over `base`, mapping by mapping; lists and single values are replaced whole."""
    merged = dict(base)
    for key, value in top.items():
        under = base.get(key)
        merged[key] = _laid_over(under, value) if isinstance(value, dict) and isinstance(under, dict) else value
    return merged


class _Loader(yaml.SafeLoader):
    """SafeLoader that reads 3e-4 as a number (YAML 1.2), and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d[\d_]*)(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def dotted(location: tuple[int | str, ...]) -> str:
    """A pydantic error location as `section.field`."""
    return ".".join(str(part) for part in location)


def _line_of(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Line (from 1) of the deepest part of `location` that the file holds."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            entries = {key.value: (key, value) for key, value in node.value}
            if str(part) not in entries:
                break
            key, node = entries[str(part)]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
