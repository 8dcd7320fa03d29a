"""Reader of Kconfig files: what each configuration symbol of the kernel is, and its help text.

Grammar: Documentation/kbuild/kconfig-language.rst in the kernel tree. Read line by line, since a help text's end is a
matter of indentation: the first line indented less than the text's own first line (`help` and the older `---help---`).
A `choice` has a prompt and often a help text of its own; it is an entry without a name unless it is given one, and the
prompts of the menus around an entry say what it is about. What an `if` block, a menu or a choice asks for is asked of
every entry in it.

Narrow: one file is read at a time; `kconfig_tree` adds what surrounds the `source` of a file in another one. Symbols
are not evaluated. `imply`, `default`, `range` and a menu's `visible if`, which hides prompts only, are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from kslm.sources.records import ConfigSymbol

_ENTRY = re.compile(r"[ \t]*(menuconfig|config)[ \t]+(\w+)[ \t]*(?:#.*)?")
# Statements that end an entry; what follows them belongs to none.
_END = re.compile(
    r"[ \t]*(endchoice|menu|endmenu|mainmenu|comment|if|endif|source|rsource|osource|orsource)\b(.*)", re.DOTALL
)
_CHOICE = re.compile(r"[ \t]*choice\b[ \t]*(\w*)[ \t]*(?:#.*)?")
_TYPE = re.compile(r"[ \t]*(def_)?(tristate|bool|boolean|int|hex|string)\b(.*)", re.DOTALL)
_PROMPT = re.compile(r"[ \t]*prompt\b(.*)", re.DOTALL)
_QUOTED = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)')""", re.DOTALL)
_IF = re.compile(r"[ \t]*if\b(.*)", re.DOTALL)
_DEPENDS = re.compile(r"[ \t]*depends[ \t]+on\b(.*)", re.DOTALL)
_SELECT = re.compile(r"[ \t]*select\b(.*)", re.DOTALL)
_OPERATOR = re.compile(r"[ \t]*(\|\||&&)[ \t]*")
_NESTING = re.compile(r"[()]|\|\|| if ")
_HELP = re.compile(r"[ \t]*(?:help|---help---)[ \t]*")
_CALLED = re.compile(
    r"""(?:modules?|it|driver)(?:[ ']+|\s+)(?:will|ll|would|is|to)?\s*(?:be\s+)?(?:called|named)[:\s]+
    ["'`<]?([A-Za-z0-9][A-Za-z0-9_-]*)""",
    re.VERBOSE | re.IGNORECASE,
)
_NO_MODULE = frozenset({"the", "a", "an", "as", "after", "in", "by", "from", "and", "with"})
_STATES = {"tristate": "tristate: y (built in), m (a module) or n", "bool": "bool: y or n"}
_DEEPEST = 60
"""Blocks within blocks; deeper ones, which no kernel has, are not kept."""


@dataclass(frozen=True)
class ConfigEntry:
    """One config or menuconfig entry.

    Attributes:
        name: the symbol, without CONFIG_.
        kind: bool, tristate, int, hex or string; "" where the entry gives none (it adds to one defined elsewhere).
        prompt: the line shown to who configures the kernel; None for a symbol that only others select.
        help: the help text without its indentation; None where there is none.
        depends: the expressions after its own `depends on`, in order.
        line: where the entry begins, from 1.
        menus: prompts of the menus around it in this file, outermost first.
        is_choice: whether it is a choice among the entries after it; its name is "" unless it has one.
        around: what the blocks around it ask for, outermost first.
        selects: what it selects, as written: a symbol, or `symbol if expression`.
        offered: the expression after `if` of its prompt; None where the prompt has none.
    """

    name: str
    kind: str
    prompt: str | None
    help: str | None
    depends: tuple[str, ...]
    line: int
    menus: tuple[str, ...] = ()
    is_choice: bool = False
    around: tuple[str, ...] = ()
    selects: tuple[str, ...] = ()
    offered: str | None = None

    @property
    def symbol(self) -> ConfigSymbol:
        """What is told of it."""
        told = (self.line, self.name, self.kind, self.prompt, self.help, self._requires(), self.offered)
        return ConfigSymbol(*told, self.selects, self.menus, module_called(self.help or ""), self.is_choice)

    def _requires(self) -> str:
        operands = list(dict.fromkeys((*self.around, *self.depends)))
        if len(operands) == 1:
            return operands[0]
        return " && ".join(f"({operand})" if _is_either(operand) else operand for operand in operands)


