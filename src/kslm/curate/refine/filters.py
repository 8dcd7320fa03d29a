"""Which documents are refused, and the figure that decided it.

Thresholds are loose on purpose: tables of ids and device-tree sources are full of symbols and repetition and are
wanted. What they are for is what no reader could learn from: rulers, dumps, one line a thousand times, the same licence
once more. What is asked of a kind is a field of its row (`kslm.kinds`).

Repetition follows Gopher (Rae et al. 2021, appendix A.1.1): the share of characters in the most frequent word n-gram.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

from kslm.curate.refine import language, quality
from kslm.kinds import Filters

MIN_WORDLIKE = 0.4
"""Share of non-blank characters that are letters or digits."""
MIN_LETTERS = 0.2
"""Share of non-blank characters that are letters; hexadecimal dumps fall below."""
MIN_DISTINCT_LINES = 0.25
"""Share of distinct lines, of documents with at least MANY_LINES lines that are not blank."""
MANY_LINES = 20
MAX_NGRAM_SHARE = 0.4
"""Share of a document's characters in its most frequent pair or triple of words, of MANY_WORDS words and more."""
MANY_WORDS = 100
MAX_LICENCE_SHARE = 0.5
"""Share of characters in paragraphs of licence text."""
MAX_LISTED_SHARE = 0.6
"""Share of lines that only say who owns it, or only say where in the book something is."""
MAX_LABEL_SHARE = 0.6
"""Share of characters in lines that are labels, of the comments of C: what they are labels of is not there."""
LABEL = 45
"""Characters below which a line that neither ends as one of a sentence nor says what it speaks of is a label."""
HEADER_LINES = 15


class Refusal(NamedTuple):
    """Why a document was left out: a reason that groups well, and the measured figure where there is one."""

    reason: str
    figure: float | None


class Verdict(NamedTuple):
    """What the filters say of one text: its quality (1 where there is no prose to judge), and why it is refused."""

    quality: float
    refusal: Refusal | None


def judge(asked: Filters, text: str, raw: bytes, *, min_chars: int, max_non_english: float) -> Verdict:
    """Measure a cleaned text.

    Args:
        asked: what is asked of texts of its kind.
        raw: the text in UTF-8.
    """
    refusal = _size(text, min_chars) or _symbols(text, raw)
    if refusal is None and asked.lines:
        refusal = _repeated_lines(text)
    if refusal is not None or not asked.prose:
        return Verdict(1.0, refusal)
    sample = quality.Sample.of(text)
    score = quality.score(sample) if asked.scored else 1.0
    refusal = _boilerplate(text) or _foreign(text, sample, max_non_english)
    if refusal is None and asked.contents:
        refusal = _contents(text)
    if refusal is None and asked.labels:
        refusal = _labels(text)
    return Verdict(score, refusal or (_repeated_words(sample) if asked.words else None))


def _size(text: str, min_chars: int) -> Refusal | None:
    if not text or text.isspace():
        return Refusal("empty", 0.0)
    return Refusal("too short", float(len(text))) if len(text) < min_chars else None


def _symbols(text: str, raw: bytes) -> Refusal | None:
    """Shares of letters and digits, counted in bytes; a character beyond ASCII that is a letter counts as one."""
    others = len(raw.translate(None, _BLANKS + _ASCII_LETTERS))
    if others <= (1 - MIN_WORDLIKE) * 0.5 * len(raw):
        return None  # half blanks would still leave enough letters
    total = len(raw.translate(None, _BLANKS))
    letters = total - others
    digits = others - len(raw.translate(None, _BLANKS + _ASCII_LETTERS + _ASCII_DIGITS))
    if len(raw) != len(text):
        beyond = [character for character in text if character > "\x7f"]
        total -= len(raw) - len(text)
        letters += sum(character.isalpha() for character in beyond)
    wordlike = (letters + digits) / total
    if wordlike < MIN_WORDLIKE:
        return Refusal("symbols", round(wordlike, 4))
    if letters / total < MIN_LETTERS:
        return Refusal("few letters", round(letters / total, 4))
    return None


_ASCII_LETTERS = bytes([*range(65, 91), *range(97, 123)])
_ASCII_DIGITS = bytes(range(48, 58))
_BLANKS = b" \t\n"


def _repeated_lines(text: str) -> Refusal | None:
    if text.count("\n") < MANY_LINES - 1:
        return None
    lines = [line for line in text.split("\n") if line]
    if len(lines) < MANY_LINES or len(set(lines)) >= 2 * MIN_DISTINCT_LINES * len(lines):
        return None
    lines = [line.strip() for line in lines if not line.isspace()]
    distinct = len(set(lines)) / max(1, len(lines))
    return Refusal("repeated lines", round(distinct, 4)) if distinct < MIN_DISTINCT_LINES else None


