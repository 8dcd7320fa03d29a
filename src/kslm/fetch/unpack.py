"""From one fetched file to what ingest reads, by the kind of source.

A kernel tree becomes an uncompressed tar of the selected files with an index of offsets, because that is read in
parallel and in long runs; modules, manuals and tldr pages become folders; an ID database becomes one file. The
folder is named by what it is made of, the archive's hash and the selection, and is complete once its landing note is
written (landing.py). A list of packages has a module of its own (packages.py).
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kslm.errors import SourceError
from kslm.fetch.archives import (
    BUFFER,
    Entry,
    Limits,
    Readable,
    archive_entries,
    deb_control,
    is_deb,
    open_plain,
    refuse,
    tar_entries,
)
from kslm.fetch.zips import is_zip, zip_entries
from kslm.profile import Source
from kslm.published import write_atomically
from kslm.report import Task

MODULE_FILE = re.compile(r"[^/]+\.ko(\.(xz|zst|gz))?|modules\.[^/]+")
_KERNEL_TARBALL = re.compile(r"usr/src/linux-source-[^/]+\.tar(\.\w+)?")
_MODULE_PATH = re.compile(r"(?:.*/)?lib/modules/([^/]+)/(.+)")
_MAN_PATH = re.compile(r"(?:.*/)?(?:share/)?man/(man[0-9a-z]+/[^/]+)")
# The English archive of a release has the platforms at its top, all others have them below pages/.
_TLDR_PATH = re.compile(
    r"(?:.*/)?pages(?:\.en)?/([a-z-]+/[^/]+\.md)|((?:android|common|freebsd|linux|netbsd|openbsd|osx|sunos)/[^/]+\.md)"
)
_ID_LINE = re.compile(rb"^[0-9a-f]{4}  \S", re.MULTILINE)
_MAKEFILE_VERSION = re.compile(r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*=[ \t]*(\S*)[ \t]*$", re.MULTILINE)
_IDS_VERSION = re.compile(rb"^#\s*Version:\s*(\S+)", re.MULTILINE)
_TAR_BLOCK = 512


@dataclass(frozen=True)
class Unpacked:
    """What a source consists of.

    Attributes:
        members: the folder, file or tar that ingest reads.
        index: of a tar, the JSON list of [name, offset of the data, bytes].
        version: as found inside, if anywhere.
        package: Debian package it came in, if any.
    """

    members: Path
    index: Path | None = None
    version: str | None = None
    package: str | None = None


def unpack(source: Source, file: Path, folder: Path, task: Task) -> Unpacked:
    """Unpack `file` into `folder`, which is empty.

    Raises:
        SourceError: the archive is unsound or too large, or holds nothing of the source's kind.
    """
    control = deb_control(file) if is_deb(file) else {}
    limits = Limits(source.max_bytes)
    if source.kind == "kernel_tree":
        parts = write_tree(_tree_entries(file, limits, task), folder, source, file.name)
    elif source.kind in ("pci_ids", "usb_ids"):
        parts = _unpack_ids(source, file, folder, limits, task)
    elif source.kind == "kernel_modules":
        parts = unpack_folder(source, archive_entries(file, limits, task), folder / "modules", _module_names(file.name))
    elif source.kind == "man_pages":
        parts = unpack_folder(source, archive_entries(file, limits, task), folder / "man", _man_name)
    elif source.kind == "tldr":
        entries = (zip_entries if is_zip(file) else archive_entries)(file, limits, task)
        parts = unpack_folder(source, entries, folder / "pages", tldr_name)
    else:
        raise SourceError(
            f"cannot use {file.name}", cause=f"one file is not a place for a source of kind {source.kind}"
        )
    return Unpacked(parts.members, parts.index, parts.version or control.get("Version"), control.get("Package"))


def matcher(source: Source) -> Callable[[str], bool]:
    """Whether a name is among the source's include globs (all, if there are none) and not its exclude globs."""
    wanted = re.compile("|".join(fnmatch.translate(glob) for glob in source.include)) if source.include else None
    unwanted = re.compile("|".join(fnmatch.translate(glob) for glob in source.exclude)) if source.exclude else None

    def matches(name: str) -> bool:
        return (wanted is None or bool(wanted.match(name))) and not (unwanted and unwanted.match(name))

    return matches


