import errno
from pathlib import Path

import pytest
from fetch_makers import TASK, Pool, deb, kernel_files, tar, topped

from kslm.errors import SourceError
from kslm.fetch.apt import Apt


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


def test_several_packages_come_by_one_look_up_and_one_download(pool: Pool, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        pool.add(name, name.encode())
    apt = Apt(tmp_path / "apt")
    got = apt.fetch_all(["two", "one", "gone", "one"], tmp_path / "got", max_bytes=100, task=TASK)
    assert [(package.name, path.read_bytes()) for path, package in got.files] == [("one", b"one"), ("two", b"two")]
    assert (got.missing, got.transferred) == (("gone",), 6)
    assert (pool.calls("show"), pool.calls(" download ")) == (1, 1)
    pool.add("two", b"newer", version="6.1-2")
    again = apt.fetch_all(["one", "two"], tmp_path / "got", max_bytes=100, task=TASK)
    assert [(package.version, path.read_bytes()) for path, package in again.files] == [
        ("6.1-1", b"one"),
        ("6.1-2", b"newer"),
    ]
    assert again.transferred == 5
    assert "one=" not in (pool.folder / "calls").read_text().splitlines()[-1]


def test_several_packages_without_any_candidate_or_too_large_together_are_refused(pool: Pool, tmp_path: Path) -> None:
    apt = Apt(tmp_path / "apt")
    with pytest.raises(SourceError, match="no candidate"):
        apt.fetch_all(["gone", "lost"], tmp_path / "got", max_bytes=100, task=TASK)
    pool.add("one", bytes(60))
    pool.add("two", bytes(60))
    with pytest.raises(SourceError, match="max_bytes"):
        apt.fetch_all(["one", "two"], tmp_path / "got", max_bytes=100, task=TASK)
    pool.add("two", b"evil", listed=b"good")
    with pytest.raises(SourceError, match=r"two.*\n.*SHA-256"):
        apt.fetch_all(["one", "two"], tmp_path / "got", max_bytes=100, task=TASK)


def test_many_packages_come_in_batches(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kslm.fetch.apt._BATCH", 2)
    names = [f"p{number}" for number in range(5)]
    for name in names:
        pool.add(name, b"x")
    assert len(Apt(tmp_path / "apt").fetch_all(names, tmp_path / "got", max_bytes=100, task=TASK).files) == 5
    assert pool.calls(" download ") == 3
