"""Tables that hold what they would be made equal to: left alone then, and only then."""

from __future__ import annotations

import shutil

import pytest

import kslm.lake
from kslm.curate.reuse.cache import Cache
from kslm.curate.reuse.written import Written
from kslm.lake import Change, tables
from lake_rows import frame, row, settings_in

TABLE = tables.REJECTS


def rejects(*names, figure=1.0):
    return [row(TABLE, doc_id=name, reason="r", figure=figure) for name in names]


@pytest.fixture
def lake(tmp_path):
    with kslm.lake.open(settings_in(tmp_path)) as opened:
        yield opened


@pytest.fixture
def write(lake, tmp_path):
    """Make the table equal; returns whether its rows were asked for. The table is as it should be afterwards."""

    def write(made_of, rows, code="code"):
        asked = []
        written = Written(lake, Cache(tmp_path / "written", code))
        written.make_equal(TABLE, made_of, lambda: asked.append(1) or frame(lake, TABLE, rows))
        assert sorted(lake.read(TABLE).toArrow()["doc_id"].to_pylist()) == sorted(one["doc_id"] for one in rows)
        assert written.hashes == {"silver.rejects": lake.content_hash(TABLE)}
        assert written.versions == {"silver.rejects": lake.version(TABLE)}
        return bool(asked)

    return write


def test_what_is_made_of_the_same_is_left(lake, write):
    assert write("1", rejects("a", "b"))
    assert not write("1", rejects("a", "b"))
    assert lake.changes["silver.rejects"] == Change(lake.version(TABLE), unchanged=2)


def test_what_is_made_of_something_else_is_made_equal(lake, write):
    write("1", rejects("a", "b"))
    assert write("2", rejects("a"))
    assert write("1", rejects("a", "b")), "what was before is not what is"
    version = lake.version(TABLE)
    assert write("3", rejects("a", "b"))
    assert lake.version(TABLE) == version
    assert not write("3", rejects("a", "b"))


def test_other_code_makes_it_anew(write):
    write("1", rejects("a"))
    assert write("1", rejects("a"), code="other")


def test_a_table_that_somebody_else_wrote_is_made_equal(lake, write):
    write("1", rejects("a", "b"))
    lake.make_equal(TABLE, frame(lake, TABLE, rejects("a", "c")))
    assert write("1", rejects("a", "b"))


def test_a_table_that_was_removed_or_is_another_one_is_made_equal(tmp_path, lake, write):
    """Its version may be the same number."""
    write("1", rejects("a", "b"))
    version, folder = lake.version(TABLE), tmp_path / "lake" / "t_silver"
    shutil.rmtree(folder)
    with kslm.lake.open(settings_in(tmp_path)) as other:
        other.make_equal(TABLE, frame(other, TABLE, rejects("c")))
        assert other.version(TABLE) == version
    assert write("1", rejects("a", "b"))
    shutil.rmtree(folder)
    with kslm.lake.open(settings_in(tmp_path)) as other:
        written = Written(other, Cache(tmp_path / "written", "code"))
        written.make_equal(TABLE, "1", lambda: frame(other, TABLE, rejects("a", "b")))
        assert other.read(TABLE).count() == 2


def test_a_run_that_is_killed_before_it_is_noted_costs_a_comparison(lake, write, monkeypatch):
    write("1", rejects("a"))
    with monkeypatch.context() as patch:
        patch.setattr(Cache, "store", lambda self, table: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write("2", rejects("b"))
    assert write("1", rejects("a"))
