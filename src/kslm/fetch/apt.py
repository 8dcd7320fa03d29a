"""Debian packages by name, through the machine's own apt configuration, without root and without installing them.

Mirrors, keys and proxies are apt's business, so no address stands in this code. Lists and caches are ours, below
KSLM_HOME; dpkg's status is only read. An update in which one repository fails is good enough if the package is in
another one. What apt downloads is checked against the SHA-256 of its signed lists, by apt and once more here.

Limits: a metapackage is followed to one package; Ubuntu's `linux-modules-extra-*` is not fetched beside
`linux-modules-*`.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from debian.deb822 import Packages

from kslm.errors import SourceError
from kslm.published import file_sha256
from kslm.report import Task

_MOST_HOPS = 5
_POLL_SECONDS = 0.3
_BATCH = 50  # packages of one apt-get call: a broken connection loses no more than their unfinished files
_KERNEL_PACKAGE = {
    "kernel_tree": re.compile(r"linux-source-\d"),
    "kernel_modules": re.compile(r"linux-(image|modules)-\d"),
}
_STATUS = Path("/var/lib/dpkg/status")


@dataclass(frozen=True)
class Package:
    """A candidate as apt's lists have it: name, source package, version, and its file's bytes and SHA-256."""

    name: str
    source: str
    version: str
    size: int
    sha256: str
    depends: tuple[str, ...]


@dataclass(frozen=True)
class Fetched:
    """Several packages: each one's .deb, the names without a candidate, and the bytes transferred this time."""

    files: tuple[tuple[Path, Package], ...]
    missing: tuple[str, ...]
    transferred: int


