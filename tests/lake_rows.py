"""Rows of the lake's tables, and settings of a lake of their own."""

from __future__ import annotations

import pyarrow as pa

from kslm.lake import tables
from kslm.lake.arrow import arrow_schema
from kslm.settings import Environment, Settings, load_profile


def settings_in(home):
    env = Environment(_env_file=None, KSLM_HOME=home, KSLM_ENGINE="sail", KSLM_CATALOG="kslm", KSLM_SCHEMA="t")
    return Settings(load_profile("quick"), env)


def document(doc_id, text="text", at="now"):
    row = dict.fromkeys(tables.DOCUMENTS.columns)
    return row | {"doc_id": doc_id, "text": text, "bytes": len(text), "ingested_at": at}


def module(name, **more):
    row = dict.fromkeys(tables.MODULES.columns)
    return (
        row | {"module": name, "builtin": False, "aliases": ["a", "b"], "parameters": [("x", "1"), ("y", "2")]} | more
    )


def frame(lake, table, items):
    return lake.spark.createDataFrame(pa.Table.from_pylist(items, arrow_schema(table)), schema=table.ddl)


def upsert(lake, table, items):
    return lake.upsert(table, frame(lake, table, items))
