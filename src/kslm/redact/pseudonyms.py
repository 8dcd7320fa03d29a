"""Numbered stand-ins for personal values; detectors, and the spans that they report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

KINDS = ("email", "user", "host", "ipv4", "ipv6", "mac", "serial", "uuid", "secret")
PLACEHOLDER = re.compile(r"<(email|user|host|ipv4|ipv6|mac|serial|uuid|secret)-([0-9]{1,9})>")


class Span(NamedTuple):
    """A piece of text to replace: text[start:end]; `value` is what identifies it ("" stands for the piece itself)."""

    start: int
    end: int
    kind: str
    value: str = ""


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

    def reserve(self, text: str) -> None:
        """Keep the numbers of stand-ins already in `text` from being given to other values."""
        for kind, number in PLACEHOLDER.findall(text):
            self._last[kind] = max(self._last.get(kind, 0), int(number))
