"""Which documents are refused, and the figure that decided it.

Thresholds are loose on purpose: tables of ids and device-tree examples are full of symbols and repetition and are
wanted. What they are for is what no reader could learn from: rulers, dumps, one line a thousand times.
"""

from __future__ import annotations

from typing import NamedTuple

MIN_WORDLIKE = 0.4
"""Share of non-blank characters that are letters or digits."""
MIN_LETTERS = 0.2
"""Share of non-blank characters that are letters; hexadecimal dumps fall below."""
MIN_DISTINCT_LINES = 0.3
"""Share of distinct lines, of documents with at least MANY_LINES lines that are not blank."""
MANY_LINES = 20


class Refusal(NamedTuple):
    """Why a document was left out: a reason that groups well, and the measured figure."""

    reason: str
    figure: float


def refuse(text: str, min_chars: int) -> Refusal | None:
    """Measure cleaned `text`; None when it passes every filter."""
    if not text.strip():
        return Refusal("empty", 0.0)
    if len(text) < min_chars:
        return Refusal("too short", float(len(text)))
    return _symbols(text) or _repetition(text)


def _symbols(text: str) -> Refusal | None:
    dense = "".join(text.split())
    total = len(dense)
    ascii_only = dense.encode("ascii", "replace")
    letters = total - len(ascii_only.translate(None, _ASCII_LETTERS))
    digits = total - letters - len(ascii_only.translate(None, _ASCII_LETTERS + _ASCII_DIGITS))
    if not dense.isascii():
        foreign = [character for character in dense if character > "\x7f"]
        letters += sum(character.isalpha() for character in foreign)
    wordlike = (letters + digits) / total
    if wordlike < MIN_WORDLIKE:
        return Refusal("symbols", round(wordlike, 4))
    if letters / total < MIN_LETTERS:
        return Refusal("few letters", round(letters / total, 4))
    return None


_ASCII_LETTERS = bytes([*range(65, 91), *range(97, 123)])
_ASCII_DIGITS = bytes(range(48, 58))


def _repetition(text: str) -> Refusal | None:
    lines = [line.strip() for line in text.split("\n") if not line.isspace() and line]
    if len(lines) < MANY_LINES:
        return None
    distinct = len(set(lines)) / len(lines)
    return Refusal("repeated lines", round(distinct, 4)) if distinct < MIN_DISTINCT_LINES else None
