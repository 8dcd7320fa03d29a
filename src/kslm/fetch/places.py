"""One place of a source: a local path, a URL or a Debian package, made into something landed.

A local module or manual folder is pointed at, never copied; logs are copied (log_copy.py), and everything else is
unpacked, below the source's landing folder, in a folder named by the content's hash and the cut that is kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from kslm.errors import SourceError
from kslm.fetch.apt import Apt
from kslm.fetch.download import download
from kslm.fetch.landing import LAYOUT, Landed
from kslm.fetch.log_copy import LeftOut, take
from kslm.fetch.unpack import MODULE_FILE, Unpacked, folder_entries, folder_files, matcher, unpack, write_tree
from kslm.profile import Place, Source
from kslm.report import Task

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Content:
    """What a local file or folder holds: its hash, its bytes, and the names that could not be read."""

    sha256: str
    bytes: int
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Had:
    """One file, as it came from a place; `version` where the place itself tells it."""

    file: Path
    sha256: str
    origin: str
    version: str | None = None
    transferred: int = 0


def name_of(place: Place) -> str:
    """The place in words."""
    if place.path is not None:
        return f"path {place.path}"
    return f"https {place.https}" if place.https is not None else f"Debian package {place.debian}"


def obtain(place: Place, source: Source, folder: Path, apt: Apt, task: Task) -> Landed:
    """Get the source from this place into `folder`, unpacked.

    Raises:
        SourceError: it cannot be had here, or what was had is unsound.
        OSError: a local path cannot be read, or the disk is full.
    """
    if place.path is not None:
        return _local(place.path, source, folder, task)
    if source.kind == "logs":
        raise SourceError("logs are read from local paths only", remedy="give a path")
    downloads = folder / "download"
    if place.https is not None:
        one = download(place.https, downloads, max_bytes=source.max_bytes, task=task)
        had = _Had(one.path, one.sha256, place.https, None, one.transferred)
        return _unpacked(had, source, folder, task)
    assert place.debian is not None
    file, package, transferred = apt.fetch(place.debian, source.kind, downloads, max_bytes=source.max_bytes, task=task)
    had = _Had(file, package.sha256, f"debian:{package.name}", package.version, transferred)
    return _unpacked(had, source, folder, task)


def content_of(source: Source, path: Path) -> Content:
    """Hash a local file, or the files of a folder that the source's kind is made of, with their names.

    Raises:
        SourceError: more than the source's max_bytes.
    """
    if path.is_file():
        if path.stat().st_size > source.max_bytes:
            raise _too_large(path, source)
        with path.open("rb") as stream:
            return Content(hashlib.file_digest(stream, "sha256").hexdigest(), path.stat().st_size)
    files = list(_own_files(source, path))
    if sum(file.stat().st_size for _, file in files) > source.max_bytes:
        raise _too_large(path, source)
    whole, total, unreadable = hashlib.sha256(), 0, []
    for name, file in files:
        try:
            with file.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                total += stream.tell()
        except PermissionError:
            digest = "unreadable"
            unreadable.append(name)
        whole.update(f"{digest} {name}\n".encode("utf-8", "surrogateescape"))
    return Content(whole.hexdigest(), total, tuple(unreadable))


def local_path(text: str) -> Path:
    """A path as written in a profile: `~` and environment variables expanded, absolute."""
    return Path(os.path.expandvars(text)).expanduser().absolute()


def landed_from(
    source: Source, content: Content, made: Unpacked, *, path: Path, origin: str, version: str, files: list[Path]
) -> Landed:
    """The record of a source that is complete on disk; `files` are those whose absence means fetching again."""
    entry = {
        "kind": source.kind,
        "licence": source.licence,
        "package": made.package,
        "version": version,
        "origin": origin,
        "path": str(path),
        "sha256": content.sha256,
        "bytes": content.bytes,
        "fetched_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "members": str(made.members),
        "index": str(made.index) if made.index else None,
    }
    landed = Landed(entry, [(str(file), file.stat().st_size) for file in files])
    if content.unreadable:
        some = _some(content.unreadable)
        landed.notes.append(f"{len(content.unreadable)} files of {path} may not be read and are left out: {some}")
    return landed


def _local(text: str, source: Source, folder: Path, task: Task) -> Landed:
    path = local_path(text)
    if not path.exists():
        raise SourceError(f"cannot use {path}", cause="no such file or folder")
    if source.kind == "logs":
        return _logs(path, source, folder, task)
    if path.is_dir() and source.kind in ("pci_ids", "usb_ids"):
        path = _file_in(path, source)
    if path.is_file():
        content = content_of(source, path)
        return _unpacked(_Had(path, content.sha256, f"file:{path}"), source, folder, task)
    if source.kind == "kernel_modules":
        path = _modules_folder(path)
    elif source.kind == "man_pages":
        path = _man_folder(path)
    content = content_of(source, path)
    task.advance(content.bytes)
    if source.kind != "kernel_tree":
        release = path.name if source.kind == "kernel_modules" else "local"
        made = Unpacked(path)
        return landed_from(source, content, made, path=path, origin=f"file:{path}", version=release, files=[])
    target = folder / _key(source, content.sha256)
    entries = folder_entries(path, matcher(source))
    made = _all_or_nothing(target, lambda: write_tree(entries, target, source, path.name))
    return landed_from(
        source, content, made, path=path, origin=f"file:{path}", version=made.version or "local", files=_files(target)
    )


def _logs(path: Path, source: Source, folder: Path, task: Task) -> Landed:
    """Copy logs below a name for the time being, because what they hold is known only once they are copied."""
    part = folder / "copying"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        taken = take(source, path, part, landing=folder.parent, task=task)
        target = folder / _key(source, taken.sha256)
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    landed = landed_from(
        source,
        Content(taken.sha256, taken.bytes),
        Unpacked(target if path.is_dir() else target / path.name),
        path=path,
        origin=f"file:{path}",
        version="local",
        files=[file for file in sorted(target.rglob("*")) if file.is_file()],
    )
    landed.entry["unreadable"] = [asdict(one) for one in taken.left_out]
    landed.notes += _left_out_notes(path, taken.left_out)
    return landed


def _left_out_notes(path: Path, left_out: tuple[LeftOut, ...]) -> list[str]:
    names = defaultdict(list)
    for one in left_out:
        names[one.reason].append(one.path)
    return [f"{len(found)} of {path}: {reason}: {_some(found)}" for reason, found in sorted(names.items())]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")


def _unpacked(had: _Had, source: Source, folder: Path, task: Task) -> Landed:
    """Unpack one file and record it."""
    size = had.file.stat().st_size
    task.update(total=size + had.transferred, note=f"unpacking {had.file.name}")
    target = folder / _key(source, had.sha256)
    try:
        made = _all_or_nothing(target, lambda: unpack(source, had.file, target, task))
    except SourceError:
        if had.file.is_relative_to(folder):  # or the next run would find it again, and no better
            had.file.unlink(missing_ok=True)
        raise
    landed = landed_from(
        source,
        Content(had.sha256, size),
        made,
        path=had.file,
        origin=had.origin,
        version=made.version or had.version or "unknown",
        files=_files(target) + [had.file] * had.file.is_relative_to(folder),
    )
    landed.transferred = had.transferred
    return landed


def _key(source: Source, sha256: str) -> str:
    """Name of the folder for this content and this cut."""
    cut = json.dumps([LAYOUT, source.kind, source.include, source.exclude, sha256])
    return hashlib.sha256(cut.encode()).hexdigest()[:16]


def _all_or_nothing(target: Path, make: Callable[[], Unpacked]) -> Unpacked:
    """Fill an empty folder; on failure nothing of it stays, so that a full disk gets its space back."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    try:
        return make()
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _files(folder: Path) -> list[Path]:
    return [path for _, path in folder_files(folder)]


