import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from fetch_makers import PACKERS, PCI_IDS, TASK, deb, kernel_files, source, tar, topped
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign import dear
from kslm.errors import SourceError
from kslm.fetch.archives import Entry
from kslm.fetch.unpack import Unpacked, unpack, write_tree
from kslm.sources.kernel import tree as kernel_tree


def tree_of(made: Unpacked) -> dict[str, bytes]:
    assert made.index is not None
    members = kernel_tree.load_index(made.index)
    return {member.name: raw for member, raw in kernel_tree.read_members(made.members, members)}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("in_deb", [False, True])
def test_a_kernel_tarball_becomes_an_indexed_tar(tmp_path: Path, packing: str, in_deb: bool) -> None:
    files = kernel_files()
    data = PACKERS[packing](tar(topped(files)))
    if in_deb:
        data = deb("linux-source-6.1", "6.1.192-2", {f"usr/src/linux-source-6.1.tar{packing}": data})
    (tmp_path / "fetched").write_bytes(data)
    (tmp_path / "out").mkdir()
    made = unpack(source("kernel_tree"), tmp_path / "fetched", tmp_path / "out", TASK)
    assert tree_of(made) == files
    assert made.version == "6.1.192"
    assert made.package == ("linux-source-6.1" if in_deb else None)
    with tarfile.open(made.members) as archive:
        assert archive.getnames() == list(files)


def test_only_what_is_selected_is_kept_and_the_version_is_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "k.tar").write_bytes(tar(topped(kernel_files())))
    (tmp_path / "out").mkdir()
    wanted = source("kernel_tree", include=["drivers/*"], exclude=["*/d3/*"])
    made = unpack(wanted, tmp_path / "k.tar", tmp_path / "out", TASK)
    names = set(tree_of(made))
    assert "drivers/net/ethernet/d4/main.c" in names
    assert len(names) == 19
    assert made.version == "6.1.192"


def test_a_selection_that_keeps_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "k.tar").write_bytes(tar(topped(kernel_files())))
    with pytest.raises(SourceError, match="none of its files is selected"):
        unpack(source("kernel_tree", include=["nothing/*"]), tmp_path / "k.tar", tmp_path, TASK)


@pytest.mark.parametrize("stray", ["other/file.c", "file.c"])
def test_files_outside_the_top_folder_are_refused(tmp_path: Path, stray: str) -> None:
    (tmp_path / "k.tar").write_bytes(tar(topped(kernel_files()) | {stray: b"x"}))
    with pytest.raises(SourceError, match="outside its top folder"):
        unpack(source("kernel_tree"), tmp_path / "k.tar", tmp_path, TASK)


def test_a_package_without_a_tree_is_refused(tmp_path: Path) -> None:
    (tmp_path / "k.deb").write_bytes(deb("linux-source", "6.1", {"usr/share/doc/x": b"x"}))
    with pytest.raises(SourceError, match="no usr/src/linux-source"):
        unpack(source("kernel_tree"), tmp_path / "k.deb", tmp_path, TASK)


NAMES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=90).filter(
        lambda part: part.strip(".") != ""
    ),
    min_size=1,
    max_size=4,
).map("/".join)


