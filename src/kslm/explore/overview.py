"""The corpus in a few lines: documents and bytes by slice, split and source; and the runs that made its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from kslm.errors import DataError
from kslm.lake import Lake
from kslm.lake.pinned import versions_in
from kslm.lake.tables import CORPUS
from kslm.report import Anything, Report
from kslm.settings import Settings
from kslm.tokens.manifest import Manifest


class Count(NamedTuple):
    """Documents and bytes of text of one source in one slice and split."""

    slice: str
    source: str
    split: str
    documents: int
    bytes: int


def overview(lake: Lake) -> list[Count]:
    """Counts of gold.corpus, sorted.

    Raises:
        DataError: curate has not run.
    """
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    keys = ["slice", "source", "split"]
    counted = lake.read(CORPUS).groupBy(*keys).agg(F.count(F.lit(1)).alias("documents"), F.sum("bytes").alias("bytes"))
    return sorted(Count(**row.asDict()) for row in counted.collect())


def shards(manifest: Manifest) -> list[dict[str, Any]]:
    """Amounts of each slice of each split, as stored: every document once; see `kslm.tokens.manifest.Counts`."""
    return [
        {"split": split, "slice": name} | part.model_dump()
        for split, record in manifest.splits.items()
        for name, part in record.by_slice.items()
    ]


@dataclass(frozen=True)
class PastRun:
    """One publication of ingest or curate: its report, when that was written, and the tables' versions."""

    path: Path
    stage: str
    finished: datetime
    output_id: str
    versions: dict[str, int]
    changes: dict[str, dict[str, int]] = field(default_factory=dict)


def history(settings: Settings) -> list[PastRun]:
    """The past runs of a profile that wrote tables, newest first; `kslm.lake.open(settings, at=path)` shows one's."""
    runs = []
    for path in settings.home.history(settings.profile.profile).glob("*.json"):
        try:
            report, versions = Report.load(path, Anything), versions_in(path)
        except DataError:  # a stage without tables
            continue
        finished = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        changes = (report.outputs.model_extra or {}).get("changes", {})
        runs.append(PastRun(path, report.stage, finished, report.output_id, versions, changes))
    return sorted(runs, key=lambda run: (run.finished, run.path), reverse=True)
