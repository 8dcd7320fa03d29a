"""Reader of device-tree bindings: which properties a device's node has, and which `compatible` strings name it.

Bindings are YAML (Documentation/devicetree/bindings/writing-schema.rst) or, the older ones, plain text, which is prose
already and comes back as it is. Of a YAML binding these are kept: the title, the description, the compatible strings,
what is said of each property (description, type, values, items, bounds, default; nested ones under their node), which
ones are required, and the examples. The rest is machinery: maintainers, references, conditions (`allOf`, `if`).

What one compatible of many is stands in a YAML comment, if anywhere: after it on its line, or above it where each has
lines of its own. A comment above several is taken for none of them.

Narrow: a compatible that only an `if` names is not listed; a property of which only the count is fixed is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DEEPEST = 60
_MOST_VALUES = 40
_MOST_GENERAL = 3
"""Of the compatibles that may follow one, those kept."""
_CHOICES = ("oneOf", "anyOf", "allOf", "items", "contains")
_ENTRY = re.compile(r"[ ]*-[ ]+(?:const:[ ]*)?([\w.+-]+,[\w.+-]+)[ ]*(?:#[ ]*(\S.*))?")
_PREFIX = re.compile(r"\^([\w.+-]+),\.\*")


class Binding(NamedTuple):
    """A binding as read; what is broken, nested too deep or no mapping is text about hardware without a schema."""

    text: str
    schema: dict[Any, Any] | None


def parse(text: str) -> Binding:
    """Read one binding; never raises."""
    return Binding(text, _schema(text) if _is_schema(text) else None)


def document(binding: Binding) -> str:
    """One binding as text, with blank lines between its parts."""
    schema = binding.schema
    if schema is None:
        return binding.text.strip("\n")
    parts = [_line(schema.get("title")), _prose(schema)]
    names = list(_names(schema))
    if names:
        parts.append("Compatible: " + ", ".join(names))
    properties = list(_properties(schema, ""))
    if properties:
        parts.append("Properties:\n" + "\n".join(properties))
    if required := _values(schema.get("required")):
        parts.append("Required: " + ", ".join(required))
    examples = schema.get("examples")
    if isinstance(examples, list):
        parts += [f"Example:\n{example.strip()}" for example in examples if isinstance(example, str)]
    return "\n\n".join(part for part in parts if part)


class Compatible(NamedTuple):
    """One compatible string of a binding.

    Attributes:
        title: of the binding.
        remark: what a comment in the binding says of this one; "" where there is none.
        general: more general ones that may follow it, where that is fixed.
        of_root: whether the root node has it: it names a board or the chip on it.
    """

    name: str
    title: str
    remark: str
    general: tuple[str, ...]
    of_root: bool


def compatibles(binding: Binding) -> list[Compatible]:
    """Each compatible string of a binding with a schema and a title. Patterns are left out: they name no device."""
    text, schema = binding
    if schema is None:
        return []
    title, remarks, of_root = _line(schema.get("title")), _remarks(text), _is_of_root(schema)
    names = _names(schema, patterns=False).items() if title else ()
    return [Compatible(name, title, remarks.get(name, ""), general, of_root) for name, general in names]


def vendors(text: str) -> dict[str, str]:
    """Vendor prefix to the vendor's name, of vendor-prefixes.yaml; nothing of any other text.

    Deprecated prefixes are left out: their descriptions say which one to use.
    """
    patterns = (parse(text).schema or {}).get("patternProperties")
    prefixes = patterns.items() if isinstance(patterns, dict) else ()
    used = ((key, facts) for key, facts in prefixes if isinstance(facts, dict) and not facts.get("deprecated"))
    named = ((_PREFIX.fullmatch(str(key)), _line(_prose(facts))) for key, facts in used)
    return {match[1]: name for match, name in named if match and name}


def _is_of_root(schema: dict[Any, Any]) -> bool:
    properties = schema.get("properties")
    node = properties.get("$nodename") if isinstance(properties, dict) else None
    return isinstance(node, dict) and node.get("const") == "/"


def _remarks(text: str) -> dict[str, str]:
    """What comments say of compatibles; the first of two remarks on one."""
    remarks: dict[str, str] = {}
    above: list[str] = []
    alone = comment = ""
    for line in (*text.splitlines(), "") if "#" in text else ():
        if entry := _ENTRY.fullmatch(line):
            name, after = entry.groups()
            if after:
                remarks.setdefault(name, " ".join(after.split()))
            alone, comment = "" if after or not above else name, " ".join(above)
            above.clear()
            continue
        if alone:
            remarks.setdefault(alone, comment)
            alone = ""
        if line.lstrip().startswith("#"):
            above.append(line.strip(" #"))
        else:
            above.clear()
    return {name: remark for name, remark in remarks.items() if not remark.endswith(":")}


def _is_schema(text: str) -> bool:
    return "$schema:" in text[:2000] or "$id:" in text[:2000] or text.startswith("%YAML")


def _schema(text: str) -> dict[Any, Any] | None:
    try:
        schema = yaml.load(text, Loader=_Loader) if _is_shallow(text) else None
    except (yaml.YAMLError, ValueError):  # ValueError: a value that looks like a date and is none
        return None
    return schema if isinstance(schema, dict) else None


def _is_shallow(text: str) -> bool:
    """Whether loading would not go too far: the loader recurses in C, and aliases may multiply without end."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST or isinstance(event, yaml.AliasEvent):
            return False
    return True


