"""What man(7) and mdoc(7) pages share: roff's escapes, arguments, conditions, definitions, tables, and a page of text.

The language is that of groff(7), read as a terminal would show it: fonts, sizes and motions vanish, special characters
become Unicode. Paragraphs come out as one line each, since line length is no knowledge; text that the page sets without
filling keeps its lines. A page's own macros are expanded, unless they redefine a standard one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_ESCAPE = re.compile(
    r"""\\(?:
      "(?P<comment>.*)
    | \((?P<two>..)
    | \[(?P<long>[^\]\n]{0,60})\]
    | \*(?:\((?P<string2>..)|\[(?P<string>[^\]\n]{0,60})\]|(?P<string1>.))
    | [fFgkmMnVY](?:\(..|\[[^\]\n]{0,60}\]|.)
    | s(?:[-+]?\d|\(..|\[[^\]\n]{0,60}\]|'[^'\n]{0,200}')
    | [ABbCDHhLlNoRSvwXxZ](?:'[^'\n]{0,200}')?
    | (?P<one>.)
    )""",
    re.VERBOSE,
)
_ONE = {
    "-": "-", "e": "\\", "\\": "\\", " ": " ", "~": " ", "0": " ", "t": "\t", "'": "'", "`": "`", ".": ".", "_": "_",
}  # fmt: skip
_TWO = {
    "aq": "'", "dq": '"', "oq": "‘", "cq": "’", "lq": "“", "rq": "”", "ga": "`", "aa": "´", "ha": "^", "ti": "~",
    "rs": "\\", "bv": "|", "ba": "|", "at": "@", "sh": "#", "Do": "$", "lB": "[", "rB": "]", "lC": "{", "rC": "}",
    "la": "⟨", "ra": "⟩", "em": "—", "en": "–", "hy": "-", "mi": "-", "pl": "+", "mu": "×", "di": "÷", "+-": "±",
    "<=": "≤", ">=": "≥", "!=": "≠", "==": "≡", "~~": "≈", "->": "→", "<-": "←", "<>": "↔", "rA": "⇒", "bu": "•",
    "de": "°", "sc": "§", "co": "©", "rg": "®", "tm": "™", "Po": "£", "Eu": "€", "ct": "¢", "mc": "µ", "*m": "μ",
    "if": "∞", "12": "½", "14": "¼", "34": "¾", "S2": "²", "ss": "ß", "ae": "æ", "AE": "Æ", "/o": "ø", "/O": "Ø",
    "sl": "/", "r!": "¡", "r?": "¿", "Fo": "«", "Fc": "»", "fm": "′", "..": "…",
    "*a": "α", "*b": "β", "*p": "π", "*e": "ε", "*l": "λ", "*S": "Σ", "*D": "Δ",
}  # fmt: skip
_ACCENTS = {":": "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303", ",": "\u0327", "o": "\u030a"}
_STRINGS = {
    "Gt": ">",
    "Lt": "<",
    "Ge": "≥",
    "Le": "≤",
    "Ne": "≠",
    "Am": "&",
    "Ba": "|",
    "Pm": "±",
    "q": '"',
    "R": "®",
    "Tm": "™",
    "lq": "“",
    "rq": "”",
    'L"': "“",
    'R"': "”",
    "C`": '"',
    "C'": '"',
    "--": "—",
}
_ARGUMENT = re.compile(r'"((?:[^"]|"")*+)"?|((?:\\.|[^\s\\])(?:\\.|[^\s\\])*+|\\$)')
_CONDITION = re.compile(r"(!?)(?:(n\b|\\n\(\.g|\\n\[\.g\])|'[^']*'[^']*'|\S+)\s*")
_REQUEST = re.compile(r"[.']\s*(\\\"|[^\s\\]+)\s*")
_NESTED = re.compile(r"[.']\s*(?:if|ie|el|de|while)\b")
_COMMENT = re.compile(r'(?<!\\)\\".*')
_PARAMETER = re.compile(r"\\\$([1-9*@])")
_QUICK = re.compile(r"\\(?:f(?:[A-Z0-9]|\([A-Z][A-Z]|\[[A-Z]{0,4}\])|[&|,/^%:)])")
# `\e\-\-tcti`: what a converter escaped twice prints a backslash, before an option that has none.
_ESCAPED_TWICE = re.compile(r"(?<![^\s\[|(])\\(?=--[a-z])")
_DEFINING = frozenset(("de", "de1", "am", "ami", "ig"))
_CONDITIONAL = frozenset(("if", "ie", "el", "while"))
# Macros of man(7), its extensions and mdoc(7) that pages redefine only for looks.
_KNOWN = frozenset(
    ("TH", "SH", "SS", "TP", "TQ", "IP", "PP", "P", "LP", "HP", "RS", "RE", "B", "I", "SM", "SB", "R", "CW", "BR", "BI",
     "IB", "IR", "RB", "RI", "OP", "SY", "YS", "EX", "EE", "UR", "UE", "MT", "ME", "Vb", "Ve", "Sp", "IX", "TS", "TE",
     "EQ", "EN", "PS", "PE", "nf", "fi", "br", "sp")
)  # fmt: skip


def unescape(text: str, strings: dict[str, str] | None = None) -> str:
    """Replace roff escapes by what they print; `strings` are those the page has defined."""
    if "\\" not in text:
        return text
    if "\\\\" not in text:  # the commonest escapes, where no backslash escapes another
        text = _QUICK.sub("", text.replace("\\-", "-"))
        if "\\" not in text:
            return text

    def printed(match: re.Match[str]) -> str:
        if (character := match["one"]) is not None:
            return _ONE.get(character, "")
        if (name := match["two"] or match["long"]) is not None:
            return _special(name)
        if (name := match["string2"] or match["string"] or match["string1"]) is not None:
            return (strings or {}).get(name) or _STRINGS.get(name, "")
        return ""

    if (len(text) - len(text.rstrip("\\"))) % 2:
        text = text[:-1]
    return _ESCAPE.sub(printed, text)


def _special(name: str) -> str:
    """A special character: a name of the table, an accented letter (`:a`) or a code point (`u00E9`)."""
    if name in _TWO:
        return _TWO[name]
    if len(name) == 2 and name[0] in _ACCENTS and name[1].isalpha():
        return unicodedata.normalize("NFC", name[1] + _ACCENTS[name[0]])
    if re.fullmatch(r"u[0-9A-F]{4,5}", name):
        code = int(name[1:], 16)
        return chr(code) if code > 0x1F and not 0xD800 <= code < 0xE000 else ""
    return ""


def arguments(text: str) -> list[str]:
    """Split a macro's arguments: blanks separate, double quotes hold together, a doubled quote is one."""
    if '\\"' in text:
        text = _COMMENT.sub("", text)
    return [
        (match[1].replace('""', '"') if match[2] is None else match[2]) for match in _ARGUMENT.finditer(text.strip())
    ]


