"""Five-word shingles of many documents at once, as 64-bit hashes, in numpy alone.

A word is a run of ASCII letters, digits, underscores and non-ASCII bytes, compared without regard to ASCII case. The
word hash is a polynomial over its bytes modulo 2^64, computed for every word of a batch from one cumulative sum, so
there is no Python loop over words and the interpreter's lock is free meanwhile. The polynomial is no defence against
someone who constructs collisions; candidates are verified, and text here has no reason to.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH = 5
"""Words in a shingle."""

UInt64 = npt.NDArray[np.uint64]
Int64 = npt.NDArray[np.int64]

_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_FOLD = np.zeros(256, np.uint8)
"""Byte to its folded form; 0 for bytes that separate words."""
for _byte in range(256):
    _character = chr(_byte)
    if _byte >= 128 or _character.isalnum() or _character == "_":
        _FOLD[_byte] = ord(_character.lower()) if _byte < 128 else _byte


def encode(texts: list[str]) -> tuple[npt.NDArray[np.uint8], Int64]:
    """Concatenate texts as UTF-8: the bytes, and where each text begins (one more entry than texts)."""
    raw = [text.encode() for text in texts]
    offsets = np.zeros(len(raw) + 1, np.int64)
    np.cumsum([len(item) for item in raw], out=offsets[1:])
    return np.frombuffer(b"".join(raw), np.uint8), offsets


def shingles(data: npt.NDArray[np.uint8], offsets: Int64) -> tuple[UInt64, Int64]:
    """Hash every five-word shingle of every text.

    Args:
        data: uint8 [bytes], all texts one after another.
        offsets: int64 [texts + 1], where each begins.

    Returns:
        uint64 [shingles] hashes in order of appearance, and int64 [texts + 1] where each text's begin. A text of fewer
        than five words has none.
    """
    words, word_offsets = _words(data, offsets)
    counts = np.diff(word_offsets)
    rows = np.maximum(counts - (WIDTH - 1), 0)
    row_offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(rows, out=row_offsets[1:])
    if not row_offsets[-1]:
        return np.zeros(0, np.uint64), row_offsets
    combined = np.zeros(len(words) - (WIDTH - 1), np.uint64)
    for position in range(WIDTH):
        combined = _mix(combined + words[position : position + len(combined)])
    owner_end = np.repeat(word_offsets[1:], counts)
    inside = np.arange(len(combined)) + WIDTH <= owner_end[: len(combined)]
    return combined[inside], row_offsets


def jaccard(left: UInt64, right: UInt64) -> float:
    """Similarity of two shingle sets (each sorted and distinct), in [0, 1]; 0 when either is empty."""
    if not len(left) or not len(right):
        return 0.0
    common = len(np.intersect1d(left, right, assume_unique=True))
    return common / (len(left) + len(right) - common)


def shingle_sets(texts: list[str]) -> list[UInt64]:
    """Each text's distinct shingle hashes, sorted."""
    hashes, offsets = shingles(*encode(texts))
    return [np.unique(hashes[start:end]) for start, end in pairwise(offsets)]


def _words(data: npt.NDArray[np.uint8], offsets: Int64) -> tuple[UInt64, Int64]:
    """Hash of every word, and where each text's words begin."""
    folded = _FOLD[data]
    is_word = folded != 0
    first = np.zeros(len(data), bool)
    if len(data):
        first[1:] = is_word[:-1]
    joined = first.copy()
    joined[offsets[:-1][offsets[:-1] < len(data)]] = False
    starts = np.flatnonzero(is_word & ~joined)
    ends = np.flatnonzero(first & ~(is_word & joined))
    if len(ends) < len(starts):
        ends = np.append(ends, len(data))
    forward, backward = _powers(len(data))
    total = np.zeros(len(data) + 1, np.uint64)
    np.cumsum(folded * forward[: len(data)], out=total[1:])
    hashes = _mix((total[ends] - total[starts]) * backward[starts] + (ends - starts).astype(np.uint64))
    return hashes, np.searchsorted(starts, offsets).astype(np.int64)


def _mix(value: UInt64) -> UInt64:
    """splitmix64's finalizer: spreads every input bit over the word."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _powers(size: int) -> tuple[UInt64, UInt64]:
    """Powers of the base and of its inverse modulo 2^64, at least `size` of each."""
    return _power_table(1 << max(16, (size - 1).bit_length()))


@lru_cache(maxsize=2)
def _power_table(size: int) -> tuple[Any, Any]:
    tables = []
    for base in (_BASE, _INVERSE):
        table = np.full(size, np.uint64(base))
        table[0] = 1
        tables.append(np.cumprod(table, dtype=np.uint64))
    return tables[0], tables[1]