class Apt:
    """apt-get and apt-cache with folders of our own; lists are updated once, on first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._updated = False
        self._trouble = ""

    def fetch(self, name: str, kind: str, folder: Path, *, max_bytes: int, task: Task) -> tuple[Path, Package, int]:
        """Download the package, or the one its metapackage stands for, into `folder`.

        Returns:
            The .deb, what apt's lists say of it, and the bytes transferred: 0 if it was there already.

        Raises:
            SourceError: no apt, no candidate, no connection, or too large; the cause says which.
            OSError: the disk is full.
        """
        self._update(name)
        package = self._resolve(name, _KERNEL_PACKAGE.get(kind))
        ((there, _),), transferred = self._get([package], folder, max_bytes, task)
        return there, package, transferred

    def fetch_all(self, names: Sequence[str], folder: Path, *, max_bytes: int, task: Task) -> Fetched:
        """Download these packages into `folder`, those that are there already excepted.

        Raises:
            SourceError: no apt, no candidate for any of them, no connection, or too large together.
            OSError: the disk is full.
        """
        self._update(names[0])
        candidates = self._candidates(names)
        if not candidates:
            raise self._no_candidate(", ".join(names[:5]) + (" ..." if len(names) > 5 else ""))
        wanted = [candidates[name] for name in sorted(set(names)) if name in candidates]
        files, transferred = self._get(wanted, folder, max_bytes, task)
        return Fetched(tuple(files), tuple(sorted(set(names) - set(candidates))), transferred)

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
        folder.mkdir(parents=True, exist_ok=True)
        task.update(total=size, note=f"{packages[0].name} {packages[0].version}" if len(packages) == 1 else what)
        there = {package: self._find(package, folder) for package in packages}
        absent = [package for package, path in there.items() if path is None]
        task.advance(size - sum(package.size for package in absent))
        for start in range(0, len(absent), _BATCH):
            self._download(absent[start : start + _BATCH], folder, task)
        files = [(path or self._find(package, folder), package) for package, path in there.items()]
        whole = [(path, package) for path, package in files if path is not None]
        if len(whole) < len(files):
            names = ", ".join(package.name for path, package in files if path is None)
            raise SourceError(
                f"cannot get Debian package {names}", cause="apt-get left no file with the listed SHA-256"
            )
        return whole, sum(package.size for package in absent)

    def _update(self, name: str) -> None:
        if not shutil.which("apt-get") or not shutil.which("apt-cache"):
            raise SourceError(f"cannot get Debian package {name}", cause="there is no apt-get on this machine")
        if self._updated:
            return
        self._updated = True
        for path in ("lists/partial", "cache/archives/partial"):
            (self._folder / path).mkdir(parents=True, exist_ok=True)
        status = _STATUS
        if not os.access(_STATUS, os.R_OK):
            status = self._folder / "status"
            status.touch()
        lines = [
            f'Dir::State "{self._folder}";',
            f'Dir::State::Lists "{self._folder}/lists";',
            f'Dir::State::Status "{status}";',
            f'Dir::Cache "{self._folder}/cache";',
            # Containers switch these off, and then every call parses all lists again.
            'Dir::Cache::pkgcache "pkgcache.bin";',
            'Dir::Cache::srcpkgcache "srcpkgcache.bin";',
            'Acquire::Languages "none";',
            'Acquire::Retries "2";',
            'Acquire::http::Timeout "15";',
            'Acquire::https::Timeout "15";',
            # The machine's hooks are for its own lists, and need its root.
            "#clear APT::Update::Pre-Invoke;",
            "#clear APT::Update::Post-Invoke;",
            "#clear APT::Update::Post-Invoke-Success;",
        ]
        if os.geteuid() == 0:  # apt would change to a user who may not write below our folder
            lines.append('APT::Sandbox::User "root";')
        (self._folder / "apt.conf").write_text("\n".join(lines) + "\n", "utf-8")
        self._trouble = _complaints(self._run("apt-get", "-q", "update"))

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

    def _candidates(self, names: Sequence[str]) -> dict[str, Package]:
        """What apt's lists say of these packages, by one call; a name without a candidate is not in it."""
        # Its complaints about unknown names would stand amid the paragraphs.
        text = self._run("apt-cache", "show", "--no-all-versions", *names, complaints=False)
        known: dict[str, Package] = {}
        for stanza in Packages.iter_paragraphs(text.splitlines(), use_apt_pkg=False):
            name = stanza.get("Package", "")
            if name not in names or name in known or not stanza.get("SHA256") or not stanza.get("Size", "").isdigit():
                continue
            depends = tuple(str(choice[0]["name"]) for choice in stanza.relations["depends"] or ())
            source = stanza.get("Source", name).partition(" ")[0]
            known[name] = Package(
                name, source, stanza["Version"], int(stanza["Size"]), stanza["SHA256"].lower(), depends
            )
        return known

    def _no_candidate(self, name: str) -> SourceError:
        cause = "no candidate in the machine's package lists"
        return SourceError(
            f"cannot get Debian package {name}", cause=f"{cause}; {self._trouble}" if self._trouble else cause
        )

    @staticmethod
    def _find(package: Package, folder: Path) -> Path | None:
        """The package's file, whole and unaltered."""
        for path in sorted(folder.glob(f"{package.name}_*.deb")):
            if path.stat().st_size == package.size and file_sha256(path) == package.sha256:
                return path
        return None

    def _download(self, packages: list[Package], folder: Path, task: Task) -> None:
        log = self._folder / "download.log"
        size = sum(package.size for package in packages)
        with log.open("wb") as out:
            running = subprocess.Popen(
                self._command("apt-get", "-q", "download", *(f"{deb.name}={deb.version}" for deb in packages)),
                cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=_environment(),
            )  # fmt: skip
            try:
                seen = 0
                while running.poll() is None:
                    time.sleep(_POLL_SECONDS)
                    now = sum(_size(path) for deb in packages for path in folder.glob(f"{deb.name}_*"))
                    if seen < now <= size:
                        task.advance(now - seen)
                        seen = now
            finally:
                running.kill()
                running.wait()
        if running.returncode:
            text = log.read_text("utf-8", "replace")
            if "No space left on device" in text:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
            some = ", ".join(deb.name for deb in packages[:5]) + (" ..." if len(packages) > 5 else "")
            raise SourceError(
                f"cannot get Debian package {some}",
                cause=_complaints(text) or f"apt-get download ended with {running.returncode}",
            )
        task.advance(size - seen)

    def _command(self, tool: str, *arguments: str) -> list[str]:
        # Should this process be killed, apt goes with it instead of writing on beside the next run.
        keeper = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
        return [*keeper, tool, "-c", str(self._folder / "apt.conf"), *arguments]

    def _run(self, tool: str, *arguments: str, complaints: bool = True) -> str:
        done = subprocess.run(
            self._command(tool, *arguments),
            cwd=self._folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if complaints else subprocess.DEVNULL, env=_environment(), check=False,
        )  # fmt: skip
        text = done.stdout.decode("utf-8", "replace")
        if "No space left on device" in text:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
        return text


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # apt-get renamed it meanwhile
        return 0


def _environment() -> dict[str, str]:
    return os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _complaints(text: str) -> str:
    """apt's errors and warnings of one call, in one line."""
    complaints = re.findall(r"^[EW]:\s*(.+)$", text, re.MULTILINE)
    return "; ".join(dict.fromkeys(complaints))[:400]