def _own_files(source: Source, root: Path) -> Iterator[tuple[str, Path]]:
    """The files of a local folder that belong to the source's kind and cut."""
    matches = matcher(source)
    for name, path in folder_files(root):
        base = name.rpartition("/")[2]
        if source.kind == "kernel_modules" and not MODULE_FILE.fullmatch(base):
            continue
        if source.kind == "man_pages" and not (name.startswith("man") and name.count("/") == 1):
            continue
        if matches(name):
            yield name, path


def _file_in(folder: Path, source: Source) -> Path:
    wanted = folder / source.kind.replace("_", ".")
    if not wanted.is_file():
        raise SourceError(f"cannot use {folder}", cause=f"a folder without a file {wanted.name}; a file is expected")
    return wanted


def _modules_folder(path: Path) -> Path:
    """The folder of one kernel: the path itself, the running kernel's below it, or the newest below it."""
    if (path / "kernel").is_dir():
        return path
    kernels = [child for child in path.iterdir() if (child / "kernel").is_dir()]
    if not kernels:
        raise SourceError(f"cannot use {path}", cause="no folder of kernel modules (<release>/kernel/) in it")
    running = [child for child in kernels if child.name == platform.release()]
    return running[0] if running else max(kernels, key=lambda child: (child.stat().st_mtime, child.name))


def _man_folder(path: Path) -> Path:
    for folder in (path, path / "man", path / "share" / "man"):
        if any(child.is_dir() for child in folder.glob("man[0-9]*")):
            return folder
    raise SourceError(f"cannot use {path}", cause="no manual pages (man1/ ... man9/) in it")


def _too_large(path: Path, source: Source) -> SourceError:
    return SourceError(f"cannot use {path}", cause=f"more than {source.max_bytes:,} bytes, the source's max_bytes")
