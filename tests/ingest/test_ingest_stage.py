"""Ingest as a whole, on the default engine."""

from __future__ import annotations

import pytest

import kslm.ingest
import kslm.lake
from kslm.errors import DataError
from kslm.lake import tables
from kslm.outputs import LeftOut
from landed import fetched, write_fetched


def ingest(settings):
    """Run the stage; returns the report and every table's rows."""
    report = kslm.ingest.run(settings)
    with kslm.lake.open(settings) as lake:
        bronze = [table for table in tables.ALL if table.layer == "bronze"]
        return report, {table.name: [row.asDict() for row in lake.read(table).collect()] for table in bronze}


@pytest.fixture
def result(settings):
    return ingest(settings)


def test_everything_good_arrives_and_everything_bad_is_recorded(result):
    report, rows = result
    documents = {row["path"]: row for row in rows["documents"]}
    assert set(documents) == {
        "mm/slab.c", "mm/latin.c", "mm/nul.h", "mm/Kconfig", "Documentation/a.rst", "man1/ls.1",
    }  # fmt: skip
    assert documents["mm/slab.c"]["licence"] == "MIT"
    assert documents["mm/latin.c"]["licence"] == "GPL-2.0-only"
    assert documents["mm/latin.c"]["text"] == "/* na\ufffdve */\nint y;\n"
    assert documents["mm/nul.h"]["text"] == "#define A\ufffd 1\n"
    assert documents["Documentation/a.rst"]["text"].startswith("Ein Maß für 😀")
    assert "ls \\- list directory contents" in documents["man1/ls.1"]["text"]
    assert documents["man1/ls.1"]["kind"] == "man"

    pci = {(row["level"], row["vendor"], row["device"]): row["name"] for row in rows["pci_ids"]}
    assert pci["vendor", "8086", None] == "Intel"
    assert pci["device", "8086", "1533"] == "I210"
    assert rows["usb_ids"] == []

    (module,) = rows["modules"]
    assert (module["module"], module["builtin"], module["aliases"]) == ("ext4", True, ["fs-ext4"])
    assert "debug" in module["parameters"]

    (symbol,) = rows["config_symbols"]
    assert (symbol["name"], symbol["prompt"], symbol["kind"], symbol["line"]) == ("SLAB", "slab", "bool", 1)
    assert (symbol["doc_id"], symbol["path"]) == (documents["mm/Kconfig"]["doc_id"], "mm/Kconfig")

    quarantined = {(row["source"], row["path"]) for row in rows["quarantine"]}
    assert quarantined == {
        ("tree", "mm/latin.c"), ("tree", "mm/nul.h"), ("tree", "mm/binary.h"), ("tree", "mm/empty.c"),
        ("pci", "pci.ids"), ("usb", "usb.ids"), ("modules", "broken.ko"), ("manuals", "man1/torn.1.gz"),
        ("logs", "unknown.bin"), ("logs", "empty.log"),
    }  # fmt: skip
    assert report.metrics["ingest/quarantined"] == len(rows["quarantine"])
    assert report.metrics["ingest/documents/rows"] == 6
    assert any("no kind ingested" in note for note in report.notes), "MAINTAINERS was left out"
    assert {row["source"] for row in rows["files"]} == {"tree", "pci", "usb", "modules", "manuals", "logs"}


def test_a_duplicate_vendor_loses_nothing_else(result):
    _, rows = result
    assert len({row["row_id"] for row in rows["pci_ids"]}) == len(rows["pci_ids"])
    assert any("NVIDIA" in row["name"] for row in rows["pci_ids"])
    assert [row for row in rows["quarantine"] if row["source"] == "pci" and row["offset"] == 7]


def test_logs_and_snapshots_are_redacted_before_they_are_stored(result):
    _, rows = result
    first, second = sorted(rows["log_events"], key=lambda row: row["line"])
    assert (first["tag"], first["pid"], first["path"]) == ("sshd", 12, "auth.log")
    assert first["host"] == second["host"] != "secrethost"
    stored = str(rows["log_events"]) + str(rows["quarantine"])
    for personal in ("secrethost", "alice", "203.0.113.9"):
        assert personal not in stored
    assert "0000:00:1f.2" in second["message"]
    sections = sorted(rows["system_snapshots"], key=lambda row: row["index"])
    assert [row["section"] for row in sections] == ["ram_usage", "ram_usage", "unknown"]
    assert len({row["snapshot_id"] for row in sections}) == 1


def test_a_second_run_commits_nothing(settings):
    first = kslm.ingest.run(settings)
    second = kslm.ingest.run(settings)
    assert second.outputs.tables == first.outputs.tables
    assert second.outputs.hashes == first.outputs.hashes
    assert second.output_id == first.output_id
    assert not any(
        sum(map(counts.get, ("inserted", "updated", "deleted"))) for counts in second.outputs.changes.values()
    )


def test_what_disappears_from_the_sources_disappears_from_bronze(settings, home):
    before, _ = ingest(settings)
    (home / "landing" / "logs" / "auth.log").unlink()
    after, rows = ingest(settings)
    assert rows["log_events"] == []
    assert {name: count for name, count in after.outputs.changes["bronze.log_events"].items() if count} == {
        "deleted": 2
    }
    assert after.metrics["ingest/log_events/deleted"] == 2
    assert after.outputs.hashes["bronze.documents"] == before.outputs.hashes["bronze.documents"]
    assert after.outputs.tables["bronze.documents"] == before.outputs.tables["bronze.documents"]


def test_fetch_has_not_run(settings, home):
    (home / "reports" / "mini" / "fetch.json").unlink()
    with pytest.raises(DataError, match="kslm fetch"):
        kslm.ingest.run(settings)


def test_a_tarball_cut_short_is_an_error_that_names_it(settings, home):
    tar = home / "landing" / "tree.tar"
    tar.write_bytes(tar.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"tree.tar ends before byte"):
        kslm.ingest.run(settings)


def test_fetched_files_that_are_gone_do_not_empty_a_table(settings, home):
    (home / "landing" / "pci.ids").unlink()
    with pytest.raises(DataError, match=r"pci.ids"):
        kslm.ingest.run(settings)


def test_a_folder_where_a_file_is_expected_is_quarantined(settings, home):
    (home / "landing" / "pci.ids").unlink()
    (home / "landing" / "pci.ids").mkdir()
    report, rows = ingest(settings)
    assert rows["pci_ids"] == []
    assert [row["reason"] for row in rows["quarantine"] if row["source"] == "pci"] == ["cannot be read: Is a directory"]
    assert report.metrics["ingest/documents/rows"] == 6


def test_what_fetch_left_out_of_the_logs_is_quarantined(settings, home):
    sources = fetched(home)
    left_out = [
        {"path": "secret.log", "reason": "unreadable: Permission denied", "bytes": 0},
        {"path": "huge.log", "reason": "larger than 9 bytes: only its end is read", "bytes": 7},
    ]
    unreadable = tuple(LeftOut(**row) for row in left_out)
    write_fetched(home, sources | {"logs": sources["logs"].model_copy(update={"unreadable": unreadable})})
    _, rows = ingest(settings)
    found = [{name: row[name] for name in ("path", "reason", "bytes")} for row in rows["quarantine"]]
    assert [one for one in left_out if one not in found] == []


def test_a_report_of_fetch_is_all_that_is_read(settings, home):
    sources = fetched(home)
    del sources["logs"]
    write_fetched(home, sources)
    report = kslm.ingest.run(settings)
    assert report.metrics["ingest/log_events/rows"] == 0
    assert "not fetched, so not ingested: logs" in report.notes