class Sourced(NamedTuple):
    """One `source` statement: which file, relative to the kernel tree or, of rsource, to its own; what is around it."""

    keyword: str
    path: str
    around: tuple[str, ...]


class _Block(NamedTuple):
    kind: str
    prompt: str
    conditions: list[str]


@dataclass
class _Draft:
    name: str
    line: int
    menus: tuple[str, ...]
    around: tuple[str, ...]
    is_choice: bool = False
    kind: str = ""
    prompt: str | None = None
    offered: str | None = None
    help: str | None = None
    depends: list[str] = field(default_factory=list)
    selects: list[str] = field(default_factory=list)

    def entry(self) -> ConfigEntry:
        return ConfigEntry(
            *(self.name, self.kind, self.prompt, self.help, tuple(self.depends), self.line, self.menus),
            *(self.is_choice, self.around, tuple(self.selects), self.offered),
        )


def parse(text: str) -> Iterator[ConfigEntry]:
    """The entries of one Kconfig file; see read."""
    return (statement for statement in read(text) if isinstance(statement, ConfigEntry))


def read(text: str) -> Iterator[ConfigEntry | Sourced]:
    """The entries of a file and the files that it sources; what is no Kconfig is passed over, no text raises."""
    lines = text.split("\n")
    draft: _Draft | None = None
    head: _Block | None = None
    blocks = [_Block("file", "", [])]
    index = 0
    while index < len(lines):
        number = index + 1
        line, index = _continued(lines, index)
        del blocks[_DEEPEST:]
        start = _ENTRY.fullmatch(line)
        choice = None if start else _CHOICE.fullmatch(line)
        if start or choice:
            if draft:
                yield draft.entry()
            name = start[2] if start else choice[1] if choice else ""
            draft = _draft(name, number, blocks, is_choice=start is None)
            if choice:
                blocks.append(_Block("choice", "", draft.depends))
        elif draft and _HELP.fullmatch(line):
            help_text, index = _help(lines, index)
            draft.help = help_text or draft.help
        elif end := _END.fullmatch(line):
            if draft:
                yield draft.entry()
            draft, head = None, _enter(blocks, end[1], end[2])
            if end[1].endswith("source"):
                yield Sourced(end[1], _quoted(end[2]) or end[2].strip(), _conditions(blocks))
        elif draft:
            _attribute(draft, line)
        elif head and (depends := _DEPENDS.fullmatch(line)):
            head.conditions.extend(_expression(depends[1]))
    if draft:
        yield draft.entry()


def document(entry: ConfigSymbol, path: str) -> str:
    """An entry as text: its title, a line of facts, its help text; with nothing to say, the title.

    Args:
        path: of its file in the kernel tree.
    """
    title = f"CONFIG_{entry.name}: {entry.prompt or ''}" if entry.name else f"Choice: {entry.prompt or ''}"
    if not (entry.help or entry.requires or entry.selects):
        return title.rstrip(": ")
    facts = [f"For the architecture {built_for}."] if (built_for := architecture(path)) else []
    facts += [f"In the menu {' / '.join(entry.menus)}."] if entry.menus else []
    facts += [f"Type {_STATES.get(entry.kind, entry.kind)}."] if entry.name and entry.kind else []
    facts += [f"Depends on {entry.requires}."] if entry.requires else []
    facts += [f"Offered only with {entry.offered}."] if entry.offered else []
    facts += [f"Selects {', '.join(entry.selects)}."] if entry.selects else []
    facts += [f"Its module is {entry.module}."] if entry.module else []
    return "\n".join(filter(None, (title.rstrip(": "), " ".join(filter(None, facts)), entry.help)))


def architecture(path: str) -> str | None:
    """The architecture whose file this is: mips of arch/mips/Kconfig; None for a file of all."""
    parts = path.split("/")
    return parts[1] if parts[0] == "arch" and len(parts) > 2 else None


