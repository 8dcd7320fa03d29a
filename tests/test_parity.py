"""The same landing folder, however divided: every file accounted for, equal tables, equal bytes in every shard."""

from __future__ import annotations

import re
import tarfile
from collections import Counter, defaultdict

import pytest
from deltalake import DeltaTable

import parity
from kslm.lake import tables
from world import build_world

# What the world holds that no table has, by name: a file that is read nowhere else must be in one.
OF_NO_KIND = {
    "tree": {"MAINTAINERS", "Makefile"},
    "packages": {"alpha/usr/share/doc/alpha/copyright"},
}
SKIPPED = {"skipped/a.c"}
SET_ASIDE = {
    "tree": {"mm/binary.h", "mm/empty.c"},
    "packages": {"alpha/etc/ssl/alpha.pem"},
    "manuals": {"man1/torn.1"},
    "modules": {"broken.ko"},
    "logs": {"empty.log", "unknown.bin"},
}
# Read for what they say of other documents.
NOTHING_EXTRACTED = {"makefile"}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return parity.expected(tmp_path_factory)[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return parity.expected(tmp_path_factory)[0]


def rows(home, table):
    return DeltaTable(home / "lake" / f"mini_{table.layer}" / table.name).to_pyarrow_table().to_pylist()


def paths(home, *of):
    """Source to the paths its rows have, without compression suffixes."""
    found = defaultdict(set)
    for table in of:
        for row in rows(home, table):
            found[row["source"]].add(row["path"].removesuffix(".gz"))
    return found


def landed(home):
    """Source to the files of its landing folder, found without the readers."""
    landing = home / "landing"
    folders = {"packages": "packages", "handbook": "handbook", "tldr": "tldr", "manuals": "man", "logs": "logs"}
    found = {
        source: {p.relative_to(landing / folder).as_posix() for p in (landing / folder).rglob("*") if p.is_file()}
        for source, folder in folders.items()
    }
    with tarfile.open(landing / "tree.tar") as tree:
        found["tree"] = {name.partition("/")[2] for name in tree.getnames()} - SKIPPED
    return {source: {name.removesuffix(".gz") for name in names} for source, names in found.items()}


def test_every_table_and_every_slice_has_something_to_compare(expected):
    assert set(expected["tables"]) == {str(table) for table in tables.ALL}
    empty = [name for name, value in expected["tables"].items() if value.endswith("-0")]
    assert not empty
    assert expected["slices"] == ["admin", "hardware", "instructions", "os"]
    parts = Counter(name.partition("-")[0] for name in expected["shards"] if name.endswith(".bin"))
    assert parts.keys() == {"train", "val", "test"}
    assert parts["train"] > 1


def test_every_landed_document_is_a_row_or_a_finding(home):
    documents, findings = paths(home, tables.DOCUMENTS), paths(home, tables.QUARANTINE)
    for source, names in landed(home).items():
        if source == "logs":
            continue
        set_aside = SET_ASIDE.get(source, set())
        assert documents.pop(source) == names - OF_NO_KIND.get(source, set()) - set_aside
        assert set_aside <= findings[source]
    assert not documents


def test_what_is_left_out_as_of_no_kind_is_counted_in_the_notes(home, expected):
    notes = "\n".join(expected["notes"]["ingest"])
    names = landed(home)
    assert f"tree: {len(OF_NO_KIND['tree'])} of {len(names['tree'])} files are of no kind" in notes
    of_packages = re.search(r"packages: of (\d+) files not ingested: (.*)", notes)
    assert of_packages and int(of_packages[1]) == len(names["packages"])
    assert of_packages[2] == f"{len(OF_NO_KIND['packages'])} no kind"


def test_every_module_every_log_and_every_line_of_a_list_is_a_row_or_a_finding(home):
    findings = paths(home, tables.QUARANTINE)
    modules = {row["path"] for row in rows(home, tables.MODULES) if not row["builtin"]}
    assert modules == {path.name for path in (home / "landing" / "modules").glob("*.ko")} - SET_ASIDE["modules"]
    logs = {row["path"] for table in (tables.LOG_EVENTS, tables.SYSTEM_SNAPSHOTS) for row in rows(home, table)}
    assert logs == landed(home)["logs"] - SET_ASIDE["logs"]
    assert all(SET_ASIDE[source] <= findings[source] for source in ("modules", "logs"))
    wrong = {(row["path"], row["offset"]) for row in rows(home, tables.QUARANTINE)}
    for table, name in ((tables.PCI_IDS, "pci.ids"), (tables.USB_IDS, "usb.ids")):
        lines = (home / "landing" / name).read_bytes().split(b"\n")
        said = {number for number, line in enumerate(lines, 1) if line and not line.startswith(b"#")}
        read = {row["line"] for row in rows(home, table)}
        assert read | {number for path, number in wrong if path == name} == said
        assert len(read) == len(rows(home, table))


def test_every_document_has_texts_or_says_why_it_has_none(home):
    children = {row["parent_id"] for row in rows(home, tables.SILVER_DOCUMENTS) + rows(home, tables.REJECTS)}
    documents = rows(home, tables.DOCUMENTS)
    childless = [row for row in documents if row["doc_id"] not in children]
    assert [row["path"] for row in childless if row["kind"] not in NOTHING_EXTRACTED] == []
    assert {row["kind"] for row in childless} == NOTHING_EXTRACTED
    reasons = {row["path"]: row["reason"] for row in rows(home, tables.REJECTS)}
    assert reasons["alpha/usr/share/doc/alpha/html/index.html"] == "index page: mostly links"


@pytest.mark.timeout(600)
def test_sail_with_1_2_and_8_partitions_twice_each(expected, tmp_path):
    homes = {
        number: [build_world(tmp_path / f"{number} first"), build_world(tmp_path / f"{number} again")]
        for number in (2, 8)
    }
    homes[1] = [build_world(tmp_path / "1 again")]  # the first time is `expected`
    running = {number: parity.start("sail", number, of_it) for number, of_it in homes.items()}
    try:
        for number, process in running.items():
            assert parity.outcomes(process) == [expected] * len(homes[number]), f"{number} partitions"
    finally:
        for process in running.values():
            process.kill()
