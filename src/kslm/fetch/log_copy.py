"""A copy of local logs, because a live log is another one each time it is read.

Ingest must read the same bytes however often and with whichever engine it runs, so regular files are copied as they are
at the moment they are opened: what is appended meanwhile is not, and a file rotated away is reported, not fatal. Logs
hold personal data until ingest redacts them, so copies are open to their owner alone (0600, folders 0700). A copy keeps
its log's modification time, from which ingest tells the year of stamps that have none.

Limits: of a file above 64 MiB only the end is copied, from the start of a line, so line numbers count from there; a
compressed file above that, binary journals, links and special files are left out. All of these are named with a reason,
which ingest writes to bronze.quarantine. The named path itself may be a link.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kslm.errors import SourceError
from kslm.fetch.unpack import matcher
from kslm.outputs import LeftOut
from kslm.paths import Home
from kslm.profile import Source
from kslm.report import Task
from kslm.scratch import move

LARGEST = 64 << 20
_LONGEST_LINE = 1 << 20
_CHUNK = 1 << 20
_COMPRESSED = (b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_BEYOND = "beyond the source's max_bytes: left out"


@dataclass(frozen=True)
class Taken:
    """What was copied: the hash over contents, names and what was left out, and the bytes."""

    sha256: str
    bytes: int
    left_out: tuple[LeftOut, ...]


def take(source: Source, path: Path, into: Path | None, *, home: Home | None = None, task: Task) -> Taken:
    """Copy a log, or the logs below a folder in the order of their names, until the source's max_bytes are full.

    Args:
        into: an existing empty folder; None only hashes, which gives the same result as copying.
        home: whose landing and scratch folders are not copied into themselves.

    Raises:
        SourceError: `path` is one file that cannot be used, or nothing of it fits into max_bytes.
        OSError: the folder cannot be listed, or the copy cannot be written.
    """
    copier = _Copier(source, into, task)
    if path.is_dir():
        copier.take_folder(path.resolve(), home)
    else:
        copier.take_file(path.name, path.resolve())
    left_out = copier.left_out
    if not copier.files:
        hopeless = [omission for omission in left_out if not path.is_dir() or omission.reason == _BEYOND]
        if hopeless:
            raise SourceError(f"cannot use {path}", cause=hopeless[0].reason)
    for omission in left_out:
        copier.hash.update(f"{omission}\n".encode("utf-8", "surrogateescape"))
    return Taken(copier.hash.hexdigest(), copier.bytes, tuple(left_out))


def put(copied: Path, target: Path) -> None:
    """Bring a finished copy to where it stays, open to its owner alone there too.

    On a disk each file is renamed and keeps its mode and time. Where it has to be written anew, as on a Volume, the
    folder's mode protects it as far as the mount knows modes, and its time is set where the mount lets it.
    """
    shutil.rmtree(target, ignore_errors=True)
    for current, _, files in os.walk(copied):
        folder = target / Path(current).relative_to(copied)
        folder.mkdir(mode=0o700)
        for name in files:
            file = Path(current, name)
            written = file.stat().st_mtime_ns
            move(file, folder / name)
            with suppress(OSError):
                os.utime(folder / name, ns=(written, written))


class _UnfitError(Exception):
    """A file that is left out; the text is the reason."""


class _Copier:
    def __init__(self, source: Source, into: Path | None, task: Task) -> None:
        self.source, self.into, self.task = source, into, task
        self.hash = hashlib.sha256()
        self.files = 0
        self.bytes = 0
        self.left_out: list[LeftOut] = []

    def take_folder(self, root: Path, home: Home | None) -> None:
        """Every file below `root` that the source's include and exclude select."""
        matches = matcher(self.source)
        landing, scratch = (home.landing.resolve(), home.scratch.resolve()) if home else (None, None)

        def unlisted(error: OSError) -> None:
            if Path(error.filename) == root:
                raise error
            self._leave(Path(error.filename).relative_to(root).as_posix(), _reason(error))

        for current, folders, files in os.walk(root, onerror=unlisted):
            names = {name: Path(current, name).relative_to(root).as_posix() for name in sorted(folders + files)}
            for name in sorted(folders):
                path = Path(current, name)
                if path == landing:
                    self._leave(names[name], "the landing folder: not copied into itself")
                elif path.is_symlink() and matches(names[name]):
                    self._leave(names[name], "link: not followed")
            folders[:] = [name for name in sorted(folders) if Path(current, name) not in (landing, scratch)]
            for name in sorted(files):
                if matches(names[name]):
                    self.take_file(names[name], Path(current, name))

    def take_file(self, name: str, path: Path) -> None:
        """One file, or the reason why not."""
        try:
            if name.endswith((".journal", ".journal~")):
                raise _UnfitError("binary journal: not read")
            with _open(path) as stream:
                self._copy(name, stream)
        except _UnfitError as error:
            if self.into:
                (self.into / name).unlink(missing_ok=True)
            self._leave(name, str(error))

    def _copy(self, name: str, stream: BinaryIO) -> None:
        size = os.fstat(stream.fileno()).st_size
        start = _seek_start(stream, size)
        if self.bytes + size - start > self.source.max_bytes:
            raise _UnfitError(_BEYOND)
        digest, taken = hashlib.sha256(), 0
        with self._target(name) as target:
            for chunk in _chunks(stream, size - start):
                target.write(chunk)
                digest.update(chunk)
                taken += len(chunk)
                self.task.advance(len(chunk))
        if self.into is not None:
            # Stamps without a year are read by the time of the log, not of its copy.
            written = os.fstat(stream.fileno()).st_mtime_ns
            os.utime(self.into / name, ns=(written, written))
        self.hash.update(f"{digest.hexdigest()} {name}\n".encode("utf-8", "surrogateescape"))
        self.bytes += taken
        self.files += 1
        if start:
            self._leave(name, f"larger than {LARGEST:,} bytes: only its end is read", start)

    def _target(self, name: str) -> BinaryIO:
        if self.into is None:
            return Path(os.devnull).open("wb")
        path = self.into / name
        for parent in reversed(path.relative_to(self.into).parents):
            (self.into / parent).mkdir(mode=0o700, exist_ok=True)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def _leave(self, name: str, reason: str, size: int = 0) -> None:
        self.left_out.append(LeftOut(os.fsencode(name).decode("utf-8", "replace"), reason, size))


