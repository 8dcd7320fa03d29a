import errno
import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from fetch_makers import PACKERS, PCI_IDS, Server, deb, kernel_files, tar, topped, zipped
from landing_runs import declared, entry, settings_of

import kslm.fetch
from kslm.errors import KslmError, SourceError
from kslm.fetch import landing, places
from kslm.fetch.apt import Apt
from kslm.fetch.landing import SourceFolder
from kslm.paths import Home
from kslm.settings import Environment, Settings
from kslm.sources.kernel import tree as kernel_tree


def ids(path: Path) -> dict[str, Any]:
    return {"pci_ids": declared("pci_ids", {"path": str(path)})}


@pytest.fixture
def pci(tmp_path: Path) -> Path:
    path = tmp_path / "pci.ids"
    path.write_bytes(PCI_IDS)
    return path


def test_every_kind_lands_from_local_paths(tmp_path: Path, tiny_settings_env: dict[str, str]) -> None:
    sources = yaml.safe_load(Path(tiny_settings_env["KSLM_PROFILE"]).read_text())["sources"]
    report = kslm.fetch.run(settings_of(tmp_path, sources))
    assert set(report.outputs.sources) == set(sources)
    found = {name: entry(report, name, tmp_path / "home") for name in sources}
    tree = found["linux_source"]
    assert tree["version"] == "6.1.99"
    members = kernel_tree.load_index(Path(tree["index"]))
    texts = {member.name: raw for member, raw in kernel_tree.read_members(Path(tree["members"]), members)}
    assert texts["Makefile"].startswith(b"VERSION = 6")
    assert Path(found["linux_modules"]["members"]) == tmp_path / "sources" / "modules" / "6.1.99"
    assert found["linux_modules"]["version"] == "6.1.99"
    assert Path(found["manuals"]["members"]) == tmp_path / "sources" / "man"
    assert Path(found["logs"]["members"]).parent == tmp_path / "home" / "landing" / "logs"
    assert all(one["sha256"] and one["bytes"] and one["fetched_at"] for one in found.values())
    assert (report.metrics["fetch/sources"], report.metrics["fetch/reused"]) == (6, 0)


def test_a_second_run_reuses_what_landed_even_without_its_places(tmp_path: Path, pci: Path) -> None:
    settings = settings_of(tmp_path, ids(pci))
    first = kslm.fetch.run(settings)
    pci.unlink()
    second = kslm.fetch.run(settings)
    assert second.metrics["fetch/reused"] == 1
    assert second.outputs == first.outputs
    assert second.output_id == first.output_id


def test_a_local_file_that_changed_is_taken_anew(tmp_path: Path, pci: Path) -> None:
    settings = settings_of(tmp_path, ids(pci))
    first = kslm.fetch.run(settings)
    pci.write_bytes(PCI_IDS + b"10de  NVIDIA Corporation\n")
    second = kslm.fetch.run(settings)
    assert second.output_id != first.output_id
    assert b"NVIDIA" in Path(entry(second, "pci_ids", tmp_path / "home")["members"]).read_bytes()


def test_files_that_were_lost_or_cut_are_made_again(tmp_path: Path, pci: Path) -> None:
    settings = settings_of(tmp_path, ids(pci))
    members = Path(entry(kslm.fetch.run(settings), "pci_ids", tmp_path / "home")["members"])
    for spoil in (members.unlink, lambda: os.truncate(members, 5)):
        spoil()
        assert kslm.fetch.run(settings).metrics["fetch/reused"] == 0
        assert members.read_bytes() == PCI_IDS


def test_two_cuts_of_one_source_live_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "k.tar").write_bytes(tar(topped(kernel_files())))
    cuts = [
        settings_of(tmp_path, {"k": declared("kernel_tree", {"path": str(tmp_path / "k.tar")}, include=[glob])})
        for glob in ("drivers/*", "sound/*")
    ]
    one, two = (kslm.fetch.run(cut) for cut in cuts)
    assert entry(one, "k", tmp_path / "home")["members"] != entry(two, "k", tmp_path / "home")["members"]
    assert one.output_id != two.output_id
    assert kslm.fetch.run(cuts[0]).metrics["fetch/reused"] == 1


