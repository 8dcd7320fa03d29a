"""Spark and Delta. The only room that knows which engine runs; see `open` and `Lake`."""

from __future__ import annotations

from pathlib import Path

from kslm.lake import tables
from kslm.lake.change import Change
from kslm.lake.engine import Engine, Size
from kslm.lake.lake import Lake
from kslm.lake.pinned import versions_in
from kslm.lake.tables import Table
from kslm.settings import Settings, load_settings

__all__ = ["Change", "Lake", "Size", "Table", "open", "tables", "versions_in"]


def open(profile: Settings | str | Path = "quick", *, at: str | Path | None = None) -> Lake:
    """Start the engine that the settings name, or attach to it.

    May be called any number of times, one after the other, in one process. Use it in a `with` statement, or, in a
    notebook, call `close` on what it returns.

    Args:
        profile: settings, or a profile's name or path, read together with the environment.
        at: a stage's report or a shards' manifest.json of a past run: the tables are shown at the versions it names,
            and cannot be written.

    Raises:
        KslmError: the engine cannot be had here, or `at` names no versions; says what to do.
    """
    settings = profile if isinstance(profile, Settings) else load_settings(profile)
    pinned = None if at is None else versions_in(Path(at))
    return Lake(_engine(settings), pinned)


def _engine(settings: Settings) -> Engine:
    if settings.env.engine == "databricks":
        from kslm.lake.databricks import DatabricksEngine

        return DatabricksEngine(settings)
    if settings.env.engine == "spark":
        from kslm.lake.spark import SparkEngine

        return SparkEngine(settings)
    from kslm.lake.sail import SailEngine

    return SailEngine(settings)