def _open(path: Path) -> BinaryIO:
    with _reading():
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise _UnfitError("link: not followed")
        if not stat.S_ISREG(mode):
            raise _UnfitError("not a regular file")
        # What was a file a moment ago may be a link or a FIFO now.
        return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _seek_start(stream: BinaryIO, size: int) -> int:
    """Where the part to be copied begins, and go there."""
    if size <= LARGEST:
        return 0
    with _reading():
        if stream.read(6).startswith(_COMPRESSED):
            raise _UnfitError(f"compressed, and larger than {LARGEST:,} bytes: left out")
        # From the byte before: a line that begins exactly at the bound is kept.
        stream.seek(size - LARGEST - 1)
        return size - LARGEST - 1 + len(stream.readline(_LONGEST_LINE))


def _chunks(stream: BinaryIO, size: int) -> Iterator[bytes]:
    """At most `size` bytes: the file may have grown since, or have been cut."""
    while size > 0:
        with _reading():
            chunk = stream.read(min(_CHUNK, size))
        if not chunk:
            return
        size -= len(chunk)
        yield chunk


@contextmanager
def _reading() -> Iterator[None]:
    """Tell trouble with the log, which is left out then, from trouble with the copy."""
    try:
        yield
    except OSError as error:
        raise _UnfitError(_reason(error)) from error


def _reason(error: OSError) -> str:
    return f"unreadable: {error.strerror or error}"