def test_without_network_and_cache_each_place_is_named_with_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    tried = [{"debian": "pci.ids"}, {"https": "https://host.invalid/pci.ids"}, {"path": "$HOME/nowhere/pci.ids"}]
    with pytest.raises(SourceError) as caught:
        kslm.fetch.run(settings_of(tmp_path, {"pci_ids": declared("pci_ids", *tried)}))
    text = str(caught.value)
    assert "pci_ids" in caught.value.problem
    for part in ("Debian package pci.ids: there is no apt-get", "https https://host.invalid/pci.ids: ", "no such file"):
        assert part in text
    assert "sources.pci_ids.places" in caught.value.remedy


def test_the_next_place_is_used_and_the_report_says_why(tmp_path: Path, pci: Path) -> None:
    cut = tmp_path / "cut.deb"
    cut.write_bytes(deb("pci.ids", "1", {"usr/share/misc/pci.ids": PCI_IDS})[:-9])
    found = {"pci_ids": declared("pci_ids", {"path": str(cut)}, {"path": str(tmp_path)})}
    report = kslm.fetch.run(settings_of(tmp_path, found))
    assert entry(report, "pci_ids", tmp_path / "home")["path"] == str(pci)
    assert ["cut short" in note and str(cut) in note for note in report.notes] == [True]


def test_an_optional_source_may_be_absent_and_is_reported(tmp_path: Path, pci: Path) -> None:
    sources = ids(pci) | {"usb_ids": declared("usb_ids", {"path": "/nowhere"}, optional=True)}
    report = kslm.fetch.run(settings_of(tmp_path, sources))
    assert set(report.outputs.sources) == {"pci_ids"}
    assert any("usb_ids" in note and "/nowhere" in note for note in report.notes)


def test_a_folder_where_a_file_is_expected_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for kind, cause in (
        ("pci_ids", r"a file is expected"),
        ("kernel_modules", "no folder of kernel modules"),
        ("man_pages", "no manual pages"),
        ("kernel_tree", "none of its files"),
    ):
        with pytest.raises(SourceError, match=cause):
            kslm.fetch.run(settings_of(tmp_path, {kind: declared(kind, {"path": str(tmp_path / "empty")})}))


def test_the_running_or_else_the_newest_kernel_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for age, release in enumerate(("6.9.0", "6.1.0", "5.10.0")):
        (tmp_path / "modules" / release / "kernel").mkdir(parents=True)
        (tmp_path / "modules" / release / "kernel" / "a.ko").write_bytes(b"x")
        os.utime(tmp_path / "modules" / release, (1e9 - age, 1e9 - age))
    for running, taken in (("6.1.0", "6.1.0"), ("7.0.0", "6.9.0")):
        monkeypatch.setattr(places.platform, "release", lambda name=running: name)
        settings = settings_of(tmp_path, {"m": declared("kernel_modules", {"path": str(tmp_path / "modules")})})
        (tmp_path / "home").mkdir(exist_ok=True)
        assert entry(kslm.fetch.run(settings), "m", tmp_path / "home")["version"] == taken
        for note in (tmp_path / "home" / "landing" / "m").glob("source-*.json"):
            note.unlink()


def test_an_unpacked_tree_of_ones_own_is_made_a_tar(tmp_path: Path) -> None:
    for name, data in kernel_files().items():
        (tmp_path / "linux" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "linux" / name).write_bytes(data)
    (tmp_path / "linux" / "link.c").symlink_to("/etc/passwd")
    found = {"k": declared("kernel_tree", {"path": str(tmp_path / "linux")}, include=["drivers/*"])}
    made = entry(kslm.fetch.run(settings_of(tmp_path, found)), "k", tmp_path / "home")
    assert made["version"] == "6.1.192"
    assert len(kernel_tree.load_index(Path(made["index"]))) == 20


def test_the_users_logs_become_sources_and_a_missing_one_is_named(tmp_path: Path, pci: Path) -> None:
    log = tmp_path / "my.log"
    log.write_text("[    0.000000] Linux version\n")
    report = kslm.fetch.run(settings_of(tmp_path, ids(pci), logs=(log, tmp_path)))
    assert Path(entry(report, "logs_user_0", tmp_path / "home")["members"]).name == "my.log"
    assert Path(entry(report, "logs_user_0", tmp_path / "home")["members"]).read_text() == log.read_text()
    assert (Path(entry(report, "logs_user_1", tmp_path / "home")["members"]) / "my.log").read_text() == log.read_text()
    with pytest.raises(SourceError, match=r"nothere\.log"):
        kslm.fetch.run(settings_of(tmp_path, ids(pci), logs=(tmp_path / "nothere.log",)))