def joined(source: str) -> list[str]:
    """Lines of a page, those that end in a backslash joined with the next one; comments are not."""
    lines = source.split("\n")
    if "\\\n" not in source:
        return lines
    logical: list[str] = []
    held = ""
    for line in lines:
        if line.endswith("\\") and not line.endswith("\\\\") and '\\"' not in line:
            held += line[:-1]
        else:
            logical.append(held + line)
            held = ""
    return [*logical, held] if held else logical


def statements(lines: list[str]) -> Iterator[str]:
    """Lines without comments and the branches of conditions that a terminal does not take.

    Macros that the page defines are replaced by their bodies where they are called, but for those that a macro package
    has, whose meaning is known here. At most 20,000 lines come from bodies, however they call each other.
    """
    return _Statements().of(lines, 0)


class _Statements:
    """One page's definitions, while its lines go by."""

    def __init__(self) -> None:
        self.definitions: dict[str, list[str]] = {}
        self.left = 20_000

    def of(self, lines: list[str], depth: int) -> Iterator[str]:
        index, taken = 0, True
        while index < len(lines):
            line = lines[index]
            index += 1
            if line[:1] not in (".", "'"):
                yield line
                continue
            request = _REQUEST.match(line)
            name = request[1] if request else ""
            rest = line[request.end() :] if request else ""
            if not name or name.startswith('\\"'):
                continue
            if name in _DEFINING:
                index = self._define(lines, index, name, rest)
            elif name in _CONDITIONAL:
                if name == "el":
                    taken = not taken
                else:
                    condition = _CONDITION.match(rest)
                    taken = bool(condition and bool(condition[2]) != bool(condition[1])) and name != "while"
                    rest = rest[condition.end() :] if condition else ""
                body, index = _branch(rest, lines, index)
                if taken:
                    yield from (part for part in body if part.strip() and not _NESTED.match(part))
            elif name == "als":
                self._alias(rest.split())
            elif name in self.definitions and depth < 8:
                yield from self.of(self._body(name, rest), depth + 1)
            else:
                yield line

    def _define(self, lines: list[str], index: int, name: str, rest: str) -> int:
        """Remember a definition, or pass over an ignored block; returns the index after its end."""
        words = _COMMENT.sub("", rest).split()
        end = words[0:1] if name == "ig" else words[1:2]
        closing = f".{end[0]}" if end else ".."
        first = index
        while index < len(lines) and lines[index].replace(" ", "") != closing:
            index += 1
        if name in ("de", "de1") and words and words[0] not in _KNOWN:
            self.definitions[words[0]] = lines[first:index]
        return index + 1

    def _alias(self, words: list[str]) -> None:
        """Give a macro of the page a second name."""
        if len(words) > 1 and words[1] in self.definitions and words[0] not in _KNOWN:
            self.definitions[words[0]] = self.definitions[words[1]]

    def _body(self, name: str, rest: str) -> list[str]:
        """The lines a call stands for, its arguments filled in."""
        words = arguments(rest)
        lines = self.definitions[name][: max(0, self.left)]
        self.left -= len(lines) + 1

        def filled(match: re.Match[str]) -> str:
            which = match[1]
            if which in "*@":
                return " ".join(words)[:1000]
            return words[int(which) - 1][:1000] if 0 < int(which) <= len(words) else ""

        return [_PARAMETER.sub(filled, line.replace("\\\\", "\\")) for line in lines] if self.left > 0 else []


