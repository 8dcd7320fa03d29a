"""Spark and Delta. The only room that knows which engine runs; see `open` and `Lake`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kslm.lake import tables
from kslm.lake.engine import Engine
from kslm.lake.lake import Lake
from kslm.lake.tables import Table
from kslm.settings import Settings

__all__ = ["Lake", "Table", "open", "tables"]


@contextmanager
def open(settings: Settings) -> Iterator[Lake]:
    """Start the engine that `settings` name, or attach to it.

    May be called any number of times, one after the other, in one process.

    Raises:
        KslmError: the engine cannot be had here; says what to do.
    """
    engine = _engine(settings)
    try:
        yield Lake(engine)
    finally:
        engine.close()


def _engine(settings: Settings) -> Engine:
    if settings.env.engine == "databricks":
        from kslm.lake.databricks import DatabricksEngine

        return DatabricksEngine(settings)
    if settings.env.engine == "spark":
        from kslm.lake.spark import SparkEngine

        return SparkEngine(settings)
    from kslm.lake.sail import SailEngine

    return SailEngine(settings)
