"""Reader of device-tree bindings: which properties a device's node has, and which `compatible` strings name it.

Bindings are YAML (Documentation/devicetree/bindings/writing-schema.rst) or, the older ones, plain text, which is prose
already and comes back as it is. Of a YAML binding the title, every description, the compatible strings and the examples
are kept; the schema around them is not prose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 60


def extract(text: str) -> str:
    """The prose of one binding: title, descriptions, "Compatible: ..." and examples, with blank lines between.

    Raises:
        ValueError: YAML by its first lines, but not parseable, nested without reason, or no mapping.
    """
    if not _is_schema(text):
        return text.strip("\n")
    try:
        _check_shape(text)
        schema = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"not valid YAML{f' at line {mark.line + 1}' if mark else ''}") from error
    if not isinstance(schema, dict):
        raise ValueError("not a mapping of schema keys")
    parts = [str(schema.get("title") or "").strip()]
    if isinstance(schema.get("description"), str):
        parts.append(schema["description"].strip())
    names = _compatible(schema.get("properties"))
    if names:
        parts.append("Compatible: " + ", ".join(names))
    for key in ("properties", "patternProperties"):
        parts += _described(schema.get(key))
    examples = schema.get("examples")
    if isinstance(examples, list):
        parts += [f"Example:\n{example.strip()}" for example in examples if isinstance(example, str)]
    return "\n\n".join(part for part in parts if part)


def _is_schema(text: str) -> bool:
    return "$schema:" in text[:2000] or "$id:" in text[:2000] or text.startswith("%YAML")


def _check_shape(text: str) -> None:
    """Refuse what loading would follow too far: the loader recurses in C, and aliases may multiply without end."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError("not a binding: YAML aliases")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"not a binding: nested deeper than {_DEEPEST}")


def _compatible(properties: Any) -> list[str]:
    """Every string that the property `compatible` may hold, in order, once."""
    node = properties.get("compatible") if isinstance(properties, dict) else None
    return list(dict.fromkeys(_strings(node)))


def _strings(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _strings(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("const", "pattern") and isinstance(value, str):
                yield value
            elif key == "enum" and isinstance(value, list):
                yield from (item for item in value if isinstance(item, str))
            elif key in ("oneOf", "anyOf", "allOf", "items", "contains"):
                yield from _strings(value)


def _described(properties: Any) -> Iterator[str]:
    """`name: description` of each described property, nested ones included."""
    if not isinstance(properties, dict):
        return
    for name, node in properties.items():
        if isinstance(node, dict):
            if isinstance(node.get("description"), str):
                yield f"{name}: {node['description'].strip()}"
            for key in ("properties", "patternProperties"):
                yield from _described(node.get(key))
