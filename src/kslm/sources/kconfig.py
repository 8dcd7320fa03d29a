"""Reader of Kconfig files: what each configuration symbol of the kernel is, and its help text.

Grammar: Documentation/kbuild/kconfig-language.rst in the kernel tree. Read line by line, since a help text's end is a
matter of indentation: the first line indented less than the text's own first line (`help` and the older `---help---`).
A `choice` has a prompt and often a help text of its own; it is an entry without a name unless it is given one, and the
prompts of the menus around an entry say what it is about. Symbols are not evaluated: `if` blocks and dependencies of a
menu or choice are not added to an entry's own `depends on`, and `source` is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_ENTRY = re.compile(r"[ \t]*(menuconfig|config)[ \t]+(\w+)[ \t]*(?:#.*)?")
# Statements that end an entry; what follows them belongs to none.
_END = re.compile(r"[ \t]*(?:endchoice|menu|endmenu|mainmenu|comment|if|endif|source|rsource|osource|orsource)\b")
_CHOICE = re.compile(r"[ \t]*choice\b[ \t]*(\w*)[ \t]*(?:#.*)?")
_MENU = re.compile(r"[ \t]*(?:(menu)[ \t]+(\S.*)|endmenu\b.*)", re.DOTALL)
_TYPE = re.compile(r"[ \t]*(def_)?(tristate|bool|boolean|int|hex|string)\b(.*)", re.DOTALL)
_PROMPT = re.compile(r"[ \t]*prompt\b(.*)", re.DOTALL)
_QUOTED = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*+)"|'((?:[^'\\]|\\.)*+)')""", re.DOTALL)
_DEPENDS = re.compile(r"[ \t]*depends[ \t]+on\b(.*)", re.DOTALL)
_HELP = re.compile(r"[ \t]*(?:help|---help---)[ \t]*")
_CALLED = re.compile(
    r"""(?:modules?|it|driver)(?:[ ']+|\s+)(?:will|ll|would|is|to)?\s*(?:be\s+)?(?:called|named)[:\s]+
    ["'`<]?([A-Za-z0-9][A-Za-z0-9_-]*)""",
    re.VERBOSE | re.IGNORECASE,
)
_NO_MODULE = frozenset({"the", "a", "an", "as", "after", "in", "by", "from", "and", "with"})


@dataclass(frozen=True)
class ConfigEntry:
    """One config or menuconfig entry.

    Attributes:
        name: the symbol, without CONFIG_.
        kind: bool, tristate, int, hex or string; "" where the entry gives none (it adds to one defined elsewhere).
        prompt: the line shown to who configures the kernel; None for a symbol that only others select.
        help: the help text without its indentation; None where there is none.
        depends: the expressions after `depends on`, in order.
        line: where the entry begins, from 1.
        menus: prompts of the menus around it in this file, outermost first.
        is_choice: whether it is a choice among the entries after it; its name is "" unless it has one.
    """

    name: str
    kind: str
    prompt: str | None
    help: str | None
    depends: tuple[str, ...]
    line: int
    menus: tuple[str, ...] = ()
    is_choice: bool = False

    @property
    def module(self) -> str | None:
        """Name of the module, where the help text gives it."""
        return module_called(self.help or "")


@dataclass
class _Draft:
    name: str
    line: int
    menus: tuple[str, ...]
    is_choice: bool = False
    kind: str = ""
    prompt: str | None = None
    help: str | None = None
    depends: list[str] = field(default_factory=list)

    def entry(self) -> ConfigEntry:
        return ConfigEntry(
            self.name, self.kind, self.prompt, self.help, tuple(self.depends), self.line, self.menus, self.is_choice
        )


def parse(text: str) -> Iterator[ConfigEntry]:
    """Read one Kconfig file. Lines that are no Kconfig are passed over; no text raises."""
    lines = text.split("\n")
    draft: _Draft | None = None
    menus: list[str] = []
    index = 0
    while index < len(lines):
        number = index + 1
        line, index = _continued(lines, index)
        start = _ENTRY.fullmatch(line)
        choice = None if start else _CHOICE.fullmatch(line)
        if start or choice:
            if draft:
                yield draft.entry()
            name = start[2] if start else choice[1] if choice else ""
            draft = _Draft(name, number, tuple(menus), is_choice=start is None)
        elif draft and _HELP.fullmatch(line):
            help_text, index = _help(lines, index)
            draft.help = help_text or draft.help
        elif _END.match(line):
            if draft:
                yield draft.entry()
            draft = None
            _enter(menus, line)
        elif draft:
            _attribute(draft, line)
    if draft:
        yield draft.entry()


def module_called(help_text: str) -> str | None:
    """The name in "the module will be called e1000e" and its many variants; None where a help text has none."""
    found = _CALLED.search(help_text) if "called" in help_text or "named" in help_text else None
    return found[1] if found and found[1].lower() not in _NO_MODULE else None


def _enter(menus: list[str], line: str) -> None:
    """Keep the stack of menus; one that is never ended lasts to the end of the file."""
    menu = _MENU.fullmatch(line)
    if menu and menu[1]:
        menus.append(_quoted(menu[2]) or "")
    elif menu and menus:
        menus.pop()


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
            draft.prompt = _quoted(kind[3]) or draft.prompt
    elif prompt := _PROMPT.fullmatch(line):
        draft.prompt = _quoted(prompt[1]) or draft.prompt
    elif depends := _DEPENDS.fullmatch(line):
        expression = " ".join(depends[1].partition("#")[0].split())
        if expression:
            draft.depends.append(expression)


def _quoted(text: str) -> str | None:
    """The quoted string that `text` begins with, unescaped."""
    match = _QUOTED.match(text)
    if match is None:
        return None
    body = match[1] if match[1] is not None else match[2]
    return " ".join(re.sub(r"\\(.)", r"\1", body, flags=re.DOTALL).split()) or None


def _help(lines: list[str], index: int) -> tuple[str, int]:
    """The help text that begins at `index`, and the index of the first line after it."""
    kept: list[str] = []
    margin = 0
    while index < len(lines):
        line = lines[index].rstrip().expandtabs()
        indentation = len(line) - len(line.lstrip())
        if line:
            margin = margin or indentation
            if indentation < margin or margin == 0:
                break
        kept.append(line[margin:])
        index += 1
    return "\n".join(kept).strip("\n"), index
