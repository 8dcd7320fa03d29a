"""Reading archives that nobody vouches for: .deb, .tar and compressed .tar, as a stream, in bounded memory.

An archive is input like any other, so it is believed in nothing: names that lead out of it, devices, a size that the
data does not bear out, more bytes, members or compression than allowed each end in a SourceError that names the
archive. Links are never followed and never made; what they point at is read under its own name if it is in there.

The .deb container is walked here and not by debian.arfile, which runs forever on a member of negative size.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

import zstandard
from debian.deb822 import Deb822

from kslm.errors import SourceError
from kslm.report import Task

BUFFER = 1 << 18
MOST_MEMBERS = 400_000
HIGHEST_RATIO = 200
# A ratio means nothing before some data has come: a short run of zeros packs a thousandfold.
RATIO_GRACE = 64 << 20

_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
_LARGEST_CONTROL = 16 << 20
_DECODERS: tuple[tuple[bytes, Callable[[Any], Any]], ...] = (
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", bz2.BZ2File),
    (b"\x28\xb5\x2f\xfd", lambda stream: zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)),
)


class Readable(Protocol):
    """The one method every stream here has."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class Entry(NamedTuple):
    """One regular file of an archive; its stream is to be read before the next entry is asked for."""

    name: str
    size: int
    stream: Readable


@dataclass(frozen=True)
class Limits:
    """What an archive may be; `max_bytes` counts everything it unpacks to, what is not kept included."""

    max_bytes: int
    max_members: int = MOST_MEMBERS
    max_ratio: int = HIGHEST_RATIO


def refuse(archive: str, reason: str) -> SourceError:
    """The error for an archive that cannot be used."""
    return SourceError(
        f"archive {archive} cannot be used", cause=reason, remedy="delete it and fetch again, or name another place"
    )


def is_deb(path: Path) -> bool:
    """Whether the file begins as a Debian package does."""
    with path.open("rb") as stream:
        return stream.read(len(_AR_MAGIC)) == _AR_MAGIC


def archive_entries(path: Path, limits: Limits, task: Task) -> Iterator[Entry]:
    """Regular files of a .deb's data or of a tar, compressed or not; `task` advances by the archive's own bytes.

    Raises:
        SourceError: the archive is cut short, lies, exceeds a limit, or is no archive.
    """
    with path.open("rb") as file:
        if is_deb(path):
            _, start, size = _deb_part(file, path, "data.tar")
        else:
            start, size = 0, path.stat().st_size
        yield from tar_entries(_Window(file, start, size, task), size, path.name, limits)


def tar_entries(packed: Readable, packed_size: int, archive: str, limits: Limits) -> Iterator[Entry]:
    """Regular files of a tar stream, which may itself be a member of another archive."""
    plain = open_plain(packed, packed_size, archive, limits)
    with _named(archive), tarfile.open(fileobj=_as_file(plain), mode="r|", bufsize=BUFFER) as tar:
        count = 0
        while (info := tar.next()) is not None:
            tar.members = []  # type: ignore[attr-defined]  # it remembers every header, a bomb's too
            count += 1
            if count > limits.max_members:
                raise refuse(archive, f"more than {limits.max_members:,} members")
            name = safe_name(info.name, archive)
            if not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
                raise refuse(archive, f"member {info.name!r} is a device or another special file")
            if info.isreg():
                data = tar.extractfile(info)
                if data is not None:
                    yield Entry(name, info.size, _Member(data, archive))
    plain.finish_tar()


