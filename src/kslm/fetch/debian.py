"""Debian packages by name: what the machine's apt (apt.py) and a mirror over https (mirror.py) have in common.

A package is downloaded into a folder on local disk and moved to where it lands once it is what the signed lists say,
by size and SHA-256. The lists decide what is had, not the way, so both ways to the same lists land the same bytes.

Limits: a metapackage is followed to one package; Ubuntu's `linux-modules-extra-*` is not fetched beside
`linux-modules-*`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Packages

from kslm.errors import SourceError
from kslm.published import file_sha256
from kslm.report import Task
from kslm.scratch import move

_MOST_HOPS = 5
_KERNEL_PACKAGE = {
    "kernel_tree": re.compile(r"linux-source-\d"),
    "kernel_modules": re.compile(r"linux-(image|modules)-\d"),
}


@dataclass(frozen=True)
class Package:
    """A candidate as the lists have it: name, source package, version, and its file's place, bytes and SHA-256."""

    name: str
    source: str
    version: str
    file: str
    size: int
    sha256: str
    depends: tuple[str, ...]


@dataclass(frozen=True)
class Fetched:
    """Several packages: each one's .deb, the names without a candidate, and the bytes transferred this time."""

    files: tuple[tuple[Path, Package], ...]
    missing: tuple[str, ...]
    transferred: int


class Debian(ABC):
    """Packages by name. Lists are looked at once, on first use.

    Args:
        folder: for lists and unfinished files; on local disk, and kept between runs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._downloads = folder / "download"

    def fetch(self, name: str, kind: str, folder: Path, *, max_bytes: int, task: Task) -> tuple[Path, Package, int]:
        """Download the package, or the one its metapackage stands for, into `folder`.

        Returns:
            The .deb, what the lists say of it, and the bytes transferred: 0 if it was there already.

        Raises:
            SourceError: no lists, no candidate, no connection, or too large; the cause says which.
            OSError: the disk is full.
        """
        self._update(name)
        package = self._resolve(name, _KERNEL_PACKAGE.get(kind))
        ((there, _),), transferred = self._get([package], folder, max_bytes, task)
        return there, package, transferred

    def fetch_all(self, names: Sequence[str], folder: Path, *, max_bytes: int, task: Task) -> Fetched:
        """Download these packages into `folder`, those that are there already excepted.

        Raises:
            SourceError: no lists, no candidate for any of them, no connection, or too large together.
            OSError: the disk is full.
        """
        self._update(names[0])
        candidates = self._candidates(names)
        if not candidates:
            raise self._no_candidate(some(names))
        wanted = [candidates[name] for name in sorted(set(names)) if name in candidates]
        files, transferred = self._get(wanted, folder, max_bytes, task)
        return Fetched(tuple(files), tuple(sorted(set(names) - set(candidates))), transferred)

    @abstractmethod
    def _update(self, name: str) -> None:
        """Bring the lists up to date, once; `name` is the package to name in an error."""

    @abstractmethod
    def _candidates(self, names: Sequence[str]) -> dict[str, Package]:
        """What the lists say of these packages; a name without a candidate is not in it."""

    @abstractmethod
    def _download(self, packages: list[Package], task: Task) -> None:
        """Bring these packages' files into the folder of downloads, and advance the task by what comes."""

    @abstractmethod
    def _no_candidate(self, names: str) -> SourceError:
        """The error for names that the lists do not have."""

    def _get(
        self, packages: list[Package], folder: Path, max_bytes: int, task: Task
    ) -> tuple[list[tuple[Path, Package]], int]:
        """Each package's file, and the bytes transferred; what an earlier run downloaded counts as progress."""
        what = f"Debian package {packages[0].name}" if len(packages) == 1 else f"{len(packages)} Debian packages"
        size = sum(package.size for package in packages)
        if size > max_bytes:
            raise SourceError(
                f"cannot get {what}", cause=f"{size:,} bytes are more than the source's max_bytes, {max_bytes:,}"
            )
        task.update(total=size, note=f"{packages[0].name} {packages[0].version}" if len(packages) == 1 else what)
        there = {package: find(package, folder) or self._finished(package, folder) for package in packages}
        absent = [package for package, path in there.items() if path is None]
        task.advance(size - sum(package.size for package in absent))
        if absent:
            self._downloads.mkdir(parents=True, exist_ok=True)
            self._download(absent, task)
        files = [(path or self._finished(package, folder), package) for package, path in there.items()]
        whole = [(path, package) for path, package in files if path is not None]
        if len(whole) < len(files):
            names = ", ".join(package.name for path, package in files if path is None)
            raise SourceError(
                f"cannot get Debian package {names}", cause="what was downloaded has not the listed SHA-256"
            )
        return whole, sum(package.size for package in absent)

    def _finished(self, package: Package, folder: Path) -> Path | None:
        """Move a downloaded file to where it lands, if it is whole and unaltered."""
        file = find(package, self._downloads)
        if file is None:
            return None
        move(file, folder / file.name)
        return folder / file.name

    def _resolve(self, name: str, real: re.Pattern[str] | None) -> Package:
        """Follow a kernel metapackage's dependencies to the versioned package."""
        package = self._candidate(name)
        for _ in range(_MOST_HOPS):
            following = [d for d in package.depends if real and real.match(d) and d != package.name]
            if not following:
                break
            package = self._candidate(following[0])
        return package

    def _candidate(self, name: str) -> Package:
        package = self._candidates([name]).get(name)
        if package is None:
            raise self._no_candidate(name)
        return package


def packages_in(paragraphs: Iterable[str]) -> Iterable[Package]:
    """The packages of which a list's lines (of the format of `Packages` files, deb822(5)) say all that is needed."""
    for stanza in Packages.iter_paragraphs(paragraphs, use_apt_pkg=False):
        name, size = stanza.get("Package", ""), stanza.get("Size", "")
        if not name or not stanza.get("Version") or not stanza.get("SHA256") or not re.fullmatch(r"[0-9]{1,15}", size):
            continue
        depends = tuple(str(choice[0]["name"]) for choice in stanza.relations["depends"] or ())
        yield Package(
            name=name,
            source=stanza.get("Source", name).partition(" ")[0],
            version=stanza["Version"],
            file=stanza.get("Filename", ""),
            size=int(size),
            sha256=stanza["SHA256"].lower(),
            depends=depends,
        )


def find(package: Package, folder: Path) -> Path | None:
    """The package's file in a folder, whole and unaltered."""
    for path in sorted(folder.glob(f"{package.name}_*.deb")):
        if path.stat().st_size == package.size and file_sha256(path) == package.sha256:
            return path
    return None


def some(names: Sequence[str]) -> str:
    """The first few names, in words."""
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
