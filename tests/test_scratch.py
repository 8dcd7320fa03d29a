"""Local disk for what a Volume refuses: where it lies, and that what is published from it is whole or not there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kslm import paths, published, ranks, scratch
from kslm.errors import DataError
from kslm.paths import Home
from kslm.settings import Environment, Settings, load_profile


@pytest.fixture
def volume(tmp_path):
    """A home whose scratch lies elsewhere, as a Volume's does."""
    return Home(tmp_path / "home", tmp_path / "scratch")


def made(folder, **files):
    """A folder of files, by name without its dot."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_on_a_disk_scratch_lies_in_the_cache(tmp_path):
    home = Home(tmp_path)
    assert home.scratch == tmp_path / "cache" / "scratch" and not home.on_volume


@pytest.mark.parametrize("fstype", ["fuse", "fuse.volumes", ""])
def test_on_a_volume_scratch_lies_in_the_systems_temporary_folder(tmp_path, monkeypatch, fstype):
    root = Path("/mnt/bucket/home") if fstype else Path("/Volumes/dev/kslm/home")
    part = type("Partition", (), {"mountpoint": "/mnt/bucket", "fstype": fstype})
    monkeypatch.setattr(paths.psutil, "disk_partitions", lambda all: [part] if all and fstype else [])
    monkeypatch.setattr(paths.tempfile, "gettempdir", lambda: str(tmp_path))
    home = Home(root)
    assert home.on_volume and home.scratch.parent == tmp_path
    assert home.scratch != Home(root / "other").scratch, "two homes do not share one"


def test_the_user_may_say_where(tmp_path):
    env = Environment(KSLM_HOME=tmp_path / "home", KSLM_SCRATCH=tmp_path / "disk")
    home = Settings(load_profile("quick"), env).home
    assert home.scratch == tmp_path / "disk" and home.on_volume


def test_a_scratch_folder_is_empty_and_goes(tmp_path):
    made(tmp_path / "work", left="by a killed run")
    with pytest.raises(KeyboardInterrupt), scratch.emptied(tmp_path / "work") as folder:
        assert not list(folder.iterdir())
        made(folder, half="")
        raise KeyboardInterrupt
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("mounted", [False, True], ids=["by renames", "by copies"])
def test_what_is_published_replaces_what_was_there_and_is_sealed(tmp_path, monkeypatch, mounted):
    if mounted:
        monkeypatch.setattr(os, "rename", refused)
    target = made(tmp_path / "target", old="1")
    published.seal(target)
    built = made(tmp_path / "built", weights="12", inner__config="{}")
    built.joinpath("weights").chmod(0o400)
    manifest = scratch.publish(built, target, {"made_by": "a test"})
    assert published.whole(target) == manifest
    assert manifest["made_by"] == "a test" and set(manifest["files"]) == {"weights", "inner/config"}
    assert {path.name for path in target.iterdir()} == {"weights", "inner", published.MANIFEST}
    assert not built.exists()
    if mounted:
        assert (target / "weights").stat().st_mode & 0o200, "a copy's permissions are the place's own"


@pytest.mark.parametrize("done", [0, 1, 2])
def test_killed_before_the_seal_it_leaves_nothing_that_counts(tmp_path, monkeypatch, done):
    target, left = tmp_path / "target", [done]

    def counted(real):
        def step(*given):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            real(*given)

        return step

    published.seal(made(target, a="old"))
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(scratch, "move", counted(scratch.move))
        patched.setattr(published, "write_atomically", counted(published.write_atomically))
        scratch.publish(made(tmp_path / "built", a="1", b="2"), target)
    assert published.whole(target) is None
    manifest = scratch.publish(made(tmp_path / "again", a="1", b="2"), target)
    assert published.whole(target) == manifest and (target / "a").read_text() == "1"


def test_a_folder_on_a_disk_is_at_hand_where_it_lies(tmp_path):
    folder = made(tmp_path / "tokens" / "one", train="1")
    published.seal(folder)
    assert scratch.at_hand(Home(tmp_path), folder) == folder


def test_what_is_not_the_volumes_or_has_no_seal_is_not_copied(volume, tmp_path):
    sealed = made(tmp_path / "elsewhere", a="1")
    published.seal(sealed)
    assert scratch.at_hand(volume, sealed) == sealed
    loose = made(volume.tokens / "loose", a="1")
    assert scratch.at_hand(volume, loose) == loose


def test_a_volumes_folder_is_copied_once_and_again_when_it_has_changed(volume, monkeypatch):
    folder = made(volume.tokens / "one", a="1", inner__b="2")
    published.seal(folder, {"version": 1})
    copies = []
    real = shutil.copyfile
    monkeypatch.setattr(shutil, "copyfile", lambda source, target: copies.append(source) or real(source, target))
    copy = scratch.at_hand(volume, folder)
    assert copy.is_relative_to(volume.scratch) and copy.name == "one"
    assert published.whole(copy) == published.whole(folder) and len(copies) == 2
    assert scratch.at_hand(volume, folder) == copy and len(copies) == 2

    published.seal(folder, {"version": 2})
    assert published.whole(scratch.at_hand(volume, folder))["version"] == 2 and len(copies) == 2, "no file has changed"

    made(folder, a="3")
    published.seal(folder, {"version": 3})
    assert (scratch.at_hand(volume, folder) / "a").read_text() == "3" and len(copies) == 4
    (copy / "a").write_text("cut")
    assert (scratch.at_hand(volume, folder) / "a").read_text() == "3", "a copy that was harmed is made again"


def test_copies_whose_originals_are_gone_go_when_another_is_made(volume):
    old, new = (made(volume.tokens / name, a=name) for name in ("old", "new"))
    published.seal(old)
    published.seal(new)
    copy = scratch.at_hand(volume, old)
    published.remove(old)
    scratch.at_hand(volume, new)
    assert not copy.exists()


@pytest.mark.parametrize("harm", [lambda path: path.write_text("2"), Path.unlink], ids=["altered", "missing"])
def test_what_disagrees_with_its_manifest_is_refused_and_no_copy_stays(volume, harm):
    folder = made(volume.tokens / "one", a="1")
    published.seal(folder)
    harm(folder / "a")
    with pytest.raises(DataError, match="disagrees with its manifest"):
        scratch.at_hand(volume, folder)
    assert not list(volume.scratch.rglob("a"))


def test_of_the_ranks_on_a_machine_the_first_copies_and_the_others_find_it(volume, monkeypatch):
    folder = made(volume.tokens / "one", a="1")
    published.seal(folder)
    order = []
    monkeypatch.setattr(ranks, "wait", lambda: order.append("waited"))
    monkeypatch.setenv("WORLD_SIZE", "4")

    def opened():
        order.append(os.environ["RANK"])
        return scratch.at_hand(volume, folder)

    for rank, local in (("0", "0"), ("1", "1"), ("2", "0")):
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("LOCAL_RANK", local)
        assert published.whole(ranks.in_turn(opened))
    assert order == ["0", "waited", "waited", "1", "2", "waited"]


def refused(*_):
    raise OSError(18, "Invalid cross-device link")
