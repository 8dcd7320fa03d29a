"""What a write touched, the tables of past runs, and the upkeep of the files."""

from __future__ import annotations

import json
import shutil

import pytest

import kslm.lake
from kslm.errors import DataError
from kslm.lake import tables
from kslm.lake.change import Change, as_metrics, as_outputs
from kslm.outputs import Evaluated, Ingested
from kslm.report import Report
from lake_rows import document, make_equal, settings_in


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


def test_make_equal_counts_what_it_touched(settings):
    with kslm.lake.open(settings) as lake:
        version = make_equal(lake, tables.DOCUMENTS, [document("a"), document("b"), document("c")])
        assert lake.changes == {"bronze.documents": Change(version, inserted=3)}
        make_equal(
            lake, tables.DOCUMENTS, [document("a", at="later"), document("b", "new"), document("d"), document("e")]
        )
        assert lake.changes["bronze.documents"] == Change(version + 1, inserted=2, updated=1, deleted=1, unchanged=1)
        assert str(lake.changes["bronze.documents"]) == "+2 ~1 −1"
        make_equal(lake, tables.DOCUMENTS, [])
        assert lake.changes["bronze.documents"] == Change(version + 2, deleted=4)
        assert make_equal(lake, tables.DOCUMENTS, []) == version + 2, "an empty table that stays empty gets no commit"
        assert not lake.changes["bronze.documents"].any


def test_a_new_edition_of_the_same_rows_is_told_from_a_change(settings):
    with kslm.lake.open(settings) as lake:
        old = [document(name) | {"version": "1", "sha256": "1"} for name in "abc"]
        new = [row | {"version": "2", "sha256": "2"} for row in old[:2]] + [old[2] | {"text": "x", "version": "2"}]
        make_equal(lake, tables.DOCUMENTS, old)
        version = make_equal(lake, tables.DOCUMENTS, new)
        assert lake.changes["bronze.documents"] == Change(version, updated=1, restamped=2)
        assert make_equal(lake, tables.DOCUMENTS, new[:2]) == version + 1
        assert make_equal(lake, tables.DOCUMENTS, [row | {"version": "3"} for row in new[:2]]) == version + 2
        assert lake.changes["bronze.documents"] == Change(version + 2, restamped=2)
        assert {row["version"] for row in lake["bronze.documents"].collect()} == {"3"}


def test_a_row_that_only_moved_within_its_source_is_restamped(settings):
    with kslm.lake.open(settings) as lake:
        row = dict.fromkeys(tables.PCI_IDS.columns) | {"row_id": "8086", "name": "Intel", "line": 7}
        version = make_equal(lake, tables.PCI_IDS, [row])
        assert make_equal(lake, tables.PCI_IDS, [row | {"line": 8}]) == version + 1
        assert lake.changes["bronze.pci_ids"] == Change(version + 1, restamped=1)
        assert [row["line"] for row in lake["bronze.pci_ids"].collect()] == [8]


def test_what_the_key_settles_is_not_compared(settings):
    with kslm.lake.open(settings) as lake:
        row = dict.fromkeys(tables.SILVER_DOCUMENTS.columns) | {"doc_id": "a", "text": "text", "bytes": 4}
        version = make_equal(lake, tables.SILVER_DOCUMENTS, [row])
        before = lake.content_hash(tables.SILVER_DOCUMENTS)
        assert make_equal(lake, tables.SILVER_DOCUMENTS, [row | {"text": "no hash of its id"}]) == version
        assert make_equal(lake, tables.SILVER_DOCUMENTS, [row | {"doc_id": "b", "text": "other"}]) == version + 1
        assert lake.content_hash(tables.SILVER_DOCUMENTS) != before


def test_changes_as_a_report_holds_them():
    changes = {"bronze.files": Change(3, inserted=1, unchanged=4)}
    counts = {"inserted": 1, "updated": 0, "restamped": 0, "deleted": 0, "unchanged": 4}
    assert as_outputs(changes) == {"bronze.files": counts}
    assert as_metrics("ingest", changes) == {f"ingest/files/{name}": count for name, count in counts.items()}


@pytest.fixture
def two_runs(settings, tmp_path):
    """A table at two versions, and a record of the first as a report and as a manifest."""
    with kslm.lake.open(settings) as lake:
        first = make_equal(lake, tables.DOCUMENTS, [document("a"), document("b")])
        make_equal(lake, tables.DOCUMENTS, [document("c")])
    report, manifest = tmp_path / "ingest.json", tmp_path / "manifest.json"
    Report("ingest", "id", Ingested(tables={"bronze.documents": first}, hashes={}, changes={})).save(report)
    manifest.write_text(json.dumps({"lineage": {"table": "bronze.documents", "version": first}}))
    return report, manifest


def test_the_tables_of_a_past_run(settings, two_runs):
    for record in two_runs:
        with kslm.lake.open(settings, at=record) as past:
            assert past.tables() == ["bronze.documents"]
            assert {row["doc_id"] for row in past["bronze.documents"].collect()} == {"a", "b"}
            assert past.content_hash(tables.DOCUMENTS).endswith("-2")
            with pytest.raises(DataError, match="cannot be written"):
                make_equal(past, tables.DOCUMENTS, [document("x")])
            with pytest.raises(DataError, match="that run's record"):
                past.read(tables.CORPUS)
    with kslm.lake.open(settings) as now:
        assert now["bronze.documents"].count() == 1


def test_a_version_that_vacuum_took_is_an_error_with_a_remedy(settings, two_runs):
    with kslm.lake.open(settings) as lake:
        before = lake.size(tables.DOCUMENTS)
        lake.vacuum(tables.DOCUMENTS)
        assert lake.size(tables.DOCUMENTS) == before, "a week's versions are kept"
        lake.vacuum(tables.DOCUMENTS, retention_hours=0)
        after = lake.size(tables.DOCUMENTS)
        assert (after.files, after.bytes) == (before.files, before.bytes)
        assert after.bytes == after.stored_bytes < before.stored_bytes
        with pytest.raises(DataError, match="version 99"):
            lake.read(tables.DOCUMENTS, version=99)
    with kslm.lake.open(settings, at=two_runs[0]) as past, pytest.raises(DataError, match="retention"):
        past.read(tables.DOCUMENTS)


def test_a_record_without_versions_is_refused(settings, tmp_path):
    record = tmp_path / "train.json"
    with pytest.raises(DataError, match="kslm corpus history"):
        kslm.lake.open(settings, at=record)
    Report("evaluate", "id", Evaluated()).save(record)
    with pytest.raises(DataError, match="names no versions"):
        kslm.lake.open(settings, at=record)
    record.write_text("[]")
    with pytest.raises(DataError, match="unreadable"):
        kslm.lake.open(settings, at=record)


def test_opened_by_name_without_a_with_statement(tmp_path, monkeypatch):
    monkeypatch.setenv("KSLM_HOME", str(tmp_path))
    lake = kslm.lake.open("quick")
    assert lake.tables() == []
    make_equal(lake, tables.DOCUMENTS, [document("a")])
    assert lake.tables() == ["bronze.documents"]
    assert lake["bronze.documents"].count() == 1
    with pytest.raises(DataError, match="kslm curate"):
        lake["gold.corpus"]
    with pytest.raises(DataError, match=r"one of: bronze\.files"):
        lake["corpus"]
    lake.close()
    assert (tmp_path / "lake" / "quick_bronze").is_dir()
    shutil.rmtree(tmp_path / "lake")