def write_tree(entries: Iterable[Entry], folder: Path, source: Source, origin: str) -> Unpacked:
    """Write selected entries to `tree.tar`, uncompressed, and after it `tree.index.json`.

    The tar depends on names and content alone: owners, times and modes are not carried over.

    Raises:
        SourceError: nothing was selected.
    """
    tree, index = folder / "tree.tar", folder / "tree.index.json"
    matches = matcher(source)
    rows: list[tuple[str, int, int]] = []
    version = None
    with tarfile.open(tree, "w", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            head = b""
            if entry.name == "Makefile":
                head = entry.stream.read(1 << 16)
                version = _kernel_version(head.decode("utf-8", "replace"))
            if not matches(entry.name):
                continue
            info = tarfile.TarInfo(entry.name)
            info.size = entry.size
            with one_cause(origin, entry):
                tar.addfile(info, _Rejoined(head, entry.stream))  # type: ignore[arg-type]  # read() is all it needs
            rows.append((entry.name, tar.offset - -(-entry.size // _TAR_BLOCK) * _TAR_BLOCK, entry.size))
    if not rows:
        raise refuse(origin, "none of its files is selected by the source's include and exclude")
    write_atomically(index, json.dumps(rows))
    return Unpacked(tree, index, version)


def _tree_entries(file: Path, limits: Limits, task: Task) -> Iterator[Entry]:
    """Files of a kernel tree without their top folder, from a tarball or the tarball inside a .deb."""
    if not is_deb(file):
        yield from _without_top(archive_entries(file, limits, task), file.name)
        return
    for entry in archive_entries(file, limits, task):
        if _KERNEL_TARBALL.fullmatch(entry.name):
            yield from _without_top(tar_entries(entry.stream, entry.size, entry.name, limits), entry.name)
            return
    raise refuse(file.name, "no usr/src/linux-source-*.tar in it")


def _without_top(entries: Iterable[Entry], archive: str) -> Iterator[Entry]:
    top: str | None = None
    for entry in entries:
        head, _, rest = entry.name.partition("/")
        if top is None:
            top = head if rest else ""
        if top and (head != top or not rest):
            raise refuse(archive, f"{entry.name!r} lies outside its top folder {top!r}")
        yield entry._replace(name=rest) if top else entry


def _kernel_version(makefile: str) -> str | None:
    parts = dict(_MAKEFILE_VERSION.findall(makefile))
    if not parts.get("VERSION"):
        return None
    numbers = [parts[key] for key in ("VERSION", "PATCHLEVEL", "SUBLEVEL") if parts.get(key)]
    return ".".join(numbers) + parts.get("EXTRAVERSION", "")


def unpack_folder(
    source: Source, entries: Iterable[Entry], folder: Path, place: Callable[[str], str | None]
) -> Unpacked:
    """Write the entries that `place` gives a name, below `folder`."""
    matches = matcher(source)
    written = 0
    for entry in entries:
        name = place(entry.name)
        if name is None or not matches(name):
            continue
        with one_cause(folder.parent.name, entry):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            copy(entry.stream, folder / name)
        written += 1
    if not written:
        raise SourceError(f"nothing of kind {source.kind} in the archive", cause="no member has a fitting name")
    return Unpacked(folder)


def _module_names(archive: str) -> Callable[[str], str | None]:
    """Names below lib/modules/<release>/; the files of one kernel only."""
    release: str | None = None

    def place(name: str) -> str | None:
        nonlocal release
        path = _MODULE_PATH.fullmatch(name)
        if path is None or not MODULE_FILE.fullmatch(name.rpartition("/")[2]):
            return None
        release = release or path[1]
        if path[1] != release:
            raise refuse(archive, f"modules of more than one kernel in it: {release} and {path[1]}")
        return path[2]

    return place


def _man_name(name: str) -> str | None:
    """man7/x.7.gz for an English page; translated pages lie one folder deeper and give None."""
    path = _MAN_PATH.fullmatch(name)
    return path[1] if path else None


def tldr_name(name: str) -> str | None:
    """linux/ip.md for an English page; the other languages' folders (pages.fr/) give None."""
    path = _TLDR_PATH.fullmatch(name)
    return path[1] or path[2] if path else None


def _unpack_ids(source: Source, file: Path, folder: Path, limits: Limits, task: Task) -> Unpacked:
    """The ID list itself, from a .deb, or as a file that may be compressed."""
    wanted = source.kind.replace("_", ".")
    out = folder / wanted
    if is_deb(file):
        entries = (entry for entry in archive_entries(file, limits, task) if entry.name.endswith(f"/{wanted}"))
        entry = next(entries, None)
        if entry is None:
            raise refuse(file.name, f"no {wanted} in it")
        copy(entry.stream, out)
    else:
        with file.open("rb") as raw:
            copy(open_plain(raw, file.stat().st_size, file.name, limits), out)
    with out.open("rb") as stream:
        head = stream.read(BUFFER)
    if not _ID_LINE.search(head):
        raise refuse(file.name, f"not a {wanted}: no line like '8086  Intel Corporation' at its beginning")
    version = _IDS_VERSION.search(head)
    return Unpacked(out, version=version[1].decode("ascii", "replace") if version else None)


def copy(stream: Readable, out: Path) -> None:
    """Write a stream to a file."""
    with out.open("wb") as target:
        while data := stream.read(BUFFER):
            target.write(data)


class _Rejoined:
    """A stream whose first bytes were already read."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int) -> bytes:
        data, self._head = self._head[:size], self._head[size:]
        return data + self._rest.read(size - len(data)) if len(data) < size else data


@contextmanager
def one_cause(archive: str, entry: Entry) -> Iterator[None]:
    """Name the member at fault; a full disk is not the archive's fault and passes."""
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        raise refuse(archive, f"{entry.name!r} is both a file and a folder") from None
    except OSError as error:
        if error.errno is None:  # tarfile: fewer bytes than the header promised
            raise refuse(archive, f"cut short inside {entry.name!r}: {error}") from None
        raise


def folder_entries(root: Path, matches: Callable[[str], bool]) -> Iterator[Entry]:
    """Regular files below a local folder, in order of their names; links and version-control folders are left out."""
    for name, path in folder_files(root):
        if matches(name) or name == "Makefile":
            with path.open("rb") as stream:
                yield Entry(name, os.fstat(stream.fileno()).st_size, stream)


def folder_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Relative name and path of each regular file below `root`, in order; links are not followed."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name != ".git")
        for file in sorted(files):
            path = Path(folder, file)
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix(), path
