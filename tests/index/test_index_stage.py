"""The look-up index of a lake: published whole, by its content, and alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from index_rows import IDS, fill
from kslm import index, lake, published
from kslm.errors import DataError
from kslm.lake import tables
from kslm.settings import Environment, Settings, load_profile
from lake_rows import make_equal


@pytest.fixture
def settings(tmp_path):
    return Settings(load_profile("quick"), Environment(KSLM_HOME=tmp_path))


def test_without_tables_the_error_says_which_stage_to_run(settings):
    with pytest.raises(DataError, match="kslm ingest"):
        index.run(settings)


def test_it_is_published_by_content_and_alone(settings):
    fill(settings)
    first = index.run(settings)
    folder = settings.home.at(first.outputs.folder)
    assert published.whole(folder) is not None
    assert first.metrics["index/pci_ids/rows"] == 2 and first.outputs.rows["config_symbols"] == 1
    assert first.outputs.rows["drivers"] == 1
    assert first.outputs.inputs.keys() == {f"bronze.{name}" for name in ("pci_ids", "modules", "config_symbols")}
    assert index.run(settings).output_id == first.output_id

    database = settings.home.at(first.outputs.lookup)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT name, requires FROM config_symbols").fetchall() == [("IGB", "NETDEVICES")]
    raw = bytearray(database.read_bytes())
    raw[-1] ^= 1
    database.write_bytes(raw)
    assert index.run(settings).output_id == first.output_id
    assert published.whole(folder) is not None, "a damaged file was taken for the published one"

    with lake.open(settings) as engine:
        make_equal(engine, tables.PCI_IDS, IDS[:1])
    second = index.run(settings)
    assert second.output_id != first.output_id
    assert [path.name for path in folder.parent.iterdir()] == [settings.home.at(second.outputs.folder).name]
