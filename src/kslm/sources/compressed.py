"""Files of packages as bytes, compressed or not (.gz, .xz; Debian has no other), within a bound."""

from __future__ import annotations

import gzip
import lzma
import zlib
from pathlib import Path

from kslm.sources.records import SAMPLE_BYTES, Bad

LARGEST = 32 << 20
_OPENERS = {".gz": gzip.open, ".xz": lzma.open}


def read(place: Path, path: str) -> bytes | Bad:
    """What a file holds, or why nothing of it is read.

    Args:
        place: the file on disk.
        path: what a finding calls it.
    """
    try:
        with _OPENERS.get(place.suffix, open)(place, "rb") as stream:  # type: ignore[operator]
            raw: bytes = stream.read(LARGEST + 1)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        return Bad(path, 0, f"cannot be read: {type(error).__name__}", 0, str(error)[:SAMPLE_BYTES])
    if len(raw) > LARGEST:
        return Bad.of(path, 0, f"larger than {LARGEST >> 20} MiB", raw)
    return raw if raw.strip() else Bad.of(path, 0, "empty file", raw)
