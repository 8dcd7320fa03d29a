"""Rendering of mdoc(7), the semantic macros of BSD manual pages, as plain text.

An mdoc line is a row of words in which macros may follow one another: `.Op Fl o Ar file Ns ...` is printed as
`[-o file...]`. Punctuation at a line's end stays outside of what encloses the rest. Meaning that only a font carried
(an argument's name, a path) is left to the words themselves.
"""

from __future__ import annotations

import re

from kslm.sources.man import tbl
from kslm.sources.man.mdoc_names import LIBRARIES, STANDARDS, exit_status, return_values
from kslm.sources.man.roff import Page, arguments, unescape

_CLOSING = frozenset((".", ",", ":", ";", ")", "]", "?", "!"))
_OPENING = frozenset(("(", "["))
_PAIRS = {
    "Op": "[]", "Bq": "[]", "Pq": "()", "Brq": "{}", "Aq": "<>", "Dq": "“”", "Sq": "‘’", "Qq": '""', "Ql": "‘’",
    "Oo": "[", "Bo": "[", "Po": "(", "Bro": "{", "Ao": "<", "Do": "“", "So": "‘", "Qo": '"',
    "Oc": "]", "Bc": "]", "Pc": ")", "Brc": "}", "Ac": ">", "Dc": "”", "Sc": "’", "Qc": '"',
}  # fmt: skip
_PLAIN = {
    "Ad", "An", "Ar", "Cd", "Cm", "D1", "Dl", "Dv", "Em", "Er", "Ev", "Fa", "Fc", "Fd", "Fr", "Ft", "Ic", "Li",
    "Lk", "Ms", "Mt", "Nd", "No", "Pa",  "Sx", "Sy", "Tn", "Va", "Vt", "Xc", "Xo",
}  # fmt: skip
_SYSTEMS = {"Bx": "BSD", "Fx": "FreeBSD", "Nx": "NetBSD", "Ox": "OpenBSD", "Dx": "DragonFly", "Bsx": "BSD/OS",
            "Ux": "UNIX", "At": "AT&T UNIX"}  # fmt: skip
_CALLABLE = (
    _PLAIN | _PAIRS.keys() | _SYSTEMS.keys() | {"Fl", "Nm", "Xr", "Fn", "Fo", "In", "Ns", "Pf", "Ap", "Ta", "St"}
)
_MACRO = re.compile(r"\.\s*(%?[A-Za-z0-9]+)\s*(.*)")


def render(lines: list[str], name: str) -> str:
    """Text of one page, whose statements are `lines`; `name` is used where the page lacks a title."""
    page = _Mdoc(name)
    tabular: list[str] | None = None
    for line in lines:
        if line.startswith(".TS"):
            tabular = []
        elif line.startswith(".TE") and tabular is not None:
            page.rows(tabular)
            tabular = None
        elif tabular is not None:
            tabular.append(line)
        else:
            page.line(line)
    return page.page.text()


