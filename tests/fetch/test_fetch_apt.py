import errno
import os
import stat
from pathlib import Path

import pytest
from fetch_makers import TASK, deb, kernel_files, sha256, tar, topped

from kslm.errors import SourceError
from kslm.fetch.apt import Apt

APT_GET = """#!/bin/sh
# Stands in for apt-get: `update`, and `download NAME=VERSION` out of a pool folder.
echo "$@" >> "$POOL/calls"
for last in "$@"; do :; done
case "$*" in
*update*)
    [ -e "$POOL/broken" ] && { echo "E: Failed to fetch one repository"; exit 100; }
    exit 0 ;;
*download*)
    [ -e "$POOL/full" ] && { echo "E: write - write (28: No space left on device)"; exit 100; }
    [ -e "$POOL/offline" ] && { echo "Err:1 deb"; echo "E: Could not connect to the mirror"; exit 100; }
    cp "$POOL/${last%%=*}"_*.deb . ;;
esac
"""
APT_CACHE = """#!/bin/sh
echo "$@" >> "$POOL/calls"
for last in "$@"; do :; done
[ -e "$POOL/$last.show" ] || { echo "E: No packages found"; exit 100; }
cat "$POOL/$last.show"
"""


class Pool:
    """A folder of packages, and fake tools on PATH that serve it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "pool"
        self.folder.mkdir(parents=True)
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE)):
            (bin_folder / name).write_text(text)
            (bin_folder / name).chmod((bin_folder / name).stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("POOL", str(self.folder))
        monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")

    def add(self, name: str, data: bytes, depends: str = "", listed: bytes | None = None) -> None:
        (self.folder / f"{name}_6.1-1_all.deb").write_bytes(data)
        promised = data if listed is None else listed
        (self.folder / f"{name}.show").write_text(
            f"Package: {name}\nVersion: 6.1-1\nDepends: {depends or 'libc6'}\n"
            f"Size: {len(promised)}\nSHA256: {sha256(promised)}\n"
        )

    def calls(self, word: str) -> int:
        return sum(word in line for line in (self.folder / "calls").read_text().splitlines())


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    return Pool(tmp_path, monkeypatch)


def get(apt: Apt, name: str, folder: Path, kind: str = "pci_ids", max_bytes: int = 1 << 20) -> tuple[Path, str, int]:
    path, package, transferred = apt.fetch(name, kind, folder, max_bytes=max_bytes, task=TASK)
    return path, package.name, transferred


def test_a_package_is_downloaded_once_and_lists_are_updated_once(pool: Pool, tmp_path: Path) -> None:
    data = deb("pci.ids", "6.1-1", {"usr/share/misc/pci.ids": b"x"})
    pool.add("pci.ids", data)
    apt = Apt(tmp_path / "apt")
    path, name, transferred = get(apt, "pci.ids", tmp_path / "got")
    assert (path.read_bytes(), name, transferred) == (data, "pci.ids", len(data))
    assert get(apt, "pci.ids", tmp_path / "got") == (path, "pci.ids", 0)
    assert (pool.calls("update"), pool.calls(" download ")) == (1, 1)


def test_nothing_outside_our_folders_is_written_to(pool: Pool, tmp_path: Path) -> None:
    pool.add("pci.ids", b"data")
    get(Apt(tmp_path / "apt"), "pci.ids", tmp_path / "got")
    conf = (tmp_path / "apt" / "apt.conf").read_text()
    for key in ("Dir::State", "Dir::State::Lists", "Dir::Cache"):
        assert f'{key} "{tmp_path}/apt' in conf
    lines = (pool.folder / "calls").read_text().splitlines()
    assert all(line.startswith(f"-c {tmp_path}/apt/apt.conf ") for line in lines)


def test_kernel_metapackages_are_followed(pool: Pool, tmp_path: Path) -> None:
    tree = deb("linux-source-6.1", "6.1-1", {"usr/src/linux-source-6.1.tar": tar(topped(kernel_files()))})
    pool.add("linux-source", b"meta", "linux-source-6.1 (= 6.1-1)")
    pool.add("linux-source-6.1", tree, "binutils, xz-utils")
    pool.add("linux-image-generic", b"meta", "linux-image-6.8.0-1-generic, linux-modules-extra-6.8.0-1-generic")
    pool.add("linux-image-6.8.0-1-generic", b"image", "kmod, linux-base, linux-modules-6.8.0-1-generic")
    pool.add("linux-modules-6.8.0-1-generic", b"modules")
    apt = Apt(tmp_path / "apt")
    assert get(apt, "linux-source", tmp_path / "got", "kernel_tree")[1] == "linux-source-6.1"
    assert get(apt, "linux-image-generic", tmp_path / "got", "kernel_modules")[1] == "linux-modules-6.8.0-1-generic"
    assert pool.calls(" download ") == 2


def test_metapackages_that_depend_on_each_other_end(pool: Pool, tmp_path: Path) -> None:
    pool.add("linux-source-1", b"a", "linux-source-2")
    pool.add("linux-source-2", b"b", "linux-source-1")
    assert get(Apt(tmp_path / "apt"), "linux-source-1", tmp_path / "got", "kernel_tree")[0].exists()


def test_one_broken_repository_does_not_matter(pool: Pool, tmp_path: Path) -> None:
    pool.add("pci.ids", b"data")
    (pool.folder / "broken").touch()
    assert get(Apt(tmp_path / "apt"), "pci.ids", tmp_path / "got")[0].read_bytes() == b"data"


def refused(tmp_path: Path, *words: str, max_bytes: int = 1 << 20) -> None:
    with pytest.raises(SourceError) as caught:
        get(Apt(tmp_path / "apt"), "pci.ids", tmp_path / "got", max_bytes=max_bytes)
    for word in ("pci.ids", *words):
        assert word in str(caught.value)


def test_no_candidate_is_said_with_apts_own_complaint(pool: Pool, tmp_path: Path) -> None:
    (pool.folder / "broken").touch()
    refused(tmp_path, "no candidate", "Failed to fetch one repository")


def test_no_connection_is_said_with_apts_own_words(pool: Pool, tmp_path: Path) -> None:
    pool.add("pci.ids", b"data")
    (pool.folder / "offline").touch()
    refused(tmp_path, "Could not connect to the mirror")


def test_a_package_that_is_not_what_the_lists_promise_is_refused(pool: Pool, tmp_path: Path) -> None:
    pool.add("pci.ids", b"evil", listed=b"good")
    refused(tmp_path, "SHA-256")


def test_too_large_a_package_is_not_downloaded(pool: Pool, tmp_path: Path) -> None:
    pool.add("pci.ids", b"x" * 1000)
    refused(tmp_path, "max_bytes", max_bytes=999)
    assert pool.calls(" download ") == 0


def test_a_full_disk_is_the_disks_error(pool: Pool, tmp_path: Path) -> None:
    pool.add("pci.ids", b"data")
    (pool.folder / "full").touch()
    with pytest.raises(OSError, match="No space left") as caught:
        get(Apt(tmp_path / "apt"), "pci.ids", tmp_path / "got")
    assert caught.value.errno == errno.ENOSPC


def test_a_machine_without_apt_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    refused(tmp_path, "no apt-get on this machine")
