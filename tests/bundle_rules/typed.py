"""Check a tree against a dataclass: unknown and missing fields, enumerations, and scalars of the wrong type."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Union

from databricks.bundles.core import Variable

SCALARS = {str: "a string", int: "a whole number", bool: "true or false", float: "a number"}


class Later(str):
    """A value that only the deployment knows, such as the id of a resource; it may stand for any scalar."""

    def __repr__(self) -> str:
        return f"Later({super().__repr__()})"


def mistakes(cls: Any, value: Any, at: str) -> Iterator[str]:
    """What keeps `value` from being a `cls`, a sentence each, with the place.

    Unlike `from_dict` of databricks-bundles this says everything at once, and takes no number for a string.
    """
    if isinstance(value, Later) or cls is Any:
        return
    origin, arguments = typing.get_origin(cls), typing.get_args(cls)
    if origin in (Union, types.UnionType):
        choices = [choice for choice in arguments if typing.get_origin(choice) is not Variable]
        if value is None:
            if type(None) not in choices:
                yield f"{at} is empty"
            return
        yield from mistakes(next(choice for choice in choices if choice is not type(None)), value, at)
    elif is_dataclass(cls):
        yield from _fields(cls, value, at)
    elif origin is list:
        if not isinstance(value, list):
            yield f"{at} is not a list"
            return
        for number, item in enumerate(value):
            yield from mistakes(arguments[0], item, f"{at}[{_label(item, number)}]")
    elif origin is dict:
        if not isinstance(value, dict):
            yield f"{at} is not a mapping"
            return
        for key, item in value.items():
            yield from mistakes(arguments[1], item, f"{at}.{key}")
    elif isinstance(cls, type) and issubclass(cls, Enum):
        if value not in (allowed := _members(cls)):
            yield f"{at} is {value!r}, not one of {', '.join(map(str, allowed[:8]))}"
    elif cls in SCALARS and (type(value) is not cls and not (cls is float and type(value) is int)):
        yield f"{at} is {value!r}, not {SCALARS[cls]}"


def _fields(cls: Any, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at} is not a mapping"
        return
    hints, required = _shape(cls)
    yield from (f"{at}: unknown field {key}" for key in value if key not in hints)
    yield from (f"{at}: {key} is missing" for key in required if value.get(key) is None)
    for key, item in value.items():
        if key in hints and not (key in required and item is None):
            yield from mistakes(hints[key], item, f"{at}.{key}")


@cache
def _shape(cls: Any) -> tuple[dict[str, Any], list[str]]:
    required = [f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING]
    return typing.get_type_hints(cls), required


@cache
def _members(cls: Any) -> tuple[str, ...]:
    return tuple(member.value for member in cls)


def _label(item: Any, number: int) -> Any:
    keys = ("task_key", "environment_key", "name", "principal")
    return next((item[key] for key in keys if key in item), number) if isinstance(item, dict) else number


@cache
def field_names(cls: Any) -> frozenset[str]:
    """The fields a dataclass has."""
    return frozenset(field.name for field in fields(cls))
