"""What counts of a cache: what was sealed, by the same maker, and is as it was."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kslm.curate.reuse.cache import Cache

SCHEMA = pa.schema([("a", pa.string())])


def table(*values):
    return pa.table({"a": list(values)}, schema=SCHEMA)


def test_rows_are_those_of_the_last_store(tmp_path):
    cache = Cache(tmp_path / "c", "me")
    assert cache.rows is None
    assert cache.load(SCHEMA).num_rows == 0
    for values in (("1", "2"), ("3",), ()):
        cache.store(table(*values))
        assert cache.load(SCHEMA)["a"].to_pylist() == list(values)
        assert len(list((tmp_path / "c").iterdir())) == 1, "the old rows are gone"


def test_rows_that_something_else_made_are_none(tmp_path):
    Cache(tmp_path, "me").store(table("1"))
    assert Cache(tmp_path, "other").load(SCHEMA).num_rows == 0
    Cache(tmp_path, "other").store(table("2"))
    assert Cache(tmp_path, "me").rows is None


def test_a_run_that_is_killed_leaves_the_old_rows(tmp_path):
    cache = Cache(tmp_path, "me")
    cache.store(table("1"))
    with pytest.raises(KeyboardInterrupt), cache.replacing() as path:
        path.write_bytes(b"PAR1")
        raise KeyboardInterrupt
    assert cache.load(SCHEMA)["a"].to_pylist() == ["1"]
    cache.store(table("2"))
    assert cache.load(SCHEMA)["a"].to_pylist() == ["2"]


@pytest.mark.parametrize("name", ["rows.parquet", "manifest.json"])
@pytest.mark.parametrize("damage", [b"", b"PAR1 cut short", None])
def test_rows_that_are_not_as_sealed_are_none(tmp_path, name, damage):
    cache = Cache(tmp_path, "me")
    cache.store(table("1"))
    (file,) = tmp_path.rglob(name)
    file.unlink() if damage is None else file.write_bytes(damage)
    assert cache.load(SCHEMA).num_rows == 0


def test_what_rows_follow_from_is_known_as_long_as_they_serve(tmp_path):
    cache = Cache(tmp_path, "me")
    assert cache.follows_from is None
    with cache.replacing("this") as path:
        pq.write_table(table("1"), path)
    assert cache.follows_from == "this"
    assert Cache(tmp_path, "other").follows_from is None
    cache.store(table("2"))
    assert cache.follows_from == ""