def test_more_local_bytes_than_allowed_are_refused(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(bytes(2000))
    with pytest.raises(SourceError, match="max_bytes"):
        kslm.fetch.run(
            settings_of(tmp_path, {"logs": declared("logs", {"path": str(tmp_path / "logs")}, max_bytes=999)})
        )


def test_the_snapshot_of_this_machine_is_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def collect(folder: Path) -> Path:
        taken.append(folder)
        path = folder / "snapshot.log"
        path.write_text(f"snapshot {len(taken)}\n")
        return path

    monkeypatch.setattr("kslm.collect.collect", collect)
    settings = settings_of(tmp_path, {"logs": declared("logs", collect=True)})
    first, second = kslm.fetch.run(settings), kslm.fetch.run(settings)
    assert taken == [tmp_path / "home" / "landing" / "logs_collected"]
    assert set(first.outputs.sources) == {"logs_collected"}
    assert first.output_id == second.output_id
    assert Path(entry(second, "logs_collected", tmp_path / "home")["members"]).read_text() == "snapshot 1\n"


def test_a_full_disk_leaves_nothing_that_looks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "k.tar.xz").write_bytes(tar(topped(kernel_files())))
    settings = settings_of(tmp_path, {"k": declared("kernel_tree", {"path": str(tmp_path / "k.tar.xz")})})

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(tarfile.TarFile, "addfile", full)
        with pytest.raises(KslmError, match="is full") as caught:
            kslm.fetch.run(settings)
    assert "KSLM_HOME" in caught.value.remedy
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert kslm.fetch.run(settings).metrics["fetch/sources"] == 1


def test_a_note_that_cannot_be_read_means_fetching_again(tmp_path: Path, pci: Path) -> None:
    settings = settings_of(tmp_path, ids(pci))
    kslm.fetch.run(settings)
    (note,) = (tmp_path / "home" / "landing" / "pci_ids").glob("source-*.json")
    for text in ("", "{}", "[]", '{"entry": {}, "files": [], "notes": []}'):
        note.write_text(text)
        assert kslm.fetch.run(settings).metrics["fetch/reused"] == 0


def test_the_licence_alone_changes_without_fetching(tmp_path: Path, pci: Path) -> None:
    first = kslm.fetch.run(settings_of(tmp_path, ids(pci)))
    changed = ids(pci)
    changed["pci_ids"]["licence"] = "BSD-3-Clause"
    second = kslm.fetch.run(settings_of(tmp_path, changed))
    assert (entry(second, "pci_ids", tmp_path / "home")["licence"], second.metrics["fetch/reused"]) == (
        "BSD-3-Clause",
        1,
    )
    assert second.output_id != first.output_id


PROGRAM = """
import sys, time
from pathlib import Path
from kslm.fetch import unpack
from kslm.settings import Environment, Settings, load_profile
import kslm.fetch
if len(sys.argv) > 2:
    real = unpack._Rejoined.read
    def slow(self, size):
        time.sleep(float(sys.argv[2]))
        return real(self, size)
    unpack._Rejoined.read = slow
env = Environment.model_validate({"KSLM_HOME": str(Path(sys.argv[1]) / "home")})
print(kslm.fetch.run(Settings(load_profile(Path(sys.argv[1]) / "profile.yml"), env)).output_id)
"""


