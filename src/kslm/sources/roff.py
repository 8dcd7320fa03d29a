"""What man(7) and mdoc(7) pages share: roff's escapes, arguments, conditions, definitions, tables, and a page of text.

The language is that of groff(7), read as a terminal would show it: fonts, sizes and motions vanish, special characters
become Unicode. Paragraphs come out as one line each, since line length is no knowledge; text that the page sets without
filling keeps its lines. Macros that a page defines itself are left out with their definition.
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
_STRINGS = {"R": "®", "Tm": "™", "lq": "“", "rq": "”", 'L"': "“", 'R"': "”", "C`": '"', "C'": '"', "--": "—"}
_ARGUMENT = re.compile(r'"((?:[^"]|"")*+)"?|((?:\\.|[^\s\\])(?:\\.|[^\s\\])*+|\\$)')
_CONDITION = re.compile(r"(!?)(?:([nt])\b|'[^']*'[^']*'|\S+)\s*")


def unescape(text: str, strings: dict[str, str] | None = None) -> str:
    """Replace roff escapes by what they print; `strings` are those the page has defined."""
    if "\\" not in text:
        return text

    def printed(match: re.Match[str]) -> str:
        if (one := match["one"]) is not None:
            return _ONE.get(one, "")
        if (name := match["two"] or match["long"]) is not None:
            return _special(name)
        if (name := match["string2"] or match["string"] or match["string1"]) is not None:
            return (strings or {}).get(name) or _STRINGS.get(name, "")
        return ""

    return _ESCAPE.sub(printed, text).rstrip("\\")


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
    text = re.sub(r'(?<!\\)\\".*', "", text)
    return [
        (match[1].replace('""', '"') if match[2] is None else match[2]) for match in _ARGUMENT.finditer(text.strip())
    ]


def statements(lines: list[str]) -> Iterator[str]:
    """Lines without comments, definitions and the branches of conditions that a terminal does not take."""
    index, taken = 0, True
    while index < len(lines):
        line = lines[index]
        index += 1
        if line.startswith(("'\\\"", '.\\"')) or line in (".", "'"):
            continue
        request = re.match(r"[.']\s*(if|ie|el|de1?|ami?|ig|while)\b\s*", line)
        if request is None:
            yield line
            continue
        rest = line[request.end() :]
        if request[1] in ("de", "de1", "am", "ami", "ig"):
            index = _skip_definition(lines, index, rest.split()[1:] if request[1] != "ig" else rest.split())
            continue
        if request[1] == "el":
            taken = not taken
        else:
            condition = _CONDITION.match(rest)
            taken = bool(condition and (condition[2] == "n") != bool(condition[1])) and request[1] != "while"
            rest = rest[condition.end() :] if condition else ""
        body, index = _branch(rest, lines, index)
        if taken:
            yield from (part for part in body if part.strip() and not re.match(r"[.']\s*(?:if|ie|el|de|while)\b", part))


def _skip_definition(lines: list[str], index: int, end: list[str]) -> int:
    """Index after the line that ends a definition: `..`, or the macro named for it."""
    closing = f".{end[0]}" if end else ".."
    while index < len(lines) and lines[index].replace(" ", "") != closing:
        index += 1
    return index + 1


def _branch(rest: str, lines: list[str], index: int) -> tuple[list[str], int]:
    """The lines a condition governs: the rest of its own, or a block in braces."""
    body = [rest]
    depth = rest.count("\\{") - rest.count("\\}")
    while depth > 0 and index < len(lines):
        body.append(lines[index])
        depth += lines[index].count("\\{") - lines[index].count("\\}")
        index += 1
    return [re.sub(r"\\[{}]\\?", "", part).strip() for part in body], index


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
        return "\n".join(self.lines).strip("\n")

    def _line(self, text: str) -> None:
        text = text.rstrip()
        if text or (self.lines and self.lines[-1]):
            self.lines.append("    " * min(self.indent, 8) + text if text else "")


def table(lines: list[str]) -> Iterator[str]:
    """Rows of a tbl(1) table (the lines between .TS and .TE), cells apart by two blanks."""
    separator = "\t"
    start = 0
    for index, line in enumerate(lines):
        if option := re.search(r"tab\s*\((.)\)", line):
            separator = option[1]
        if line.rstrip().endswith("."):
            start = index + 1
            break
    block: list[str] | None = None
    row = ""
    for line in lines[start:]:
        if block is not None and not line.startswith("T}"):
            block.append(line.strip() if not line.startswith(".") else " ".join(arguments(line[1:])[1:]))
            continue
        if block is not None:
            line = row + " ".join(block) + line[2:]  # noqa: PLW2901
            block = None
        if line.endswith("T{"):
            row, block = line[:-2], []
        elif line.strip() not in ("_", "=", "") and not line.startswith("."):
            yield "  ".join(cell.strip() for cell in line.split(separator) if cell.strip() not in ("", "\\^", "_"))
