import lzma
from collections.abc import Iterator
from pathlib import Path

import pysequoia
import pytest
from fetch_makers import PCI_IDS, TASK, Pool, deb, kernel_files, sha256, tar, topped
from landing_runs import declared, entry, settings_of
from mirror_maker import LIST, SmallMirror

import kslm.fetch
from kslm.errors import SettingsError, SourceError
from kslm.fetch.mirror import Mirror
from kslm.settings import load_settings


@pytest.fixture
def small() -> Iterator[SmallMirror]:
    mirror = SmallMirror()
    yield mirror
    mirror.close()


def mirror_of(small: SmallMirror, tmp_path: Path, suite: str = "trixie") -> Mirror:
    return Mirror(tmp_path / "mirror", small.url, suite, small.keyring(tmp_path))


def get(mirror: Mirror, name: str, folder: Path, kind: str = "pci_ids") -> tuple[bytes, str, int]:
    path, package, transferred = mirror.fetch(name, kind, folder, max_bytes=1 << 20, task=TASK)
    return path.read_bytes(), package.version, transferred


def refused(mirror: Mirror, tmp_path: Path, *words: str) -> None:
    with pytest.raises(SourceError) as caught:
        get(mirror, "pci.ids", tmp_path / "got")
    for word in ("pci.ids", *words):
        assert word in str(caught.value)
    assert not list(tmp_path.rglob("*.deb"))


@pytest.mark.parametrize("fields", ["", "Acquire-By-Hash: yes\nValid-Until: Fri, 01 Jan 2100 00:00:00 UTC\n"])
def test_a_package_is_had_once_and_lists_are_looked_at_once(small: SmallMirror, tmp_path: Path, fields: str) -> None:
    small.add("pci.ids", b"older", version="0.9-1")
    small.add("pci.ids", b"newest", version="1:0.8-1")
    small.add("pci.ids", b"newer", version="0.10-1")
    small.publish(fields)
    mirror = mirror_of(small, tmp_path)
    assert get(mirror, "pci.ids", tmp_path / "got") == (b"newest", "1:0.8-1", 6)
    assert get(mirror, "pci.ids", tmp_path / "got") == (b"newest", "1:0.8-1", 0)
    paths = [path for path, _ in small.asked]
    assert len(paths) == 3
    assert paths[1] == (f"{LIST}.xz" if not fields else f"{Path(LIST).parent}/by-hash/SHA256/{Path(paths[1]).name}")
    assert not list((tmp_path / "mirror" / "download").iterdir())