def _foreign(text: str, sample: quality.Sample, max_non_english: float) -> Refusal | None:
    if not language.suspect(sample.text, sample.counts.keys()):
        return None
    share = language.non_english(text)
    return Refusal("not English", round(share, 4)) if share > max_non_english else None


def _repeated_words(sample: quality.Sample) -> Refusal | None:
    """Only texts of few distinct words repeat enough; the others are not counted through."""
    words = sample.words
    if len(words) < MANY_WORDS or len(sample.counts) > 0.5 * len(words):
        return None
    size = sum(map(len, words))
    for width in (2, 3):
        grams = Counter(zip(*(words[start:] for start in range(width)), strict=False))
        share = max(count * sum(map(len, gram)) for gram, count in grams.items()) / size
        if share > MAX_NGRAM_SHARE:
            return Refusal("repeated words", round(min(1.0, share), 4))
    return None


ENDS = frozenset(".!?:;,)")
_LICENCE = (
    "permission is hereby granted", "without warranty", "without even the implied warranty", "merchantability",
    "this software is provided", "redistribution and use in source", "in no event shall", "in no event will",
    "general public licen", "licensed under the", "apache license", "you may not use this file except",
    "copyright notice and this permission", "and the following disclaimer",
)  # fmt: skip
_LICENCE_HINTS = ("arrant", "WARRANT", "General Public", "icensed under")  # one of them is in every licence
_OWNED = re.compile(r"^[\s*#/;-]*(?:Copyright|\(C\)|©|SPDX-|All rights reserved|Authors?:)", re.I | re.M)
_HAND_HINTS = ("edit", "EDIT", "Edit", "modify", "MODIFY")
_NOT_BY_HAND = re.compile(r"\bdo(?: not|n't) (?:edit|modify)\b", re.IGNORECASE)
_GENERATED = re.compile(r"\b(?:auto|automatically |machine[- ]?)?generated\b", re.IGNORECASE)
_MAIL = re.compile(r"^(?:From|To|Cc|Date|Subject|Message-I[Dd]|Received|In-Reply-To|References): ?\S", re.MULTILINE)
_CONTENTS = re.compile(
    r"(?:\. ?){4,}[ \t]*\d+$"  # "Installation ........ 12"
    r"|^[ \t]*(?:\d+\.){2}[\d.]*[ \t]+\S.{0,70}$",  # "1.2.3. Installing packages"
    re.MULTILINE,
)
_ENTRY = re.compile(r"^[ \t]+[\w./<>+-]+(?: <[^>\n]+>)?$", re.MULTILINE)


def _boilerplate(text: str) -> Refusal | None:
    """Licences, lists of owners, files no hand wrote, mails and tables of contents; each behind a literal."""
    if any(hint in text for hint in _LICENCE_HINTS):
        share = _licence_share(text)
        if share > MAX_LICENCE_SHARE:
            return Refusal("licence text", round(share, 4))
    if "opyright" in text or "(C)" in text or "©" in text:
        share = len(_OWNED.findall(text)) / (text.count("\n") + 1)
        if share > MAX_LISTED_SHARE:
            return Refusal("copyright list", round(share, 4))
    head = "\n".join(text[:1200].split("\n")[:HEADER_LINES])
    if any(hint in head for hint in _HAND_HINTS) and _NOT_BY_HAND.search(head) and _GENERATED.search(head):
        return Refusal("generated file", 1.0)
    if "Message-I" in head or "Received: " in head:
        headers = len(_MAIL.findall(head))
        if headers >= 3:
            return Refusal("mail", float(headers))
    return None


def _licence_share(text: str) -> float:
    paragraphs = text.lower().split("\n\n")
    legal = sum(len(paragraph) for paragraph in paragraphs if any(phrase in paragraph for phrase in _LICENCE))
    return legal / len(text)


def _labels(text: str) -> Refusal | None:
    """Comments that are mostly names of things that are not told: "Control register", line after line."""
    lines = text.split("\n")
    labels = sum([len(line) for line in lines if 0 < len(line) < LABEL and line[-1] not in ENDS and ": " not in line])
    share = labels / (len(text) - len(lines) + 1)
    return Refusal("labels", round(share, 4)) if share > MAX_LABEL_SHARE else None


def _contents(text: str) -> Refusal | None:
    """A document that is mostly a table of contents."""
    lines = text.count("\n") + 1
    if lines < 10:
        return None
    if "toctree::" in text:
        entries = len(_ENTRY.findall(text))
    elif text.count("....") + text.count(". . .") + text.count(".1. ") > 3:
        entries = len(_CONTENTS.findall(text))
    else:
        return None
    share = entries / max(1, lines - text.count("\n\n"))
    return Refusal("table of contents", round(share, 4)) if share > MAX_LISTED_SHARE else None
