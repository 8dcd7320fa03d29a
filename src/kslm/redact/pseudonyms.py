"""Numbered stand-ins for personal values; detectors, and the spans that they report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from kslm.redact.words import may_carry

KINDS = ("email", "user", "host", "ipv4", "ipv6", "mac", "serial", "uuid", "secret")
PLACEHOLDER = re.compile(rf"<({'|'.join(KINDS)})-([0-9]{{1,9}})>")
_WORD = re.compile(r"\w+")
# What is not behind a name: the rest of a longer one, or of a stand-in.
_NO_END = re.compile(r"[\w>]|-[0-9]{1,9}>")
# A machine's log names a few hosts and people; a collector's may name very many, and all are searched in each message.
_MAX_KNOWN = 256
# Up to so many are looked for one by one, and more by the words that they begin with.
_FEW = 24


class Span(NamedTuple):
    """A piece of text to replace: text[start:end].

    Attributes:
        value: what identifies it ("" stands for the piece itself).
        is_name: it is surely a name of this machine, or of one of its people or neighbours, wherever else it stands.
    """

    start: int
    end: int
    kind: str
    value: str = ""
    is_name: bool = False


class Detector(NamedTuple):
    """One kind of place that holds personal data.

    Attributes:
        literal: what must be in the text for anything to be found.
        is_cased: whether it must be in the text as written; otherwise in its lower case.
        find: the spans in a text, given with its lower case, position by position.
        bare: what an ASCII text must match for that once its digits are deleted; by default the literal without them.
    """

    literal: str
    is_cased: bool
    find: Callable[[str, str], Iterable[Span]]
    bare: re.Pattern[bytes] | None = None


class Pseudonyms:
    """Stand-ins of one document, or of several that must agree: the same value always gets the same one.

    Letter case is ignored. Numbers are given in the order of first use, so the same text always redacts alike.
    """

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}
        self._last: dict[str, int] = {}
        self._known: dict[str, str] = {}
        self._by_first_word: dict[str, list[str]] = {}

    def pseudonym(self, kind: str, value: str) -> str:
        """The stand-in for `value`, for example `<host-1>`; a stand-in is returned as it is.

        Args:
            kind: one of KINDS.
            value: the personal value itself.
        """
        if value.startswith("<") and PLACEHOLDER.fullmatch(value):
            return value
        key = (kind, value.lower())
        if key not in self._numbers:
            self._last[kind] = self._numbers[key] = self._last.get(kind, 0) + 1
        return f"<{kind}-{self._numbers[key]}>"

    def know(self, kind: str, name: str) -> bool:
        """Have a host or user name replaced wherever it occurs in a machine's texts from now on, if it is distinctive.

        Returns:
            Whether it is new.
        """
        name = name.lower()
        if name in self._known or len(self._known) >= _MAX_KNOWN or not may_carry(name):
            return False
        first_word = _WORD.match(name)
        if first_word is None:
            return False
        self._known[name] = kind
        alike = self._by_first_word.setdefault(first_word[0], [])
        alike.append(name)
        alike.sort(key=lambda other: (-len(other), other))
        return True

    def known(self, lowered: str) -> Iterator[Span]:
        """The names known so far, wherever they are words of a text given in lower case."""
        if len(self._known) <= _FEW:
            for name in self._known:
                if name in lowered:
                    break
            else:
                return
        elif self._by_first_word.keys().isdisjoint(_WORD.findall(lowered)):
            return
        end = 0
        for word in _WORD.finditer(lowered):
            start = word.start()
            if start < end or lowered[start - 1 : start] == "<":
                continue
            for name in self._by_first_word.get(word[0], ()):
                if lowered.startswith(name, start) and not _NO_END.match(lowered, start + len(name)):
                    end = start + len(name)
                    yield Span(start, end, self._known[name])
                    break

    def reserve(self, text: str) -> None:
        """Keep the numbers of stand-ins already in `text` from being given to other values."""
        for kind, number in PLACEHOLDER.findall(text):
            self._last[kind] = max(self._last.get(kind, 0), int(number))
