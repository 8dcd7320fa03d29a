"""Fetch where the home takes finished files only: unfinished ones lie in scratch, and the same lands."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from fetch_makers import PCI_IDS, deb, kernel_files, tar, topped
from landing_runs import declared, entry, settings_of
from mirror_maker import SmallMirror

import kslm.fetch
from kslm.errors import SourceError


@pytest.fixture
def small() -> Iterator[SmallMirror]:
    mirror = SmallMirror()
    yield mirror
    mirror.close()


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_only_what_is_finished_reaches_the_home_and_it_is_the_same(
    small: SmallMirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = small.add("pci.ids", deb("pci.ids", "6.1-1", {"usr/share/misc/pci.ids": PCI_IDS}))
    small.publish()
    (tmp_path / "log" / "apt").mkdir(parents=True)
    for name in ("syslog", "apt/history.log"):
        (tmp_path / "log" / name).write_text("one\n")
        os.utime(tmp_path / "log" / name, (1e9, 1e9))
    (tmp_path / "k.tar").write_bytes(tar(topped(kernel_files())))
    sources = {
        "k": declared("kernel_tree", {"path": str(tmp_path / "k.tar")}),
        "logs": declared("logs", {"path": str(tmp_path / "log")}),
        "ids": declared("pci_ids", {"debian": "pci.ids"}),
    }
    env = {"KSLM_DEBIAN_MIRROR": small.url, "KSLM_DEBIAN_SUITE": "trixie"}
    env["KSLM_DEBIAN_KEYRING"] = str(small.keyring(tmp_path))
    on_disk = kslm.fetch.run(settings_of(tmp_path, sources, home="disk", **env))

    def crosses(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    whole, small.files[ids] = small.files[ids], small.files[ids][:-1]
    volume = tmp_path / "volume"
    env["KSLM_SCRATCH"] = str(tmp_path / "scratch")
    with pytest.raises(SourceError):
        kslm.fetch.run(settings_of(tmp_path, sources, home="volume", **env))
    small.files[ids], small.breaks = whole, 1
    with monkeypatch.context() as patched:
        patched.setattr("shutil.os.rename", crosses)
        on_volume = kslm.fetch.run(settings_of(tmp_path, sources, home="volume", **env))
    assert [asked for path, asked in small.asked if path == ids][-2:] == [None, "bytes=100-"]
    assert on_volume.output_id == on_disk.output_id
    assert not (volume / "cache").exists()
    assert below(volume / "landing") == below(tmp_path / "disk" / "landing")
    logs = Path(entry(on_volume, "logs", volume)["members"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in (logs, logs / "apt")} == {0o700}
    assert {path.stat().st_mtime for path in logs.rglob("*") if path.is_file()} == {1e9}
    assert not list((tmp_path / "scratch").rglob("syslog"))
