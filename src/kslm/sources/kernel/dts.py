"""Reader of device-tree sources (.dts, .dtsi): which devices a board or a chip has, without what all boards repeat.

Grammar: https://devicetree-specification.readthedocs.io, chapter 6. A file is a tree of nodes, `label: name@address {
property = value; ... };`, after the C preprocessor. Seven in ten bytes of these files are lines that stand elsewhere
too, so a file is read into its nodes and written again without:

* licence notices, preprocessor lines, /dts-v1/ and includes;
* properties that only connect or enable (DROPPED): status, pinctrl, cell counts, remote endpoints, caches;
* nodes that are tables of pin settings, aliases and chosen, and nodes of which nothing is left;
* the seventh and later of sibling nodes that have the same properties and, but for digits, the same name; a comment
  says how many there were. Values longer than LONGEST_VALUE are cut.

Narrow: the preprocessor is not run, so both branches of an #if are there and macros keep their names; braces inside
macros' bodies are not seen. What does not nest properly comes back as text, without its header.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache

from kslm.sources.kernel.comments import is_legal, without_header

LONGEST_VALUE = 240
"""Characters of a property."""
ALIKE = 6
"""Sibling nodes of one shape that are written."""
_DEEPEST = 40

DROPPED = re.compile(
    r"status|pinctrl-.*|#.*-cells|interrupt-controller|gpio-controller|msi-controller|ranges|remote-endpoint"
    r"|interrupt-parent|next-level-cache|cpu-idle-states|operating-points-v2|(?:linux,)?phandle|u-boot,dm-.*"
)
_PIN_PROPERTY = re.compile(
    r"(?:[\w-]+,)?(?:pins?|pin-[\w-]+|function|groups|pinmux|pull|tristate|enable-input|open-drain|lock|io-reset"
    r"|rcv-sel|ioreset|schmitt|slew-rate-\w+|pull-(?:up|down)-strength|drive-type)|(?:bias|input|output|drive|slew|power)-[\w-]+"
)
_UNWANTED_NODES = frozenset({"aliases", "chosen", "__symbols__", "cpu-map"})
_PREPROCESSOR = re.compile(
    r"(?m)^[ \t]*+(?:#[ \t]*+(?:include|define|undef|if|ifdef|ifndef|elif|else|endif|error)\b"
    r"|/include/|/dts-v1/|/plugin/)(?:[^\\\n]++|\\(?:\n|.)?)*+"
)
# What stands before the next mark, and the mark: an end of a statement, a brace or a comment.
_PIECE = re.compile(
    r"""(\s*+)((?:[^{};"/]++|"(?:[^"\\]++|\\.)*+"|/(?![*/]))*+)([{};]|/\*.*?\*/|//[^\n]*+)""",
    re.DOTALL,
)
_LABELS = re.compile(r"(?:[\w-]++:\s*+)++")
_DIGITS = re.compile(r"@.*|[0-9]++")
_PROPERTY = re.compile(r"[\w,.+?#-]++")


@dataclass(slots=True)
class _Node:
    head: str
    items: list[str | _Node] = field(default_factory=list)
    """Properties and comments as they are written, and nodes, in order."""


def extract(text: str) -> str:
    """The nodes of one file that say something of hardware, indented by tabs; "" where it has none."""
    body = _PREPROCESSOR.sub("", without_header(text))
    root = _parse(body)
    if root is None:
        return "\n".join(line.rstrip() for line in body.split("\n") if line.strip())
    _prune(root)
    lines: list[str] = []
    _write(root, "", lines)
    return "\n".join(lines)


def _parse(text: str) -> _Node | None:
    """The tree under a root without name; None where braces do not match or nest too deeply."""
    root = _Node("")
    stack = [root]
    pending = ""
    position = 0
    while piece := _PIECE.match(text, position):
        position = piece.end()
        blank, statement, mark = piece.groups()
        if mark[0] == "/":
            if pending or statement:
                pending += f"{statement} {mark} "
            else:
                _comment(stack[-1], mark, "\n" in blank)
            continue
        statement = " ".join((pending + statement).split())
        pending = ""
        if mark == "{":
            node = _Node(statement)
            stack[-1].items.append(node)
            stack.append(node)
            if len(stack) > _DEEPEST:
                return None
            continue
        if statement:
            stack[-1].items.append(_cut(statement) + ";")
        if mark == "}":
            stack.pop()
            if not stack:
                return None
    return root if len(stack) == 1 and not (pending + text[position:]).strip() else None


def _cut(statement: str) -> str:
    if len(statement) <= LONGEST_VALUE:
        return statement
    return statement[:LONGEST_VALUE].rsplit(" ", 1)[0] + (" ...>" if "<" in statement else " ...")


def _comment(node: _Node, comment: str, on_its_own_line: bool) -> None:
    """Keep a comment, beside the property before it where that is where it stands."""
    if is_legal(comment) or "-*-" in comment:
        return
    last = node.items[-1] if node.items else None
    if isinstance(last, str) and not on_its_own_line and last.endswith(";"):
        node.items[-1] = f"{last} {' '.join(comment.split())}"
    else:
        node.items.append("\n".join(line.strip() for line in comment.split("\n")))


def _prune(node: _Node) -> None:
    """Take out, from the leaves up, what all boards repeat."""
    remaining: list[str | _Node] = []
    shapes: Counter[tuple[str, ...]] = Counter()
    for item in node.items:
        if isinstance(item, str):
            if not _is_dropped(_property(item)):
                remaining.append(item)
            continue
        _prune(item)
        if not any(_property(child) if isinstance(child, str) else True for child in item.items) or _is_unwanted(item):
            continue
        shape = _shape(item)
        shapes[shape] += 1
        if shapes[shape] <= ALIKE:
            remaining.append(item)
    left_out = sum(count - ALIKE for count in shapes.values() if count > ALIKE)
    node.items = [*remaining, f"/* {left_out} more nodes of these kinds */"] if left_out else remaining


@lru_cache(1 << 16)
def _property(item: str) -> str:
    """Name of a property; "" for a comment."""
    name = _PROPERTY.match(_LABELS.sub("", item, count=1) if ":" in item else item)
    return name[0] if name else ""


@lru_cache(1 << 12)
def _is_dropped(name: str) -> bool:
    return DROPPED.fullmatch(name) is not None


@lru_cache(1 << 16)
def _name(head: str) -> str:
    labels = _LABELS.match(head)
    return head[labels.end() :] if labels else head


@lru_cache(1 << 16)
def _kind(head: str) -> str:
    """Name of a node without what tells it from its siblings."""
    return _DIGITS.sub("", _name(head))


def _is_unwanted(node: _Node) -> bool:
    properties = [_property(item) for item in node.items if isinstance(item, str)]
    is_pins = len(properties) == len(node.items) and all(_PIN_PROPERTY.fullmatch(name) for name in properties if name)
    return is_pins or _name(node.head) in _UNWANTED_NODES


def _shape(node: _Node) -> tuple[str, ...]:
    names = [_property(item) if isinstance(item, str) else _kind(item.head) for item in node.items]
    return (_kind(node.head), *names)


def _write(node: _Node, indent: str, lines: list[str]) -> None:
    for item in node.items:
        if isinstance(item, str):
            lines.append(indent + (item.replace("\n", f"\n{indent} ") if "\n" in item else item))
        else:
            lines.append(f"{indent}{item.head} {{")
            _write(item, indent + "\t", lines)
            lines.append(f"{indent}}};")