class _Mdoc:
    """An mdoc(7) page being laid out."""

    def __init__(self, name: str) -> None:
        self.page = Page()
        self.title = name
        self.name = ""
        self.section = ""
        self.previous = ""
        self.parameters: int | None = None
        self.lists: list[list[str | int]] = []
        self.glue = False

    def rows(self, lines: list[str]) -> None:
        for row in tbl.rows(lines):
            self.page.end_line()
            self.page.add(unescape(row))
        self.page.end_line()

    def line(self, line: str) -> None:
        macro = _MACRO.match(line)
        if macro is None:
            if line.startswith("."):
                return
            if not line.strip() and self.page.filling:
                self.page.blank()
            else:
                self._put(unescape(line))
        elif not self._block(macro[1], arguments(macro[2])):
            if macro[1] in _CALLABLE:
                self._declare(macro[1])
                self._inline([macro[1], *arguments(macro[2])])
            elif macro[1].startswith("%"):
                self._inline(["No", *arguments(macro[2]), ","])

    def _declare(self, macro: str) -> None:
        """Start a line for each declaration of a synopsis, and a comma between the parameters of a function."""
        if self.section == "SYNOPSIS" and (
            macro in ("In", "Ft", "Cd", "Fd", "Vt") or (macro in ("Fn", "Fo") and self.previous != "Ft")
        ):
            self.page.end_line()
        if macro == "Fo":
            self.parameters = 0
        self.previous = macro

    def _put(self, text: str, *, glued: bool = False) -> None:
        self.page.add(text, glued=glued or self.glue)
        self.glue = False

    def _block(self, macro: str, words: list[str]) -> bool:
        """Carry out a macro that shapes the page; False for those that print words."""
        page = self.page
        plain = " ".join(unescape(word) for word in words)
        match macro:
            case "Dt":
                page.heading(f"{unescape(words[0])}({words[1]})" if len(words) > 1 else self.title)
                page.blank()
            case "Sh" | "Ss":
                self.section = plain if macro == "Sh" else self.section
                self.lists.clear()
                page.heading(plain)
            case "Pp" | "Lp" | "sp":
                page.blank()
            case "br":
                page.end_line()
            case "Bl" | "El" | "It":
                self._list(macro, words)
            case "Bd":
                page.blank()
                page.filling = not {"-literal", "-unfilled"} & set(words)
            case "Ed":
                page.end_line()
                page.filling = True
                page.blank()
            case "Nd":
                self._put(f"- {plain}")
            case "Ex" | "Rv":
                names = words[1:] or ([self.name] if macro == "Ex" else [])
                self._put((exit_status if macro == "Ex" else return_values)([unescape(name) for name in names]))
            case "Lb":
                self._put(LIBRARIES.get(plain, plain))
            case "D1" | "Dl":
                page.end_line()
                self._inline(["No", *words])
                page.end_line()
            case _:
                return False
        return True

    def _list(self, macro: str, words: list[str]) -> None:
        page = self.page
        if macro == "Bl":
            known = ("-bullet", "-dash", "-hyphen", "-enum", "-column", "-item")
            self.lists.append([next((word[1:] for word in words if word in known), "tag"), 0])
            return
        page.end_line()
        page.indent = max(0, len(self.lists) - 1)
        if macro == "El":
            if self.lists:
                self.lists.pop()
            page.indent = max(0, len(self.lists) - 1)
            page.blank()
            return
        kind, count = self.lists[-1] if self.lists else ("tag", 0)
        if self.lists:
            self.lists[-1][1] = int(count) + 1
        if kind in ("column", "item"):
            self._inline(["No", *words])
            return
        page.blank()
        if kind == "tag":
            self._inline(["No", *words])
            page.end_line()
            page.indent += 1
        else:
            page.add(f"{int(count) + 1}." if kind == "enum" else "•")

    def _inline(self, words: list[str]) -> None:
        """Print a row of words and macros."""
        closing: list[str] = []
        while len(words) > 1 and words[-1] in _CLOSING:
            closing.insert(0, words.pop())
        ends: list[str] = []
        index = 0
        while index < len(words):
            word = words[index]
            index += 1
            if word in _CALLABLE:
                index = self._call(word, words, index, ends)
            else:
                self._word(word)
        for mark in [*reversed(ends), *closing]:
            self._put(mark, glued=True)

    def _word(self, word: str, prefix: str = "") -> None:
        text = unescape(word)
        if not text:
            return
        self._put(prefix + text, glued=word in _CLOSING)
        self.glue = word in _OPENING

    def _call(self, macro: str, words: list[str], index: int, ends: list[str]) -> int:
        """Print one macro and the words that only it takes; returns the index of what follows."""
        following = words[index] if index < len(words) and words[index] not in _CALLABLE else None
        if macro in _PAIRS:
            self._enclose(macro, ends)
        elif macro == "Fl":
            index = self._flags(words, index)
        elif macro in ("Xr", "Fn", "Fo", "In", "Pf") and following:
            index = self._compound(macro, words, index)
        elif macro == "Fa" and self.parameters is not None:
            index = self._parameters(words, index)
        elif macro in ("Nm", "St") or macro in _SYSTEMS:
            index += self._named(macro, following)
        elif macro in ("Ns", "Ap"):
            if macro == "Ap":
                self._put("'", glued=True)
            self.glue = True
        elif macro == "An" and following in ("-split", "-nosplit"):  # how to lay out names, and no name
            index += 1
        elif macro == "Ar" and following is None:
            self._word("file ...")
        elif macro == "Fc":
            self._put(");" if self.section == "SYNOPSIS" else ")", glued=True)
            self.parameters = None
        return index

    def _named(self, macro: str, following: str | None) -> bool:
        """Print a program's, a standard's or a system's name; tells whether the following word was taken for it."""
        if macro == "Nm":
            if following and following not in _CLOSING:
                self.name = self.name or unescape(following)
                return False
            if self.section == "SYNOPSIS":
                self.page.end_line()
            self._word(self.name)
            return False
        word = following if following and following not in _CLOSING else ""
        if macro == "St":
            self._word(STANDARDS.get(word, word))
        else:
            text = f"{word}{_SYSTEMS[macro]}" if macro == "Bx" else f"{_SYSTEMS[macro]} {word}"
            self._word(text.strip())
        return bool(word)

    def _parameters(self, words: list[str], index: int) -> int:
        """The parameters of a function that .Fo has opened, each word one of them."""
        while index < len(words) and words[index] not in _CALLABLE:
            if self.parameters:
                self._put(",", glued=True)
            self._word(words[index])
            self.parameters = (self.parameters or 0) + 1
            index += 1
        return index

    def _enclose(self, macro: str, ends: list[str]) -> None:
        """Open or close a pair; one that is closed by the end of its line goes to `ends`."""
        marks = _PAIRS[macro]
        if len(marks) == 2:
            ends.append(marks[1])
        if len(marks) == 1 and macro.endswith("c"):
            self._put(marks, glued=True)
        else:
            self._put(marks[0])
            self.glue = True

    def _flags(self, words: list[str], index: int) -> int:
        printed = False
        while index < len(words) and words[index] not in _CALLABLE and words[index] not in _CLOSING:
            if words[index] in ("|", *_OPENING):
                self._word(words[index])
            else:
                self._word(words[index], "-")
            printed = True
            index += 1
        if not printed:
            self._put("-")
            self.glue = index < len(words) and words[index] not in _CLOSING
        return index

    def _compound(self, macro: str, words: list[str], index: int) -> int:
        """Macros whose words are joined: a page and its section, a function and its parameters, a header, a prefix."""
        taken = []
        while index < len(words) and words[index] not in _CALLABLE and words[index] not in _CLOSING:
            taken.append(unescape(words[index]))
            index += 1
            if macro in ("Pf", "In", "Fo") or (macro == "Xr" and len(taken) == 2):
                break
        first, rest = (taken[0], taken[1:]) if taken else ("", [])
        if macro == "In":
            self._word(f"#include <{first}>" if self.section == "SYNOPSIS" else f"<{first}>")
        elif macro == "Fn":
            self._word(f"{first}({', '.join(rest)})" + (";" if self.section == "SYNOPSIS" else ""))
        else:
            self._word(first + {"Xr": f"({rest[0]})" if rest else "", "Fo": "("}.get(macro, ""))
            self.glue = macro in ("Pf", "Fo")
        return index