def _names(schema: dict[Any, Any], patterns: bool = True) -> dict[str, tuple[str, ...]]:
    """Every string that the property `compatible` may hold, in order, to the more general ones after it."""
    properties = schema.get("properties")
    node = properties.get("compatible") if isinstance(properties, dict) else None
    names: dict[str, tuple[str, ...]] = {}
    for name, general in _strings(node, ("const", "pattern") if patterns else ("const",)):
        names.setdefault(name, tuple(dict.fromkeys(general))[:_MOST_GENERAL])
    return names


def _strings(node: Any, keys: tuple[str, ...], general: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    if isinstance(node, list):
        for item in node:
            yield from _strings(item, keys, general)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in keys and isinstance(value, str):
                yield value, general
            elif key == "enum" and isinstance(value, list):
                yield from ((item, general) for item in value if isinstance(item, str))
            elif key == "items" and isinstance(value, list):
                for place, item in enumerate(value, 1):
                    yield from _strings(item, keys, (*_fixed(value[place : place + _MOST_GENERAL]), *general))
            elif key in _CHOICES:
                yield from _strings(value, keys, general)


def _fixed(items: list[Any]) -> Iterator[str]:
    """The strings that stand at these places whatever is chosen."""
    for item in items:
        if isinstance(item, dict) and isinstance(item.get("const"), str):
            yield item["const"]


def _properties(node: dict[Any, Any], indent: str) -> Iterator[str]:
    """A line for each property of which something is said, and below it those of its own nodes."""
    for key in ("properties", "patternProperties"):
        properties = node.get(key)
        for name, facts in properties.items() if isinstance(properties, dict) else ():
            if not isinstance(facts, dict) or (name == "compatible" and not indent):
                continue
            nested = list(_properties(facts, indent + "  "))
            description = _described(facts)
            if description or nested:
                yield f"{indent}{name}: {description}".rstrip(": ") + (":" if nested and not description else "")
                yield from nested


def _described(facts: dict[Any, Any]) -> str:
    """What a schema says of one property, in one line."""
    parts = [_line(_prose(facts)).rstrip(".")]
    reference = facts.get("$ref")
    if isinstance(reference, str) and "definitions/" in reference:
        parts.append(reference.rpartition("/")[2])
    elif facts.get("type") == "boolean":
        parts.append("boolean")
    if "const" in facts:
        parts.append(f"always {_line(facts['const'])}")
    if values := _values(facts.get("enum")):
        parts.append("one of " + ", ".join(values))
    items = facts.get("items")
    if isinstance(items, list):
        described = [_prose(item) or _line(item.get("const", "")) for item in items if isinstance(item, dict)]
        parts.append(", ".join(_line(item).rstrip(".") for item in described if item))
    elif isinstance(items, dict) and (values := _values(items.get("enum"))):
        parts.append("each one of " + ", ".join(values))
    for bound in ("minimum", "maximum", "default"):
        if isinstance(facts.get(bound), str | int | float):
            parts.append(f"{bound} {_line(facts[bound])}")
    return "; ".join(part for part in parts if part)


def _prose(node: Any) -> str:
    description = node.get("description") if isinstance(node, dict) else None
    return description.strip() if isinstance(description, str) else ""


def _values(node: Any) -> list[str]:
    """Scalars of a list, the first _MOST_VALUES of them."""
    scalars = [_line(item) for item in node if isinstance(item, str | int | float)] if isinstance(node, list) else []
    return [*scalars[:_MOST_VALUES], "..."] if len(scalars) > _MOST_VALUES else scalars


def _line(value: Any) -> str:
    return " ".join(str(value).split()) if isinstance(value, str | int | float) else ""
