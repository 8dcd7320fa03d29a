"""Debian packages through the machine's own apt configuration, without root and without installing them.

Mirrors, keys and proxies are apt's business, so no address stands in this code. Lists, caches and downloads are ours,
on local disk, because apt locks and changes modes there; dpkg's status is only read. An update in which one repository
fails is good enough if the package is in another one. What apt downloads is checked against the SHA-256 of its signed
lists, by apt and once more here.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from kslm.errors import SourceError
from kslm.fetch.debian import Debian, Package, packages_in, some
from kslm.report import Task

_POLL_SECONDS = 0.3
_BATCH = 50  # packages of one apt-get call: a broken connection loses no more than their unfinished files
_STATUS = Path("/var/lib/dpkg/status")


class Apt(Debian):
    """apt-get and apt-cache with folders of our own."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._updated = False
        self._trouble = ""

    def _update(self, name: str) -> None:
        if not shutil.which("apt-get") or not shutil.which("apt-cache"):
            raise SourceError(
                f"cannot get Debian package {name}",
                cause="there is no apt-get on this machine, and KSLM_DEBIAN_MIRROR names no mirror to use instead",
                remedy="set KSLM_DEBIAN_MIRROR (https://...) and KSLM_DEBIAN_KEYRING",
            )
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

    def _candidates(self, names: Sequence[str]) -> dict[str, Package]:
        # Its complaints about unknown names would stand amid the paragraphs.
        text = self._run("apt-cache", "show", "--no-all-versions", *names, complaints=False)
        known: dict[str, Package] = {}
        for package in packages_in(text.splitlines()):
            if package.name in names:
                known.setdefault(package.name, package)
        return known

    def _no_candidate(self, names: str) -> SourceError:
        cause = "no candidate in the machine's package lists"
        return SourceError(
            f"cannot get Debian package {names}", cause=f"{cause}; {self._trouble}" if self._trouble else cause
        )

    def _download(self, packages: list[Package], task: Task) -> None:
        for start in range(0, len(packages), _BATCH):
            self._download_batch(packages[start : start + _BATCH], task)

    def _download_batch(self, packages: list[Package], task: Task) -> None:
        log = self._folder / "download.log"
        size = sum(package.size for package in packages)
        with log.open("wb") as out:
            running = subprocess.Popen(
                self._command("apt-get", "-q", "download", *(f"{deb.name}={deb.version}" for deb in packages)),
                cwd=self._downloads, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=_environment(),
            )  # fmt: skip
            try:
                seen = 0
                while running.poll() is None:
                    time.sleep(_POLL_SECONDS)
                    now = sum(_size(path) for deb in packages for path in self._downloads.glob(f"{deb.name}_*"))
                    if seen < now <= size:
                        task.advance(now - seen)
                        seen = now
            finally:
                running.kill()
                running.wait()
        if running.returncode:
            text = log.read_text("utf-8", "replace")
            if "No space left on device" in text:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._downloads))
            raise SourceError(
                f"cannot get Debian package {some([deb.name for deb in packages])}",
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
