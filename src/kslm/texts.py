"""What is made of a bronze row before it is cleaned, and the small words that sentences are made with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

QUESTION = "question"
"""The kind of texts that are made by template; see `kslm.kinds`."""


class Text(NamedTuple):
    """One text made from a bronze row, not yet cleaned.

    `parent_id` names the row: the doc_id of bronze.documents, or `table/key` elsewhere. `path` is unique together with
    `source`: texts of one file are told apart by a `#fragment`.
    """

    parent_id: str
    source: str
    path: str
    kind: str
    slice: str
    split_group: str
    version: str | None
    licence: str | None
    text: str
    item: str | None = None
    """Of a question: what gold.instructions says of it, as made by `kslm.instruct`; None elsewhere."""
    refused: str | None = None
    """Why its reader takes it for no document; None where it is one."""


_ENDED = re.compile(r"(?:[.!?]|[\w)]{2}[.!?][\"')\]]+)\Z")
_ABBREVIATED = re.compile(r"\b(?:al|co|corp|e\.g|etc|i\.e|inc|ltd|vs)\.[\"')\]]+\Z", re.IGNORECASE)


def sentence(text: str) -> str:
    """Text on one line, with a full stop where it ends in none.

    What ends within quotation marks or parentheses has ended, but for an abbreviation there: `(Inc.)`, `(a, b, ...)`.
    """
    folded = " ".join(text.split())
    return folded if _ENDED.search(folded) and not _ABBREVIATED.search(folded) else f"{folded}."


def listed(names: Sequence[str]) -> str:
    """`a, b and c`; nothing of none."""
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last


LONGEST_ANSWER = 700
"""Characters of a quoted description; longer ones are cut after a sentence."""
_BETWEEN_PARAGRAPHS = re.compile(r"(?<=[\w)\]>\"'])(?<![.!?][)\]\"'])[^\S\n]*\n(?:[^\S\n]*\n)+\s*(?=[A-Z])")
_SENTENCE_END = re.compile(r"[.!?](?=\s)")


def shortened(text: str, longest: int = LONGEST_ANSWER) -> str:
    """Text on one line, cut after the last whole sentence (else word) that fits.

    A paragraph that ends in no mark is given a full stop where another begins after it with a capital.
    """
    folded = " ".join(_BETWEEN_PARAGRAPHS.sub(". ", text).split())
    if len(folded) <= longest:
        return folded
    ends = [match.end() for match in _SENTENCE_END.finditer(folded, 0, longest)]
    return folded[: ends[-1]] if ends else folded[:longest].rpartition(" ")[0] + " ..."