def test_the_same_package_lands_alike_from_apt_and_from_a_mirror(
    small: SmallMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = Pool(tmp_path, monkeypatch)
    data = deb("pci.ids", "6.1-1", {"usr/share/misc/pci.ids": PCI_IDS})
    manual = deb("kmod", "6.1-1", {"usr/share/man/man8/kmod.8": b".TH X 1\n", "usr/share/doc/kmod/copyright": b"x"})
    for name, content in (("pci.ids", data), ("kmod", manual)):
        pool.add(name, content)
        small.add(name, content)
    small.publish()
    sources = {
        "ids": declared("pci_ids", {"debian": "pci.ids"}),
        "manuals": declared("packages", {"debian": ["kmod", "gone"]}),
    }
    env = {"KSLM_DEBIAN_MIRROR": small.url, "KSLM_DEBIAN_SUITE": "trixie"}
    env["KSLM_DEBIAN_KEYRING"] = str(small.keyring(tmp_path))
    by_apt = kslm.fetch.run(settings_of(tmp_path, sources, home="one"))
    calls = pool.calls("")
    by_mirror = kslm.fetch.run(settings_of(tmp_path, sources, home="two", **env))
    assert pool.calls("") == calls
    assert by_mirror.output_id == by_apt.output_id
    for name in sources:
        one, two = (entry(report, name, Path()) for report in (by_apt, by_mirror))
        assert one | {"fetched_at": ""} == two | {"fetched_at": ""}
    files = [
        {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
        for root in (tmp_path / "one" / "landing", tmp_path / "two" / "landing")
    ]
    assert {path for path in files[0] if "source-" not in path} == {path for path in files[1] if "source-" not in path}
    assert all(files[0][path] == files[1][path] for path in files[0] if "source-" not in path)


def test_kernel_metapackages_are_followed(small: SmallMirror, tmp_path: Path) -> None:
    tree = deb("linux-source-6.1", "6.1-1", {"usr/src/linux-source-6.1.tar": tar(topped(kernel_files()))})
    small.add("linux-source", b"meta", "linux-source-6.1 (= 6.1-1)")
    small.add("linux-source-6.1", tree, "binutils, xz-utils")
    small.publish()
    assert get(mirror_of(small, tmp_path), "linux-source", tmp_path / "got", "kernel_tree")[0] == tree


def test_several_packages_come_and_missing_ones_are_named(small: SmallMirror, tmp_path: Path) -> None:
    for name in ("one", "two"):
        small.add(name, name.encode())
    small.publish()
    got = mirror_of(small, tmp_path).fetch_all(["two", "gone", "one"], tmp_path / "got", max_bytes=100, task=TASK)
    assert [(package.name, path.read_bytes()) for path, package in got.files] == [("one", b"one"), ("two", b"two")]
    assert (got.missing, got.transferred) == (("gone",), 6)


def test_a_package_that_the_suite_has_not_is_named(small: SmallMirror, tmp_path: Path) -> None:
    small.publish()
    refused(mirror_of(small, tmp_path), tmp_path, "no candidate in trixie", small.url)


def test_nothing_is_believed_that_no_key_in_the_keyring_signed(small: SmallMirror, tmp_path: Path) -> None:
    small.add("pci.ids", b"evil")
    small.publish(key=pysequoia.Tsk.generate("stranger@example.org"))
    refused(mirror_of(small, tmp_path), tmp_path, "InRelease cannot be trusted", "no signature by a key in", "KEYRING")
    small.publish()
    signed = small.files["dists/trixie/InRelease"]
    altered = signed.replace(sha256(small.files[f"{LIST}.xz"]).encode(), b"0" * 64)
    for spoilt in (altered, signed[:200], b"<html>log in</html>"):
        small.files["dists/trixie/InRelease"] = spoilt
        refused(mirror_of(small, tmp_path), tmp_path, "no signature by a key in")
    assert {path for path, _ in small.asked} == {"dists/trixie/InRelease"}


def test_what_stands_around_the_signed_text_is_not_read(small: SmallMirror, tmp_path: Path) -> None:
    small.add("pci.ids", b"evil")
    small.publish()
    evil = small.files.copy()
    small.paragraphs.clear()
    small.add("pci.ids", b"good")
    small.publish()
    rows = evil["dists/trixie/InRelease"].partition(b"SHA256:")[2].partition(b"-----")[0]
    small.files["dists/trixie/InRelease"] += b"\nSHA256:" + rows
    assert get(mirror_of(small, tmp_path), "pci.ids", tmp_path / "got")[0] == b"good"


def test_altered_lists_and_packages_are_refused_and_had_anew(small: SmallMirror, tmp_path: Path) -> None:
    path = small.add("pci.ids", b"good")
    small.publish()
    good = small.files.copy()
    small.files[f"{LIST}.xz"] = lzma.compress(b"Package: pci.ids\n").ljust(len(good[f"{LIST}.xz"]), b"\0")
    refused(mirror_of(small, tmp_path), tmp_path, "Packages.xz is not what its InRelease lists")
    small.files = good | {path: b"evil"}
    refused(mirror_of(small, tmp_path), tmp_path, "SHA-256")
    small.files = good | {path: b"longer than listed"}
    refused(mirror_of(small, tmp_path), tmp_path, "larger than 4 bytes")
    small.files = good
    assert get(mirror_of(small, tmp_path), "pci.ids", tmp_path / "got")[0] == b"good"


@pytest.mark.parametrize(
    ("fields", "codename", "words"),
    [
        ("Valid-Until: Mon, 01 Jan 2024 00:00:00 UTC\n", "trixie", ("valid until", "2024")),
        ("Valid-Until: soon\n", "trixie", ("no date", "soon")),
        ("", "bookworm", ("it is of bookworm and stable, not of trixie", "KSLM_DEBIAN_SUITE")),
    ],
)
def test_a_release_that_expired_or_is_another_suites_is_refused(
    small: SmallMirror, tmp_path: Path, fields: str, codename: str, words: tuple[str, ...]
) -> None:
    small.add("pci.ids", b"old")
    small.publish(fields, codename=codename)
    refused(mirror_of(small, tmp_path), tmp_path, *words)


def test_without_a_usable_keyring_nothing_is_asked_for(small: SmallMirror, tmp_path: Path) -> None:
    refused(Mirror(tmp_path, small.url, "trixie", None), tmp_path, "KSLM_DEBIAN_KEYRING", small.url)
    assert not small.asked
    small.publish()
    (tmp_path / "junk").write_bytes(b"no key")
    for keyring, words in (("nowhere", "No such file"), ("junk", "cannot use the keyring")):
        refused(Mirror(tmp_path, small.url, "trixie", tmp_path / keyring), tmp_path, words, keyring)


def test_a_mirror_that_fails_is_asked_once(small: SmallMirror, tmp_path: Path) -> None:
    mirror = mirror_of(small, tmp_path)
    for _ in range(2):
        refused(mirror, tmp_path, "404", "dists/trixie/InRelease")
    assert len(small.asked) == 1


def test_a_broken_download_goes_on_in_the_next_run(small: SmallMirror, tmp_path: Path) -> None:
    path = small.add("pci.ids", bytes(range(250)) * 4)
    small.publish()
    small.breaks = 1
    assert get(mirror_of(small, tmp_path), "pci.ids", tmp_path / "got")[0] == bytes(range(250)) * 4
    assert [asked for name, asked in small.asked if name == path] == [None, "bytes=100-"]


def test_a_mirror_is_named_by_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KSLM_DEBIAN_MIRROR", "deb.example.org/debian")
    with pytest.raises(SettingsError, match="KSLM_DEBIAN_MIRROR"):
        load_settings("quick")