def safe_name(name: str, archive: str) -> str:
    """A member's name as a relative path.

    Raises:
        SourceError: the name leads out of the archive.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise refuse(archive, f"member {name!r} leads out of the archive")
    return "/".join(parts)


def open_plain(packed: Readable, packed_size: int, archive: str, limits: Limits) -> Plain:
    """What a stream unpacks to, its compression found by its first bytes."""
    buffered = io.BufferedReader(_Raw(packed), BUFFER)
    head = buffered.peek(8)
    decoder = next((decode for magic, decode in _DECODERS if head.startswith(magic)), None)
    return Plain(decoder(buffered) if decoder else buffered, packed_size, archive, limits)


def deb_control(path: Path) -> Deb822:
    """The control paragraph of a .deb: its package, version and dependencies.

    Raises:
        SourceError: it has none, or is cut short.
    """
    with path.open("rb") as file:
        _, start, size = _deb_part(file, path, "control.tar")
        limits = Limits(_LARGEST_CONTROL, 1000)
        for entry in tar_entries(_Window(file, start, size, Task()), size, path.name, limits):
            if entry.name == "control":
                return Deb822(entry.stream.read(1 << 20).decode("utf-8", "replace"))
    raise refuse(path.name, "a Debian package without a control file")


class Plain:
    """An unpacked stream that counts what it gives, and stops at a limit or at damage."""

    def __init__(self, inner: Readable, packed_size: int, archive: str, limits: Limits) -> None:
        self._inner, self._archive, self._limits = inner, archive, limits
        self._most = max(RATIO_GRACE, packed_size * limits.max_ratio)
        self._total = 0
        self._tail = b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes.

        Raises:
            SourceError: the stream is cut short, damaged, or beyond a limit.
        """
        with _named(self._archive):
            data = self._inner.read(size)
        self._total += len(data)
        if self._total > self._limits.max_bytes:
            raise refuse(
                self._archive, f"unpacks to more than {self._limits.max_bytes:,} bytes, the source's max_bytes"
            )
        if self._total > self._most:
            raise refuse(self._archive, f"unpacks to more than {self._limits.max_ratio} times its size")
        if data:
            self._tail = (self._tail + data[-512:])[-512:]
        return data

    def finish_tar(self) -> None:
        """Read to the end, so that a damaged end is noticed, and check that it is a tar's: a block of zeros."""
        while self.read(BUFFER):
            continue
        if self._tail.strip(b"\0") or len(self._tail) < 512:
            raise refuse(self._archive, "cut short: the end mark is missing")


class _Raw(io.RawIOBase):
    """A Readable as the io module wants it."""

    def __init__(self, source: Readable) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Window:
    """Part of a file, as a stream; what is read advances the task."""

    def __init__(self, file: IO[bytes], start: int, size: int, task: Task) -> None:
        self._file, self._left, self._task = file, size, task
        file.seek(start)

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        self._task.advance(len(data))
        return data


class _Member:
    """One file's data; a tar that ends inside it is an error here, where it is read."""

    def __init__(self, data: IO[bytes], archive: str) -> None:
        self._data, self._archive = data, archive

    def read(self, size: int) -> bytes:
        with _named(self._archive):
            return self._data.read(size)


def _as_file(stream: Readable) -> IO[bytes]:
    return stream  # type: ignore[return-value]  # tarfile's stream mode asks for read() alone


@contextmanager
def _named(archive: str) -> Iterator[None]:
    """Say of which archive a decoder complains."""
    try:
        yield
    except EOFError:
        raise refuse(archive, "cut short: the compressed data ends early") from None
    except tarfile.TarError as error:
        raise refuse(archive, f"not a sound tar archive: {error}") from None
    except (lzma.LZMAError, zlib.error, zstandard.ZstdError) as error:
        raise refuse(archive, f"damaged: {error}") from None
    except OSError as error:
        if error.errno is not None:  # the disk's complaint, not the decoder's
            raise
        raise refuse(archive, f"damaged: {error}") from None


def _deb_part(file: IO[bytes], path: Path, prefix: str) -> tuple[str, int, int]:
    """Name, offset and size of the member of a .deb whose name begins with `prefix`."""
    total = path.stat().st_size
    at = len(_AR_MAGIC)
    while at + _AR_HEADER <= total:
        file.seek(at)
        header = file.read(_AR_HEADER)
        digits = header[48:58].strip()
        if header[58:60] != b"`\n" or not digits.isdigit():
            raise refuse(path.name, f"not a sound Debian package: bad member header at byte {at}")
        size, start = int(digits), at + _AR_HEADER
        name = header[:16].decode("ascii", "replace").strip().rstrip("/")
        if start + size > total:
            raise refuse(path.name, f"cut short: {name} should have {size:,} bytes, {total - start:,} are there")
        if name.startswith(prefix):
            return name, start, size
        at = start + size + size % 2
    raise refuse(path.name, f"not a sound Debian package: no {prefix} in it")
