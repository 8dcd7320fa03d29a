"""Past training runs, read from MLflow: how each went, what they differ in, and how their losses fell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kslm.errors import DataError
from kslm.settings import Settings
from kslm.tracking.client import connect
from kslm.tracking.run import attach

Curve = list[tuple[int, float]]
HEADLINE = (
    "val/loss",
    "test/perplexity",
    "test/bits_per_byte",
    "test/top1",
    "train/tokens_per_second",
    "cost/cpu_hours",
)
"""Metrics that say how a run went."""


@dataclass(frozen=True)
class TrainingRun:
    """One run of the profile's experiment.

    Attributes:
        minutes: from start to end, or until now.
        metrics: the newest value of each.
        params: the profile, flattened, and library versions.
    """

    run_id: str
    name: str
    status: str
    started: datetime
    minutes: float
    metrics: dict[str, float]
    params: dict[str, str]

    @property
    def label(self) -> str:
        """Name and the beginning of the id: two runs may have one name."""
        return f"{self.name} ({self.run_id[:6]})"


def recent(settings: Settings, limit: int = 20) -> list[TrainingRun]:
    """The newest runs of the profile's experiment, newest first; none where there is no experiment yet."""
    store = settings.tracking_uri.removeprefix("sqlite:///")
    if store != settings.tracking_uri and not Path(store).exists():
        return []
    client = connect(settings)
    experiment = client.get_experiment_by_name(settings.experiment)
    if experiment is None:
        return []
    found = client.search_runs([experiment.experiment_id], max_results=limit, order_by=["attributes.start_time DESC"])
    return [_run(entity) for entity in found]


def newest(settings: Settings) -> TrainingRun:
    """The newest run of the profile's experiment, which may still be at work.

    Raises:
        DataError: there is none yet.
    """
    found = recent(settings, limit=1)
    if not found:
        raise DataError(
            f"no run in experiment {settings.experiment} yet",
            remedy=f"train one: kslm train --profile {settings.profile.profile}",
        )
    return found[0]


def figures(runs: list[TrainingRun]) -> list[dict[str, Any]]:
    """One row a figure: its name, and its value under each run's label; None for a metric that was not logged."""
    values: dict[str, list[Any]] = {
        "status": [run.status for run in runs],
        "started": [f"{run.started:%Y-%m-%d %H:%M}" for run in runs],
        "minutes": [run.minutes for run in runs],
    }
    values |= {name: [run.metrics.get(name) for run in runs] for name in HEADLINE}
    return _side_by_side(runs, "figure", values)


def differences(runs: list[TrainingRun]) -> list[dict[str, Any]]:
    """One row a parameter that is not the same in all runs: its name, and its value under each run's label."""
    names = sorted({name for run in runs for name in run.params})
    values = {name: [run.params.get(name, "") for run in runs] for name in names}
    return _side_by_side(
        runs, "parameter", {name: of_runs for name, of_runs in values.items() if len(set(of_runs)) > 1}
    )


def losses(settings: Settings, runs: list[TrainingRun], name: str = "val/loss") -> dict[str, Curve]:
    """A loss by step, under the label of each run that has logged it."""
    curves = {run.label: attach(settings, run.run_id).loss_history()[name] for run in runs}
    return {label: curve for label, curve in curves.items() if curve}


def _side_by_side(runs: list[TrainingRun], what: str, values: dict[str, list[Any]]) -> list[dict[str, Any]]:
    labels = [run.label for run in runs]
    return [{what: name} | dict(zip(labels, of_runs, strict=True)) for name, of_runs in values.items()]


def _run(entity: Any) -> TrainingRun:
    started = datetime.fromtimestamp(entity.info.start_time / 1000, UTC)
    ended = datetime.fromtimestamp(entity.info.end_time / 1000, UTC) if entity.info.end_time else datetime.now(UTC)
    return TrainingRun(
        run_id=entity.info.run_id,
        name=entity.info.run_name,
        status=entity.info.status,
        started=started,
        minutes=(ended - started).total_seconds() / 60,
        metrics=dict(entity.data.metrics),
        params=dict(entity.data.params),
    )
