"""Debian packages from a mirror, over https and without apt: for machines that have none, as on Databricks.

The user names the mirror, a suite and a keyring; nothing is trusted but what a key in it has signed. InRelease, signed,
lists Packages.xz with its SHA-256; that lists each package's file with its SHA-256; every file is held to its hash
before it is used. So the mirror itself need not be trusted, and an http one is as good as an https one.

Lists are those of architecture amd64 whatever the machine's own is: packages are read here and never run, and a profile
names amd64's kernel.

Limits: one suite and one component (main), so that what a security suite has newer comes with the next point release;
lists with the packages of all architectures apart (`No-Support-for-Architecture-all` missing) are not put together.
"""

from __future__ import annotations

import lzma
import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from debian.debian_support import Version

from kslm.errors import SourceError
from kslm.fetch.debian import Debian, Package, packages_in, some
from kslm.fetch.download import download
from kslm.fetch.release import Release, verified
from kslm.published import file_sha256
from kslm.report import Task

_LIST = "main/binary-amd64/Packages"
_LARGEST_RELEASE = 16 << 20
_LARGEST_LIST = 1 << 30
_NAME = re.compile(rb"^Package:[ \t]*(\S+)", re.MULTILINE)


class Mirror(Debian):
    """One suite of a Debian mirror.

    Args:
        folder: for lists and unfinished files, on local disk.
        url: of the folder that holds `dists` and `pool`.
        suite: a suite or codename, such as stable or trixie.
        keyring: OpenPGP certificates of those who sign the suite.
    """

    def __init__(self, folder: Path, url: str, suite: str, keyring: Path | None) -> None:
        super().__init__(folder)
        self._url, self._suite, self._keyring = url.rstrip("/"), suite, keyring
        self._paragraphs: dict[str, list[bytes]] = {}
        self._trouble: SourceError | None = None

    def _update(self, name: str) -> None:
        if not self._paragraphs and self._trouble is None:
            try:
                self._paragraphs = paragraphs_by_name(self._list(self._release()))
            except SourceError as error:
                self._trouble = error
        if self._trouble is not None:  # said for each package, but the mirror is asked once
            trouble = self._trouble
            cause = f"{trouble.problem}: {trouble.cause}" if trouble.cause else trouble.problem
            cause = f"mirror {self._url}, suite {self._suite}: {cause}"
            if trouble.remedy:
                cause += f"; {trouble.remedy}"
            raise SourceError(f"cannot get Debian package {name}", cause=cause, remedy=trouble.remedy)

    def _release(self) -> Release:
        if self._keyring is None:
            raise SourceError(
                "nothing says whose signature to trust",
                remedy="set KSLM_DEBIAN_KEYRING to a file of OpenPGP keys, such as debian-archive-keyring.gpg",
            )
        url = f"{self._url}/dists/{self._suite}/InRelease"
        file = self._fetch(url, self._folder / "lists" / self._suite, _LARGEST_RELEASE, Task(), anew=True)
        return verified(file.read_bytes(), self._keyring, self._suite, datetime.now(UTC))

    def _list(self, release: Release) -> bytes:
        """The text of Packages: checked packed, and bounded unpacked by what the release says."""
        name = f"{_LIST}.xz"
        if name not in release.files or _LIST not in release.files:
            raise SourceError(f"the mirror's InRelease does not list {name}")
        sha256, size = release.files[name]
        unpacked = release.files[_LIST][1]
        if max(size, unpacked) > _LARGEST_LIST:
            raise SourceError(f"the mirror's {name} is larger than {_LARGEST_LIST:,} bytes")
        place = f"main/binary-amd64/by-hash/SHA256/{sha256}" if release.by_hash else name
        url = f"{self._url}/dists/{self._suite}/{place}"
        file = self._fetch(url, self._folder / "lists" / self._suite, size, Task())
        if file_sha256(file) != sha256:
            file.unlink()
            raise SourceError(f"the mirror's {name} is not what its InRelease lists", cause="another SHA-256")
        try:
            return lzma.LZMADecompressor().decompress(file.read_bytes(), max_length=unpacked)
        except lzma.LZMAError as error:
            raise SourceError(f"the mirror's {name} cannot be unpacked", cause=str(error)) from None

    def _candidates(self, names: Sequence[str]) -> dict[str, Package]:
        """The newest of each: a suite may hold several versions of a package."""
        newest: dict[str, Package] = {}
        for name in names:
            for paragraph in self._paragraphs.get(name, ()):
                package = package_of(paragraph)
                if package is None or package.name != name or not package.file:
                    continue
                if name not in newest or Version(newest[name].version) < Version(package.version):
                    newest[name] = package
        return newest

    def _no_candidate(self, names: str) -> SourceError:
        return SourceError(
            f"cannot get Debian package {names}", cause=f"no candidate in {self._suite} (main, amd64) of {self._url}"
        )

    def _download(self, packages: list[Package], task: Task) -> None:
        for package in packages:
            url = f"{self._url}/{quote(package.file)}"
            try:
                file = self._fetch(url, self._downloads, package.size, _Share(task))
            except SourceError as error:
                raise SourceError(
                    f"cannot get Debian package {some([package.name])}", cause=f"{error.problem}: {error.cause}"
                ) from None
            file.with_name(f"{file.name}.note.json").unlink()  # the lists know it better
            if file_sha256(file) != package.sha256:
                file.unlink()

    @staticmethod
    def _fetch(url: str, folder: Path, max_bytes: int, task: Task, *, anew: bool = False) -> Path:
        return download(url, folder, partial=folder, max_bytes=max_bytes, task=task, anew=anew).path


def paragraphs_by_name(text: bytes) -> dict[str, list[bytes]]:
    """The paragraphs of a Packages file by their package; what names none is left out."""
    found: dict[str, list[bytes]] = defaultdict(list)
    for paragraph in re.split(rb"\n[ \t]*\n", text):
        if name := _NAME.search(paragraph):
            found[name[1].decode("utf-8", "replace")].append(paragraph)
    return dict(found)


def package_of(paragraph: bytes) -> Package | None:
    """The package that one paragraph of a Packages file is about; None where it is no sound one."""
    try:
        package = next(iter(packages_in(paragraph.decode("utf-8", "replace").splitlines())), None)
        if package is not None:
            Version(package.version)
        return package
    except ValueError:
        return None


class _Share(Task):
    """One file of several: it advances the whole's task, and says nothing of its own total."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def advance(self, amount: float = 1) -> None:
        self._task.advance(amount)
