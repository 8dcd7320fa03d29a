"""The lake on the default engine."""

from __future__ import annotations

import pytest

import kslm.lake
from kslm.errors import DataError
from kslm.lake import tables
from kslm.lake.arrow import ParquetSpool
from kslm.lake.lake import content_columns
from kslm.settings import Environment, Settings, load_profile
from lake_rows import document, frame, make_equal, module, settings_in


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


def test_the_table_is_made_equal(settings):
    with kslm.lake.open(settings) as lake:
        assert lake.version(tables.DOCUMENTS) == -1
        odd = "x\0y ü😀"
        first = make_equal(lake, tables.DOCUMENTS, [document("a"), document("b", odd), document("c", "z")])
        rerun = [document("c", "z", at="later"), document("a"), document("b", odd)]
        assert make_equal(lake, tables.DOCUMENTS, rerun) == first, "only a volatile column differs"
        changed = [document("a", "changed", at="later"), document("b", odd, at="later"), document("d")]
        assert make_equal(lake, tables.DOCUMENTS, changed) == first + 1, "one commit"
        stored = {row["doc_id"]: (row["text"], row["ingested_at"]) for row in lake.read(tables.DOCUMENTS).collect()}
        assert stored == {"a": ("changed", "later"), "b": (odd, "later"), "d": ("text", "now")}
        assert lake.read(tables.DOCUMENTS, version=first).count() == 3


def test_maps_and_arrays_take_part(settings):
    with kslm.lake.open(settings) as lake:
        first = make_equal(lake, tables.MODULES, [module("m"), module("n", aliases=None, parameters=None)])
        swapped = module("m", parameters=[("y", "2"), ("x", "1")])
        assert make_equal(lake, tables.MODULES, [swapped, module("n", aliases=None, parameters=None)]) == first
        assert make_equal(lake, tables.MODULES, [swapped, module("n", aliases=[], parameters=None)]) == first + 1
        assert make_equal(lake, tables.MODULES, [module("m", parameters=[("x", "1")]), module("n")]) == first + 2


def test_survives_reopening(settings):
    with kslm.lake.open(settings) as lake:
        make_equal(lake, tables.MODULES, [module("m")])
        before = lake.content_hash(tables.MODULES)
    with kslm.lake.open(settings) as lake:
        assert lake.content_hash(tables.MODULES) == before
        assert make_equal(lake, tables.MODULES, [module("m")]) == 1
        assert before.endswith("-1")


def test_duplicate_and_null_keys_are_refused(settings):
    with kslm.lake.open(settings) as lake:
        with pytest.raises(DataError, match=r"bronze.documents: doc_id='a'"):
            make_equal(lake, tables.DOCUMENTS, [document("a"), document("a")])
        assert lake.read(tables.DOCUMENTS).count() == 0
        make_equal(lake, tables.DOCUMENTS, [document("a")])
        with pytest.raises(DataError, match=r"doc_id='b'"):
            make_equal(lake, tables.DOCUMENTS, [document("b"), document("a"), document("b")])
        with pytest.raises(DataError, match="null in the key"):
            make_equal(lake, tables.DOCUMENTS, [document(None), document("a")])
        assert [row["doc_id"] for row in lake.read(tables.DOCUMENTS).collect()] == ["a"]


def test_schema_is_asserted(settings):
    with kslm.lake.open(settings) as lake:
        df = frame(lake, tables.DOCUMENTS, [document("a")])
        with pytest.raises(DataError, match=r"bronze.documents is bytes string, not bytes bigint"):
            lake.make_equal(tables.DOCUMENTS, df.withColumn("bytes", df["bytes"].cast("string")))
        with pytest.raises(DataError, match=r"column 10 of bronze.documents is nothing"):
            lake.make_equal(tables.DOCUMENTS, df.drop("ingested_at"))
        with pytest.raises(DataError, match="does not exist"):
            lake.read(tables.CORPUS)


def test_maintenance(settings):
    with kslm.lake.open(settings) as lake:
        for n in range(3):
            make_equal(lake, tables.DOCUMENTS, [document(str(i)) for i in range(n + 1)])
        before = lake.content_hash(tables.DOCUMENTS)
        lake.optimize(tables.DOCUMENTS)
        lake.vacuum(tables.DOCUMENTS, retention_hours=0)
        assert lake.content_hash(tables.DOCUMENTS) == before
        assert lake.history(tables.DOCUMENTS)[0]["version"] == lake.version(tables.DOCUMENTS)


def test_empty_dataframe_empties_the_table(settings):
    with kslm.lake.open(settings) as lake:
        make_equal(lake, tables.DOCUMENTS, [])
        make_equal(lake, tables.DOCUMENTS, [document("a")])
        make_equal(lake, tables.DOCUMENTS, [])
        assert lake.read(tables.DOCUMENTS).count() == 0


def test_content_columns_leave_out_volatile_ones():
    assert "ingested_at" not in content_columns(tables.DOCUMENTS)


def test_any_path_will_do_for_a_home(tmp_path):
    home = tmp_path / "Jörg's [old] home #1 100%"
    env = Environment(_env_file=None, KSLM_HOME=home, KSLM_ENGINE="sail")
    with kslm.lake.open(Settings(load_profile("quick"), env)) as lake:
        spool = ParquetSpool(tables.DOCUMENTS, home / "rows" / "documents.parquet")
        for number in range(3):
            spool.add(document(str(number)))
        spool.close()
        lake.make_equal(tables.DOCUMENTS, lake.read_parquet(tables.DOCUMENTS, spool.path))
        assert lake.read(tables.DOCUMENTS).count() == 3
        lake.write_parquet(lake.read(tables.DOCUMENTS), home / "between steps")
        assert lake.read_parquet(tables.DOCUMENTS, home / "between steps").count() == 3
        assert list((home / "between steps").glob("*.parquet"))
        assert (home / "lake" / "quick_bronze" / "documents" / "_delta_log").is_dir()
