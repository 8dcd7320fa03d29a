"""Rows of the lake's tables, and settings of a lake of their own."""

from __future__ import annotations

import pyarrow as pa

from kslm.ingest.rows import Origin, symbol_row
from kslm.kinds import EVERY_SOURCE, KCONFIG, MAN, of
from kslm.lake import tables
from kslm.lake.arrow import arrow_schema, to_batch
from kslm.settings import Environment, Settings, load_profile
from kslm.sources.kernel import kconfig, kconfig_tree


def settings_in(home, engine="sail"):
    env = Environment(_env_file=None, KSLM_HOME=home, KSLM_ENGINE=engine, KSLM_CATALOG="kslm", KSLM_SCHEMA="t")
    return Settings(load_profile("quick"), env)


def row(table, **values):
    """A row of a table; columns not given are null."""
    return dict.fromkeys(table.columns) | values


def document(doc_id, text="text", at="now"):
    return row(tables.DOCUMENTS, doc_id=doc_id, text=text, bytes=len(text), ingested_at=at)


def module(name, **more):
    values = {"builtin": False, "aliases": ["a", "b"], "parameters": [("x", "1"), ("y", "2")]} | more
    return row(tables.MODULES, module=name, **values)


def symbols(rows):
    """Rows of bronze.config_symbols for the Kconfig files among rows of bronze.documents."""
    files = {file["path"]: file for file in rows if file["kind"] == KCONFIG.name}
    for path, entry in kconfig_tree.entries({path: file["text"] for path, file in files.items()}):
        file = files[path]
        origin = Origin(file["source"], file["version"], file["licence"], "", "")
        yield symbol_row(entry.symbol, path, file["doc_id"], origin)


def parsed(row):
    """What a row of bronze.documents is parsed to; the text of a manual page is taken for rendered already."""
    kind = of(row["kind"])
    if kind is KCONFIG:
        return [entry.symbol for entry in kconfig.parse(row["text"])]
    return row["text"] if kind is MAN else kind.parse(row)


def texts_of(row, entities, overrides=EVERY_SOURCE):
    """Texts and questions of a row of bronze.documents; see `parsed`."""
    return of(row["kind"]).texts(row, parsed(row), entities, overrides)


def frame(lake, table, items):
    return lake.spark.createDataFrame(pa.Table.from_pylist(items, arrow_schema(table)), schema=table.ddl)


def make_equal(lake, table, items):
    return lake.make_equal(table, frame(lake, table, items))


def to_table(rows, table):
    """Tuples as an Arrow table with the table's columns."""
    return pa.Table.from_batches([to_batch(rows, table)])
