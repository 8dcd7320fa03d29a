"""Cleaning and splitting of text: the same characters out whatever the source's platform.

Cleaning is deliberately light. Indentation, tables and code in documentation carry meaning, so only what no reader
would miss is changed: line ends, control characters, blanks at line ends, runs of blank lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_LINE_ENDS = re.compile(r"\r\n?|[\u0085\u2028\u2029\x0b\x0c]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]")
_OVERSTRIKE = re.compile("[^\n]\x08")
_ASCII_CONTROL = bytes([*range(9), *range(14, 32), 127])
_BLANK_LINES = re.compile(r"\n{4,}")


def clean(text: str) -> str:
    r"""Normalise line ends to LF, drop control characters, trailing blanks and more than two blank lines in a row.

    Unpaired surrogates are dropped too, so the result always encodes as UTF-8. Cleaning twice changes nothing.
    Everything else passes through, a literal `<|endoftext|>` included: it is text here, and the tokenizer's business.
    """
    if "\x08" in text:
        text = _OVERSTRIKE.sub("", text)
    if text.isascii():
        raw = text.encode()
        if any(mark in raw for mark in b"\r\x0b\x0c"):
            text = _LINE_ENDS.sub("\n", text)
            raw = text.encode()
        text = raw.translate(None, _ASCII_CONTROL).decode()
    else:
        text = _CONTROL.sub("", _LINE_ENDS.sub("\n", text))
    text = text.rstrip(" \t\u00a0\n")
    # Looking for the rare is many times cheaper than treating every line as if it were.
    if " \n" in text or "\t\n" in text or "\u00a0\n" in text:
        text = "\n".join([line.rstrip(" \t\u00a0") for line in text.split("\n")])
    if "\n\n\n\n" in text:
        text = _BLANK_LINES.sub("\n\n\n", text)
    return text.strip("\n")


def split(text: str, max_chars: int) -> list[str]:
    """Cut `text` into parts of at most `max_chars` characters, at paragraphs where it has them.

    A paragraph that is too long is cut at line ends, a line that is too long at blanks, and a word that is too long
    wherever it must be. Only the blanks and line ends at the cuts are left out.
    """
    if len(text) <= max_chars:
        return [text]
    parts: list[str] = []
    current = ""
    for separator, piece in _pieces(text, max_chars):
        if current and len(current) + len(separator) + len(piece) > max_chars:
            parts.append(current)
            current = piece
        else:
            current = current + separator + piece if current else piece
    parts.append(current)
    return [part.strip("\n") for part in parts if part.strip()]


def _pieces(text: str, max_chars: int) -> Iterator[tuple[str, str]]:
    """Paragraphs, or lines, or fragments of lines: each with what stood before it."""
    for paragraph in text.split("\n\n"):
        if len(paragraph) <= max_chars:
            yield "\n\n", paragraph
            continue
        separator = "\n\n"
        for line in paragraph.split("\n"):
            for fragment in _fragments(line, max_chars):
                yield separator, fragment
                separator = " "
            separator = "\n"


def _fragments(line: str, max_chars: int) -> Iterator[str]:
    start = 0
    while len(line) - start > max_chars:
        cut = line.rfind(" ", start + max_chars // 2, start + max_chars)
        end = cut if cut > 0 else start + max_chars
        yield line[start:end]
        start = end + 1 if cut > 0 else end
    yield line[start:]