@settings(max_examples=dear(0.6))
@given(st.dictionaries(NAMES, st.binary(max_size=2000), min_size=1, max_size=12))
def test_offsets_read_back_the_right_bytes(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    folder = tmp_path_factory.mktemp("tree")
    entries = [Entry(name, len(data), io.BytesIO(data)) for name, data in files.items()]
    made = write_tree(entries, folder, source("kernel_tree"), "made here")
    assert tree_of(made) == files
    rows = json.loads(made.index.read_text()) if made.index else []
    raw = made.members.read_bytes()
    assert {name: raw[offset : offset + size] for name, offset, size in rows} == files


def test_equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    for name, top in (("one", "linux-1"), ("two", "linux-2")):
        (tmp_path / f"{name}.tar").write_bytes(tar(topped(kernel_files(), top)))
        (tmp_path / name).mkdir()
        unpack(source("kernel_tree"), tmp_path / f"{name}.tar", tmp_path / name, TASK)
    for file in ("tree.tar", "tree.index.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_modules_are_unpacked_below_their_release(tmp_path: Path) -> None:
    files = {
        "usr/lib/modules/6.1.0/kernel/net/e.ko.xz": b"one",
        "usr/lib/modules/6.1.0/modules.builtin.modinfo": b"two",
        "boot/vmlinuz-6.1.0": b"not wanted",
        "usr/lib/modules/6.1.0/kernel/readme": b"not wanted",
    }
    (tmp_path / "m.deb").write_bytes(deb("linux-image-6.1.0", "6.1-1", files, ".zst"))
    made = unpack(source("kernel_modules"), tmp_path / "m.deb", tmp_path, TASK)
    found = {str(p.relative_to(made.members)): p.read_bytes() for p in made.members.rglob("*") if p.is_file()}
    assert found == {"kernel/net/e.ko.xz": b"one", "modules.builtin.modinfo": b"two"}
    assert (made.package, made.version) == ("linux-image-6.1.0", "6.1-1")


def test_modules_of_two_kernels_in_one_archive_are_refused(tmp_path: Path) -> None:
    (tmp_path / "m.tar").write_bytes(tar({"lib/modules/1/kernel/a.ko": b"", "lib/modules/2/kernel/a.ko": b""}))
    with pytest.raises(SourceError, match="more than one kernel"):
        unpack(source("kernel_modules"), tmp_path / "m.tar", tmp_path, TASK)


def test_manuals_are_the_english_ones(tmp_path: Path) -> None:
    files = {
        "usr/share/man/man7/pci.7.gz": b"english",
        "usr/share/man/de/man7/pci.7.gz": b"german",
        "usr/share/doc/manpages/changelog": b"",
    }
    (tmp_path / "man.deb").write_bytes(deb("manpages", "6", files))
    made = unpack(source("man_pages"), tmp_path / "man.deb", tmp_path, TASK)
    assert [p.relative_to(made.members).as_posix() for p in made.members.rglob("*.gz")] == ["man7/pci.7.gz"]
    (tmp_path / "none.deb").write_bytes(deb("manpages", "6", {"usr/share/doc/x": b""}))
    with pytest.raises(SourceError, match="nothing of kind man_pages"):
        unpack(source("man_pages"), tmp_path / "none.deb", tmp_path, TASK)


def test_one_name_cannot_be_a_file_and_a_folder(tmp_path: Path) -> None:
    (tmp_path / "m.tar").write_bytes(tar({"lib/modules/1/a.ko": b"", "lib/modules/1/a.ko/b.ko": b""}))
    with pytest.raises(SourceError, match="both a file and a folder"):
        unpack(source("kernel_modules"), tmp_path / "m.tar", tmp_path, TASK)


@pytest.mark.parametrize(
    "data",
    [PCI_IDS, gzip.compress(PCI_IDS), deb("pci.ids", "0.0-1", {"usr/share/misc/pci.ids": PCI_IDS})],
    ids=["plain", "gz", "deb"],
)
def test_an_id_list_comes_out_of_whatever_it_came_in(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "fetched").write_bytes(data)
    (tmp_path / "out").mkdir()
    made = unpack(source("pci_ids"), tmp_path / "fetched", tmp_path / "out", TASK)
    assert made.members.read_bytes() == PCI_IDS
    assert made.version == "2026.01.01"


def test_a_login_page_is_no_id_list(tmp_path: Path) -> None:
    (tmp_path / "pci.ids").write_bytes(b"<html>Please log in to the network</html>" * 10)
    (tmp_path / "out").mkdir()
    with pytest.raises(SourceError, match=r"not a pci\.ids"):
        unpack(source("pci_ids"), tmp_path / "pci.ids", tmp_path / "out", TASK)
