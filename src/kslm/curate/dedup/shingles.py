"""Five-word shingles of many documents at once, as 64-bit hashes.

A word is a run of ASCII letters, digits, underscores and non-ASCII bytes, compared without regard to ASCII case. Its
first sixteen bytes are two machine words, which numpy cuts out of the text and mixes for all words at once; no array is
as long as the text but the one that finds where words begin. The few longer words go through XXH3. Neither is a defence
against someone who constructs collisions; candidates are verified, and text here has no reason to.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import xxhash

WIDTH = 5
"""Words in a shingle."""

UInt64 = npt.NDArray[np.uint64]
Int64 = npt.NDArray[np.int64]

_FOLD = bytes(
    ord(chr(byte).lower()) if byte < 128 and (chr(byte).isalnum() or byte == ord("_")) else byte if byte >= 128 else 0
    for byte in range(256)
)
"""Byte to its folded form; 0 for bytes that separate words."""

_LONG = 16
"""Bytes of a word that are hashed with all others' at once; the few that have more are hashed one by one."""

_WEIGHTS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64
)
"""Odd, one for each place in a shingle."""


def encode(texts: list[str]) -> tuple[bytes, Int64]:
    """Texts as folded UTF-8 between zero bytes: the bytes, and where each text begins (one more than texts)."""
    raw = [text.encode() for text in texts]
    offsets = np.cumsum([1, *(len(item) + 1 for item in raw)], dtype=np.int64)
    return b"\0".join([b"", *raw, b""]).translate(_FOLD), offsets


def shingles(data: bytes, offsets: Int64) -> tuple[UInt64, Int64]:
    """Hash every five-word shingle of every text.

    Args:
        data: all texts one after another, folded, as `encode` makes them.
        offsets: int64 [texts + 1], where each begins.

    Returns:
        uint64 [shingles] hashes in order of appearance, and int64 [texts + 1] where each text's begin. A text of fewer
        than five words has none.
    """
    words, word_offsets = _words(data, offsets)
    row_offsets = np.zeros(len(offsets), np.int64)
    np.cumsum(np.maximum(np.diff(word_offsets) - (WIDTH - 1), 0), out=row_offsets[1:])
    if not row_offsets[-1]:
        return np.zeros(0, np.uint64), row_offsets
    count = len(words) - (WIDTH - 1)
    combined = words[:count] * _WEIGHTS[0]
    for place in range(1, WIDTH):
        combined += words[place : place + count] * _WEIGHTS[place]
    inside = np.ones(len(words), bool)
    for place in range(1, WIDTH):  # of a text of fewer words this meets the end of the one before, as it must
        last = word_offsets[1:] - place
        inside[last[last >= 0]] = False
    return _mix(combined[inside[:count]]), row_offsets


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


def _words(data: bytes, offsets: Int64) -> tuple[UInt64, Int64]:
    """Hash of every word, and where each text's words begin."""
    in_word = np.frombuffer(data, np.uint8) != 0
    edges = np.flatnonzero(in_word[1:] != in_word[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]  # every word ends, with the zero byte after its text at the latest
    sizes = ends - starts
    eights = np.frombuffer(data + bytes(24 - len(data) % 8), "<u8")
    hashes = _mix(_eight(eights, starts, sizes) * _WEIGHTS[0] + sizes.astype(np.uint64))
    longer = np.flatnonzero(sizes > 8)
    hashes[longer] = _mix(hashes[longer] + _eight(eights, starts[longer] + 8, sizes[longer] - 8))
    for word in np.flatnonzero(sizes > _LONG).tolist():
        hashes[word] = xxhash.xxh3_64_intdigest(data[starts[word] : ends[word]])
    return hashes, np.searchsorted(starts, offsets).astype(np.int64)


def _eight(eights: UInt64, starts: Int64, sizes: Int64) -> UInt64:
    """The first eight bytes from each place on, little end first, those at `sizes` and beyond as zero."""
    whole, bits = starts >> 3, (starts & 7).astype(np.uint64) << np.uint64(3)
    value = eights[whole] >> bits
    # Two steps, for a shift by all 64 bits is not defined.
    value |= (eights[whole + 1] << np.uint64(1)) << (np.uint64(63) - bits)
    missing = (8 - np.minimum(sizes, 8)).astype(np.uint64) << np.uint64(3)
    return (value << missing) >> missing


def _mix(value: UInt64) -> UInt64:
    """splitmix64's finalizer: spreads every input bit over the word; in place."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value ^= value >> np.uint64(shift)
        value *= np.uint64(factor)
    value ^= value >> np.uint64(31)
    return value