def module_called(help_text: str) -> str | None:
    """The name in "the module will be called e1000e" and its many variants; None where a help text has none."""
    match = _CALLED.search(help_text) if "called" in help_text or "named" in help_text else None
    return match[1] if match and match[1].lower() not in _NO_MODULE else None


def _draft(name: str, line: int, blocks: list[_Block], *, is_choice: bool) -> _Draft:
    return _Draft(name, line, tuple(block.prompt for block in blocks if block.prompt), _conditions(blocks), is_choice)


def _conditions(blocks: list[_Block]) -> tuple[str, ...]:
    return tuple(condition for block in blocks for condition in block.conditions)


def _enter(blocks: list[_Block], statement: str, rest: str) -> _Block | None:
    """Keep the stack of blocks; one that is never ended lasts as long as the one around it.

    Returns:
        The menu that begins here, to which the next lines' `depends on` belong.
    """
    if statement == "if":
        blocks.append(_Block("if", "", _expression(rest)))
    elif statement == "menu":
        blocks.append(_Block("menu", _quoted(rest) or "", []))
        return blocks[-1]
    elif statement.startswith("end"):
        ended = (place for place in reversed(range(len(blocks))) if blocks[place].kind == statement[3:])
        del blocks[next(ended, len(blocks)) :]
    return None


def _continued(lines: list[str], index: int) -> tuple[str, int]:
    """The statement at `index`, joined with the lines that a backslash at its end carries on to, and the next index."""
    parts = [lines[index].rstrip("\r")]
    index += 1
    while parts[-1].endswith("\\") and index < len(lines):
        parts[-1] = parts[-1][:-1].rstrip()
        parts.append(lines[index].strip())
        index += 1
    return " ".join(parts), index


def _attribute(draft: _Draft, line: str) -> None:
    if kind := _TYPE.fullmatch(line):
        draft.kind = "bool" if kind[2] == "boolean" else kind[2]
        if not kind[1]:
            _ask(draft, kind[3])
    elif prompt := _PROMPT.fullmatch(line):
        _ask(draft, prompt[1])
    elif depends := _DEPENDS.fullmatch(line):
        draft.depends.extend(_expression(depends[1]))
    elif select := _SELECT.fullmatch(line):
        draft.selects.extend(_expression(select[1]))


def _ask(draft: _Draft, text: str) -> None:
    """Keep a prompt, and the condition that it is shown under."""
    if prompt := _quoted(text):
        condition = _IF.fullmatch(_QUOTED.sub("", text, count=1))
        draft.prompt = prompt
        draft.offered = next(iter(_expression(condition[1] if condition else "")), None)


def _expression(text: str) -> list[str]:
    """The expression without its comment, blanks around operators as usual; none where there is none."""
    expression = _OPERATOR.sub(r" \1 ", " ".join(text.partition("#")[0].split())).strip()
    return [expression] if expression else []


def _is_either(expression: str) -> bool:
    """Whether an `||` of it, or the `if` of newer kernels' `depends on A if B`, stands outside all parentheses."""
    depth = 0
    for match in _NESTING.finditer(expression):
        if match[0] not in "()" and depth <= 0:
            return True
        depth += (match[0] == "(") - (match[0] == ")")
    return False


def _quoted(text: str) -> str | None:
    """The quoted string that `text` begins with, unescaped."""
    match = _QUOTED.match(text)
    if match is None:
        return None
    body = match[1] if match[1] is not None else match[2]
    return " ".join(re.sub(r"\\(.)", r"\1", body, flags=re.DOTALL).split()) or None


def _help(lines: list[str], index: int) -> tuple[str, int]:
    """The help text that begins at `index`, and the index of the first line after it."""
    text: list[str] = []
    margin = 0
    while index < len(lines):
        line = lines[index].rstrip().expandtabs()
        indentation = len(line) - len(line.lstrip())
        if line:
            margin = margin or indentation
            if indentation < margin or margin == 0:
                break
        text.append(line[margin:])
        index += 1
    return "\n".join(text).strip("\n"), index
