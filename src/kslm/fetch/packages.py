"""A declared list of Debian packages: their documentation, configuration and databases, one folder a package.

Only what a reader may want is unpacked: manual pages (not translated ones), HTML and text below share/doc, files below
/etc, udev's hwdb, systemd's message catalog, pnp.ids; of these what the source's include and exclude select by
`<package>/<path>`. The reader (`kslm.sources.package_docs`) is choosier. The copyright file always stays with them,
because the package's licence is read from it. Names are kept as they are, compression suffixes too.

A package without a candidate, or whose archive is refused, is left out and named with a reason, which ingest writes to
bronze.quarantine; only a list of which nothing is left fails. Each .deb is held to the source's limits by itself, and
what is kept of all of them together to its max_bytes.

Limits: links are not followed; files above 16 MiB are left out.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from debian.debian_support import Version

from kslm.errors import SourceError
from kslm.fetch.archives import Entry, Limits, archive_entries, deb_control, is_deb
from kslm.fetch.debian import Debian
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
from kslm.fetch.places import local_path
from kslm.fetch.unpack import Unpacked, copy, folder_files, matcher, one_cause
from kslm.outputs import FetchedPackage, FetchedSource, LeftOut
from kslm.profile import Place, Source
from kslm.published import file_sha256
from kslm.report import Task
from kslm.sources.debian_copyright import licence_of

LARGEST = 16 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_COPYRIGHT = re.compile(r"usr/share/doc/[^/]+/copyright")
# Some of Debian's books lie beside share/doc: debian-reference, developers-reference.
_WANTED = re.compile(
    r"usr/share/man/man[0-9a-z]+/[^/]+"
    r"|usr/share/(?:doc|[a-z]+-reference)/(?:.+/)?"
    r"(?:[^/]+\.(?:x?html?|txt|md|rst)|[^/]+_README|(?:README|NEWS|FAQ|[A-Z]{5,})(?:[._-][^/]*)?)(?:\.(?:gz|xz))?"
    r"|etc/.+"
    r"|(?:usr/)?lib/udev/hwdb\.d/[^/]+\.hwdb"
    r"|usr/lib/systemd/catalog/systemd\.catalog"
    r"|usr/share/(?:misc|hwdata)/pnp\.ids"
)
_UNWANTED = re.compile(
    r".*(?:/changelog[^/]*|/_sources/.*|\.(?:pdf|ps|dvi|info|png|gif|jpe?g|svg|css|js)(?:\.gz)?)", re.IGNORECASE
)


@dataclass(frozen=True)
class _Package:
    """One package: a .deb, or the root folder of an unpacked one; `source` is the source package it was made of."""

    name: str
    source: str
    version: str
    sha256: str
    bytes: int
    place: Path


def obtain(
    place: Place, source: Source, folder: SourceFolder, debian: Debian, *, task: Task, before: Landed | None = None
) -> Landed:
    """Get the packages from this place into `folder`, unpacked.

    Args:
        before: what has landed already; the place is looked at again, and if it still holds that, it stays.

    Raises:
        SourceError: none of them can be had here, or together they exceed the source's max_bytes.
        OSError: a local path cannot be read, or the disk is full.
    """
    left_out: list[LeftOut] = []
    transferred = 0
    if place.https is not None:
        raise SourceError(f"cannot use {place.https}", cause="packages are named, or lie below a local path")
    if place.path is not None:
        path = local_path(place.path)
        packages, left_out = _local(source, path)
        origin = f"file:{path}"
    else:
        names = (place.debian,) if isinstance(place.debian, str) else place.debian or ()
        path = folder.path / "download"
        debs = debian.fetch_all(names, path, max_bytes=source.max_bytes, task=task)
        packages = [_Package(deb.name, deb.source, deb.version, deb.sha256, deb.size, file) for file, deb in debs.files]
        left_out = [LeftOut(name, "no candidate in the package lists: left out") for name in debs.missing]
        origin, transferred = "debian:" + (names[0] if len(names) == 1 else f"{len(names)} packages"), debs.transferred
    content = _content(packages)
    if before is not None and unchanged(before, content.sha256, origin):
        return before
    target = folder.path / key_of(source, content.sha256)
    unpacked = all_or_nothing(target, lambda: _unpack(packages, source, target, left_out, task))
    usable = {package.name: package for package in packages if (unpacked.members / package.name).is_dir()}
    archives = [package.place for package in usable.values() if package.place.is_relative_to(folder.path)]
    version = next(iter(usable.values())).version if len(usable) == 1 else content.sha256[:12]
    landed = landed_from(
        source, content, unpacked, path=path, origin=origin, version=version, files=[*files_below(target), *archives]
    )
    landed.entry.packages = {
        name: FetchedPackage(source=package.source, version=package.version, sha256=package.sha256, bytes=package.bytes)
        for name, package in usable.items()
    }
    landed.entry.unreadable = tuple(left_out)
    landed.notes += left_out_notes("what was asked for", left_out)
    landed.transferred = transferred
    return landed


def content_of(source: Source, path: Path) -> Content:
    """Hash the packages at a local path, as `obtain` does."""
    return _content(_local(source, path)[0])


def state_licences(entry: FetchedSource, source: Source) -> None:
    """Give each package in a source's entry its `licence`: as its copyright file says, or else the declared one.

    A package whose doc folder is a link to another one's, which Debian allows for packages made of one source package,
    has the licence of such another one.
    """
    stated: dict[str, str] = {}
    for name, package in sorted(entry.packages.items()):
        docs = Path(entry.members, name, "usr", "share", "doc")
        files = [docs / name / "copyright", *sorted(docs.glob("*/copyright"))]
        text = next((file.read_text("utf-8", "replace") for file in files if file.is_file()), "")
        package.licence = licence_of(text)
        if package.licence:
            stated.setdefault(package.source, package.licence)
    for package in entry.packages.values():
        package.licence = package.licence or stated.get(package.source, source.licence)


def _content(packages: Iterable[_Package]) -> Content:
    rows = sorted((package.name, package.sha256, package.bytes) for package in packages)
    whole = hashlib.sha256("".join(f"{sha256} {name}\n" for name, sha256, _ in rows).encode())
    return Content(whole.hexdigest(), sum(size for *_, size in rows))


def _local(source: Source, path: Path) -> tuple[list[_Package], list[LeftOut]]:
    """Packages at a local path: a .deb, a folder of them, a root folder, or a folder of root folders."""
    if not path.exists():
        raise SourceError(f"cannot use {path}", cause="no such file or folder")
    if path.is_file():
        if not is_deb(path):
            raise SourceError(f"cannot use {path}", cause="not a Debian package")
        return [_of_deb(path)], []
    debs = sorted(path.glob("*.deb"))
    if debs:
        return _newest(debs)
    roots = [path] if _is_root(path) else sorted(child for child in path.iterdir() if _is_root(child))
    if not roots:
        raise SourceError(f"cannot use {path}", cause="no .deb and no unpacked package (usr/ or etc/) in it")
    return [_of_root(root, source) for root in roots], []


def _is_root(path: Path) -> bool:
    return bool(_NAME.fullmatch(path.name)) and any((path / name).is_dir() for name in ("usr", "etc", "lib"))


def _newest(debs: list[Path]) -> tuple[list[_Package], list[LeftOut]]:
    """Of each package in a folder the newest version."""
    newest: dict[str, _Package] = {}
    left_out: list[LeftOut] = []
    for deb in debs:
        try:
            package = _of_deb(deb)
        except SourceError as error:
            left_out.append(LeftOut(deb.name, f"{error.cause}: left out"))
            continue
        other = newest.get(package.name)
        if other is None or Version(other.version) < Version(package.version):
            newest[package.name], package = package, other or package
        if package is not newest[package.name]:
            left_out.append(LeftOut(package.place.name, "a newer version is in the same folder: left out"))
    if not newest:
        raise SourceError(f"cannot use {debs[0].parent}", cause=left_out[0].reason)
    return [newest[name] for name in sorted(newest)], left_out


def _of_deb(deb: Path) -> _Package:
    control = deb_control(deb)
    name, version = control.get("Package", ""), control.get("Version", "")
    if not _NAME.fullmatch(name) or not re.fullmatch(r"[0-9A-Za-z.+:~-]+", version):
        raise SourceError(f"cannot use {deb}", cause="its control file has no proper Package and Version")
    source = control.get("Source", name).partition(" ")[0]
    return _Package(name, source, version, file_sha256(deb), deb.stat().st_size, deb)


def _of_root(root: Path, source: Source) -> _Package:
    whole, total = hashlib.sha256(), 0
    select = _selector(root.name, source)
    for name, path in folder_files(root):
        if select(name):
            whole.update(f"{file_sha256(path)} {name}\n".encode("utf-8", "surrogateescape"))
            total += path.stat().st_size
    return _Package(root.name, root.name, "local", whole.hexdigest(), total, root)


def _selector(package: str, source: Source) -> Callable[[str], bool]:
    """Whether a path inside a package is unpacked."""
    matches = matcher(source)

    def select(path: str) -> bool:
        if _COPYRIGHT.fullmatch(path):
            return True
        if not _WANTED.fullmatch(path) or _UNWANTED.fullmatch(path):
            return False
        return matches(f"{package}/{path}")

    return select


def _unpack(packages: list[_Package], source: Source, target: Path, left_out: list[LeftOut], task: Task) -> Unpacked:
    """Each package into its folder; one that is refused leaves nothing behind."""
    members = target / "packages"
    members.mkdir()
    task.update(total=2 * sum(package.bytes for package in packages), note=f"unpacking {len(packages)} packages")
    budget = source.max_bytes
    for package in packages:
        try:
            written, large = _unpack_one(package, source, members / package.name, budget, task)
        except SourceError as error:
            shutil.rmtree(members / package.name, ignore_errors=True)
            left_out.append(LeftOut(package.name, f"{error.cause}: left out", package.bytes))
            continue
        left_out += large
        if not written:
            shutil.rmtree(members / package.name, ignore_errors=True)
            left_out.append(LeftOut(package.name, "nothing in it is selected: left out", package.bytes))
        budget -= written
    if not any(members.iterdir()):
        raise SourceError("no package can be used", cause=left_out[0].reason)
    return Unpacked(members)


def _unpack_one(package: _Package, source: Source, folder: Path, budget: int, task: Task) -> tuple[int, list[LeftOut]]:
    """The bytes of documents written, copyright files not counted, and the files too large for it."""
    select = _selector(package.name, source)
    written, large = 0, []
    for entry in _entries(package, source, task):
        if not select(entry.name):
            continue
        if entry.size > LARGEST:
            large.append(LeftOut(f"{package.name}/{entry.name}", "larger than 16 MiB: left out", entry.size))
            continue
        if written + entry.size > budget:
            raise SourceError(f"cannot use {package.name}", cause="beyond the source's max_bytes")
        with one_cause(package.place.name, entry):
            (folder / entry.name).parent.mkdir(parents=True, exist_ok=True)
            copy(entry.stream, folder / entry.name)
        written += 0 if _COPYRIGHT.fullmatch(entry.name) else entry.size
    return written, large


def _entries(package: _Package, source: Source, task: Task) -> Iterator[Entry]:
    if package.place.is_file():
        yield from archive_entries(package.place, Limits(source.max_bytes), task)
        return
    for name, path in folder_files(package.place):
        with path.open("rb") as stream:
            size = path.stat().st_size
            yield Entry(name, size, stream)
        task.advance(size)