def _branch(rest: str, lines: list[str], index: int) -> tuple[list[str], int]:
    """The lines a condition governs: the rest of its own, or a block in braces."""
    body = [rest]
    depth = rest.count("\\{") - rest.count("\\}")
    while depth > 0 and index < len(lines):
        body.append(lines[index])
        depth += lines[index].count("\\{") - lines[index].count("\\}")
        index += 1
    return [re.sub(r"\\[{}](?:\\$)?", "", part).strip() for part in body], index


class Page:
    """Text as it is laid out: filled paragraphs, indentation, lines kept as they are."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.words: list[str] = []
        self.indent = 0
        self.filling = True

    def add(self, text: str, *, glued: bool = False) -> None:
        """Append running text; `glued` to what stands before it without a blank."""
        if not self.filling:
            self._line(text)
            return
        if text[:1] in (" ", "\t"):
            self.end_line()
        text = text.strip()
        if text:
            self.words += [text] if glued or not self.words else [" ", text]

    def end_line(self) -> None:
        """Finish the line or paragraph in progress."""
        if self.words:
            self._line("".join(self.words))
            self.words = []

    def blank(self) -> None:
        """Finish it, and leave one blank line."""
        self.end_line()
        if self.lines and self.lines[-1]:
            self.lines.append("")

    def heading(self, text: str) -> None:
        """A section's heading, at the margin."""
        self.blank()
        self.indent, self.filling = 0, True
        if text:
            self.lines.append(text)

    def text(self) -> str:
        """The page so far."""
        self.end_line()
        text = "\n".join(self.lines).strip("\n")
        return _ESCAPED_TWICE.sub("", text) if "\\--" in text else text

    def _line(self, text: str) -> None:
        text = text.rstrip()
        if text or (self.lines and self.lines[-1]):
            self.lines.append("    " * min(self.indent, 8) + text if text else "")
