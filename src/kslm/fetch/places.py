"""One place of a source: a local path, a URL or a Debian package, made into something landed.

A local module or manual folder is pointed at, never copied; logs are copied (log_copy.py), and everything else is
unpacked, below the source's landing folder, in a folder named by the content's hash and the cut that is kept.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kslm.errors import SourceError
from kslm.fetch.debian import Debian
from kslm.fetch.download import download
from kslm.fetch.landing import (
    Content,
    Landed,
    SourceFolder,
    all_or_nothing,
    files_below,
    key_of,
    landed_from,
    left_out_notes,
    unchanged,
)
from kslm.fetch.log_copy import put, take
from kslm.fetch.unpack import (
    MODULE_FILE,
    Unpacked,
    folder_entries,
    folder_files,
    matcher,
    tldr_name,
    unpack,
    unpack_folder,
    write_tree,
)
from kslm.profile import Place, Source
from kslm.published import file_sha256
from kslm.report import Task
from kslm.scratch import emptied


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
    if place.https is not None:
        return f"https {place.https}"
    if isinstance(place.debian, str):
        return f"Debian package {place.debian}"
    return f"{len(place.debian or ())} Debian packages"


def obtain(
    place: Place, source: Source, folder: SourceFolder, debian: Debian, *, task: Task, before: Landed | None = None
) -> Landed:
    """Get the source from this place into `folder`, unpacked.

    Args:
        before: what has landed already; the place is looked at again, and if it still holds that, it stays.

    Raises:
        SourceError: it cannot be had here, or what was had is unsound.
        OSError: a local path cannot be read, or the disk is full.
    """
    if place.path is not None:
        return _local(place.path, source, folder, task, before)
    if source.kind == "logs":
        raise SourceError("logs are read from local paths only", remedy="give a path")
    downloads = folder.path / "download"
    if place.https is not None:
        fetched = download(
            place.https,
            downloads,
            partial=folder.scratch,
            max_bytes=source.max_bytes,
            task=task,
            anew=before is not None,
        )
        had = _Had(fetched.path, fetched.sha256, place.https, None, fetched.transferred)
        return _unpacked(had, source, folder, task, before)
    assert isinstance(place.debian, str)  # the profile's schema: lists are for kind packages
    file, package, transferred = debian.fetch(
        place.debian, source.kind, downloads, max_bytes=source.max_bytes, task=task
    )
    had = _Had(file, package.sha256, f"debian:{package.name}", package.version, transferred)
    return _unpacked(had, source, folder, task, before)


def content_of(source: Source, path: Path) -> Content:
    """Hash a local file, or the files of a folder that the source's kind is made of, with their names.

    Raises:
        SourceError: more than the source's max_bytes.
    """
    if path.is_file():
        if path.stat().st_size > source.max_bytes:
            raise _too_large(path, source)
        return Content(file_sha256(path), path.stat().st_size)
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


def _local(text: str, source: Source, folder: SourceFolder, task: Task, before: Landed | None) -> Landed:
    path = local_path(text)
    if not path.exists():
        raise SourceError(f"cannot use {path}", cause="no such file or folder")
    if source.kind == "logs":
        return _logs(path, source, folder, task)
    if path.is_dir() and source.kind in ("pci_ids", "usb_ids"):
        path = _file_in(path, source)
    if path.is_file():
        content = content_of(source, path)
        return _unpacked(_Had(path, content.sha256, f"file:{path}"), source, folder, task, before)
    if source.kind == "kernel_modules":
        path = _modules_folder(path)
    elif source.kind == "man_pages":
        path = _man_folder(path)
    content = content_of(source, path)
    task.advance(content.bytes)
    if source.kind not in ("kernel_tree", "tldr"):
        release = path.name if source.kind == "kernel_modules" else "local"
        unpacked = Unpacked(path)
        return landed_from(source, content, unpacked, path=path, origin=f"file:{path}", version=release, files=[])
    if before is not None and unchanged(before, content.sha256, f"file:{path}"):
        return before
    target = folder.path / key_of(source, content.sha256)
    if source.kind == "tldr":
        unpacked = all_or_nothing(
            target, lambda: unpack_folder(source, folder_entries(path, lambda _: True), target / "pages", tldr_name)
        )
    else:
        entries = folder_entries(path, matcher(source))
        unpacked = all_or_nothing(target, lambda: write_tree(entries, target, source, path.name))
    return landed_from(
        source,
        content,
        unpacked,
        path=path,
        origin=f"file:{path}",
        version=unpacked.version or "local",
        files=files_below(target),
    )


def _logs(path: Path, source: Source, folder: SourceFolder, task: Task) -> Landed:
    """Copy logs to scratch first, because what they hold, and so their folder's name, is known only once copied."""
    folder.path.mkdir(parents=True, exist_ok=True)
    with emptied(folder.scratch / "copying") as copying:
        copying.chmod(0o700)
        taken = take(source, path, copying, home=folder.home, task=task)
        target = folder.path / key_of(source, taken.sha256)
        try:
            put(copying, target)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
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
    landed.entry.unreadable = tuple(taken.left_out)
    landed.notes += left_out_notes(path, taken.left_out)
    return landed


def _unpacked(had: _Had, source: Source, folder: SourceFolder, task: Task, before: Landed | None) -> Landed:
    if before is not None and unchanged(before, had.sha256, had.origin):
        return before
    size = had.file.stat().st_size
    task.update(total=size + had.transferred, note=f"unpacking {had.file.name}")
    target = folder.path / key_of(source, had.sha256)
    try:
        unpacked = all_or_nothing(target, lambda: unpack(source, had.file, target, task))
    except SourceError:
        if had.file.is_relative_to(folder.path):  # or the next run would find it again, and no better
            had.file.unlink(missing_ok=True)
        raise
    landed = landed_from(
        source,
        Content(had.sha256, size),
        unpacked,
        path=had.file,
        origin=had.origin,
        version=unpacked.version or had.version or "unknown",
        files=files_below(target) + [had.file] * had.file.is_relative_to(folder.path),
    )
    landed.transferred = had.transferred
    return landed


def _own_files(source: Source, root: Path) -> Iterator[tuple[str, Path]]:
    """The files of a local folder that belong to the source's kind and cut."""
    matches = matcher(source)
    for name, path in folder_files(root):
        base = name.rpartition("/")[2]
        if source.kind == "kernel_modules" and not MODULE_FILE.fullmatch(base):
            continue
        if source.kind == "man_pages" and not (name.startswith("man") and name.count("/") == 1):
            continue
        own = tldr_name(name) if source.kind == "tldr" else name
        if own and matches(own):
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
