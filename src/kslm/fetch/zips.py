"""Reading .zip archives that nobody vouches for, under the same rules as archives.py has for tars.

Sizes and names are believed in nothing: what is unpacked is counted, and a member is read to its checksum's end.
"""

from __future__ import annotations

import errno
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from kslm.fetch.archives import RATIO_GRACE, Entry, Limits, refuse, safe_name
from kslm.report import Task

_UNSOUND = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, ValueError, IndexError)
"""What zipfile raises for damaged archives; an IndexError for a name that is empty."""


def is_zip(path: Path) -> bool:
    """Whether the file begins as a zip archive does."""
    with path.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def zip_entries(path: Path, limits: Limits, task: Task) -> Iterator[Entry]:
    """Regular files of a zip, each to be read before the next one is asked for; links are left out.

    Raises:
        SourceError: the archive is cut short, damaged or encrypted, lies, or exceeds a limit.
    """
    budget = _Budget(path, limits)
    with _named(path.name), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if len(infos) > limits.max_members:
            raise refuse(path.name, f"more than {limits.max_members:,} members")
        for info in infos:
            name = safe_name(info.filename, path.name)
            if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16):
                continue
            if info.flag_bits & 1:
                raise refuse(path.name, f"member {info.filename!r} is encrypted")
            with archive.open(info) as stream:
                yield Entry(name, info.file_size, _Counted(stream, budget))
            task.advance(info.compress_size)


class _Budget:
    """What is left of an archive's limits."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.archive, self._limits = path.name, limits
        self._most = max(RATIO_GRACE, path.stat().st_size * limits.max_ratio)
        self._total = 0

    def spend(self, size: int) -> None:
        """Count what was unpacked."""
        self._total += size
        if self._total > self._limits.max_bytes:
            raise refuse(self.archive, f"unpacks to more than {self._limits.max_bytes:,} bytes, the source's max_bytes")
        if self._total > self._most:
            raise refuse(self.archive, f"unpacks to more than {self._limits.max_ratio} times its size")


class _Counted:
    """A member's data, counted as it is read."""

    def __init__(self, stream: IO[bytes], budget: _Budget) -> None:
        self._stream, self._budget = stream, budget

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        with _named(self._budget.archive):
            data = self._stream.read(size)
        self._budget.spend(len(data))
        return data


@contextmanager
def _named(archive: str) -> Iterator[None]:
    """Say of which archive the decoder complains."""
    try:
        yield
    except _UNSOUND as error:
        raise refuse(archive, f"not a sound zip archive: {error}") from None
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # the disk's complaint, not that of a seek to before the beginning
            raise
        raise refuse(archive, f"not a sound zip archive: {error}") from None