def test_a_killed_fetch_ends_in_the_same_content(tmp_path: Path) -> None:
    (tmp_path / "k.tar").write_bytes(tar(topped(kernel_files(40))))
    settings = settings_of(tmp_path, {"k": declared("kernel_tree", {"path": str(tmp_path / "k.tar")})})
    running = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path), "0.05"])
    landed = tmp_path / "home" / "landing" / "k"
    deadline = time.monotonic() + 60
    while not list(landed.glob("*/tree.tar")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    assert list(landed.glob("*/tree.tar"))
    assert not list(landed.glob("source-*.json"))
    again = kslm.fetch.run(settings)
    tree = Path(entry(again, "k", tmp_path / "home")["members"]).read_bytes()
    undisturbed = Settings(settings.profile, Environment.model_validate({"KSLM_HOME": str(tmp_path / "other")}))
    other = kslm.fetch.run(undisturbed)
    assert other.output_id == again.output_id
    assert Path(entry(other, "k", tmp_path / "home")["members"]).read_bytes() == tree


def test_a_damaged_download_is_not_kept(tmp_path: Path) -> None:
    server = Server(b"<html>log in first</html>")
    try:
        place = places.Place.model_construct(https=server.url, path=None, debian=None)
        source = places.Source.model_construct(
            kind="pci_ids", licence="x", places=(place,), include=(), exclude=(), max_bytes=10_000, optional=False
        )
        folder = SourceFolder(Home(tmp_path), "pci_ids")
        with pytest.raises(SourceError, match=r"not a pci\.ids"):
            places.obtain(place, source, folder, Apt(tmp_path), task=places.Task())
        server.body, server.etag = PCI_IDS, '"two"'
        landed = places.obtain(place, source, folder, Apt(tmp_path), task=places.Task())
        assert Path(landed.entry.members).read_bytes() == PCI_IDS
        assert landed.transferred == len(PCI_IDS)
        assert landed.entry.origin == server.url
    finally:
        server.http.shutdown()
        server.http.server_close()


def test_another_layout_means_another_request(tmp_path: Path, pci: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of(tmp_path, ids(pci))
    kslm.fetch.run(settings)
    monkeypatch.setattr(landing, "LAYOUT", landing.LAYOUT + 1)
    assert kslm.fetch.run(settings).metrics["fetch/reused"] == 0


def test_a_url_is_asked_again_only_when_told_to(tmp_path: Path) -> None:
    server = Server(PCI_IDS)
    try:
        folder, apt = SourceFolder(Home(tmp_path), "pci_ids"), Apt(tmp_path)
        place = places.Place.model_construct(https=server.url, path=None, debian=None)
        source = places.Source.model_construct(
            kind="pci_ids", licence="x", places=(place,), include=(), exclude=(), max_bytes=10_000, optional=False
        )
        first = places.obtain(place, source, folder, apt, task=places.Task())
        assert places.obtain(place, source, folder, apt, task=places.Task()).transferred == 0
        assert len(server.ranges) == 1
        assert places.obtain(place, source, folder, apt, task=places.Task(), before=first) is first
        assert len(server.ranges) == 2
        server.body, server.etag = PCI_IDS + b"10de  NVIDIA Corporation\n", '"two"'
        second = places.obtain(place, source, folder, apt, task=places.Task(), before=first)
        assert Path(second.entry.members).read_bytes() == server.body
    finally:
        server.http.shutdown()
        server.http.server_close()


def test_tldr_pages_are_the_english_ones_wherever_they_come_from(tmp_path: Path) -> None:
    files = {
        "pages/common/tar.md": b"# tar\n",
        "pages/linux/ip.md": b"# ip\n",
        "pages.fr/common/tar.md": b"# tar, en francais\n",
        "README.md": b"read me",
        "contributing-guides/style-guide.md": b"style",
    }
    for name, data in files.items():
        (tmp_path / "tldr" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tldr" / name).write_bytes(data)
    (tmp_path / "tldr.tar.gz").write_bytes(PACKERS[".gz"](tar(topped(files, "tldr-2.3"))))
    (tmp_path / "tldr.zip").write_bytes(zipped(files))
    (tmp_path / "en.zip").write_bytes(
        zipped({"common/tar.md": b"# tar\n", "linux/ip.md": b"# ip\n", "LICENSE.md": b"x"})
    )
    for name in ("tldr", "tldr/pages", "tldr.tar.gz", "tldr.zip", "en.zip"):
        found = {"tldr": declared("tldr", {"path": str(tmp_path / name)}, licence="CC-BY-4.0")}
        settings = settings_of(tmp_path, found)
        members = Path(entry(kslm.fetch.run(settings), "tldr", tmp_path / "home")["members"])
        pages = {path.relative_to(members).as_posix(): path.read_bytes() for path in members.rglob("*.md")}
        assert pages == {"common/tar.md": b"# tar\n", "linux/ip.md": b"# ip\n"}, name
        assert kslm.fetch.run(settings).metrics["fetch/reused"] == 1
    (tmp_path / "tldr" / "pages" / "linux" / "ss.md").write_bytes(b"# ss\n")
    found["tldr"] |= {"places": [{"path": str(tmp_path / "tldr")}], "include": ["linux/*"]}
    members = Path(entry(kslm.fetch.run(settings_of(tmp_path, found)), "tldr", tmp_path / "home")["members"])
    assert {path.name for path in members.rglob("*.md")} == {"ip.md", "ss.md"}
