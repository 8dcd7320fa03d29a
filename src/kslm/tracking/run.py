"""What training and evaluation tell MLflow of one run.

Metrics are sent in batches, because each call to a local sqlite store costs some 45 ms. The run's id is kept in the
training folder, so a process that was killed and started again goes on with the same MLflow run, in a moved home too.

Limits: metrics logged since the last batch are lost with a killed process; the steps are repeated then, and logged
again. A step repeated after a resume has two points in its curve.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kslm.published import write_atomically
from kslm.settings import Settings
from kslm.tokens.manifest import Manifest
from kslm.tracking.client import connect, experiment_id

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient

MODEL_FILES = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
FLUSH_SECONDS = 15.0
LONGEST_PARAM = 6000
PARAMS_A_BATCH = 100


class Tracker:
    """A tracker that forgets everything: what ranks other than the first are given."""

    run_id = ""

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log numbers, sooner or later; `flush` makes it now."""

    def flush(self) -> None:
        """Send what is waiting."""

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags of the run."""

    def text(self, text: str, file: str) -> None:
        """Store a text artifact under a relative path."""

    def checkpoint(self, folder: Path, step: int, values: Mapping[str, float]) -> str:
        """Store a checkpoint's model files as a logged model with its metrics; returns its id."""
        return ""

    def finish(self, status: str) -> None:
        """End the run: FINISHED, FAILED or KILLED."""


class MlflowTracker(Tracker):
    """One MLflow run."""

    def __init__(self, client: MlflowClient, experiment_id: str, run_id: str) -> None:
        self.client = client
        self.experiment_id = experiment_id
        self.run_id = run_id
        self._waiting: list[Any] = []
        self._flushed = time.monotonic()

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Log numbers; sent when some have waited for FLUSH_SECONDS."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._waiting += [Metric(name, float(value), now, step) for name, value in values.items()]
        if time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send the waiting metrics."""
        if self._waiting:
            self.client.log_batch(self.run_id, metrics=self._waiting)
        self._waiting = []
        self._flushed = time.monotonic()

    def params(self, values: Mapping[str, str]) -> None:
        """Log parameters; MLflow refuses to change one, so a resumed run's are equal or left as they are."""
        from mlflow.entities import Param

        known = self.client.get_run(self.run_id).data.params
        new = [Param(name, value[:LONGEST_PARAM]) for name, value in values.items() if name not in known]
        for begin in range(0, len(new), PARAMS_A_BATCH):
            self.client.log_batch(self.run_id, params=new[begin : begin + PARAMS_A_BATCH])

    def tags(self, values: Mapping[str, str]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        self.client.log_batch(self.run_id, tags=[RunTag(name, value[:5000]) for name, value in values.items()])

    def text(self, text: str, file: str) -> None:
        """Store a text artifact."""
        self.client.log_text(self.run_id, text, file)

    def figure(self, figure: Figure, file: str) -> None:
        """Store a plot under a relative path."""
        self.client.log_figure(self.run_id, figure, file)

    def checkpoint(self, folder: Path, step: int, values: Mapping[str, float]) -> str:
        """Store a checkpoint as a logged model: weights, configuration and tokenizer, not the optimizer."""
        model = self.client.create_logged_model(
            self.experiment_id,
            name=f"step-{step}",
            source_run_id=self.run_id,
            tags={"step": str(step)},
            model_type="checkpoint",
        )
        for name in MODEL_FILES:
            if (folder / name).exists():
                self.client.log_model_artifact(model.model_id, str(folder / name))
        self.client.finalize_logged_model(model.model_id, "READY")
        for name, value in values.items():
            self.client.log_metric(self.run_id, name, value, step=step, model_id=model.model_id)
        return model.model_id

    def lineage(self, manifest: Manifest, settings: Settings) -> None:
        """Record which version of the corpus, and which shards, the run reads."""
        from mlflow.data.delta_dataset_source import DeltaDatasetSource
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.entities import DatasetInput, InputTag

        layer, table = manifest.lineage.table.split(".")[-2:]
        schema = layer if layer.startswith(settings.schema_prefix) else f"{settings.schema_prefix}_{layer}"
        if settings.on_databricks:
            place = {"delta_table_name": f"{settings.env.catalog}.{schema}.{table}"}
        else:
            place = {"path": str(settings.home.lake / schema / table)}
        source = DeltaDatasetSource(**place, delta_table_version=manifest.lineage.version)
        # MLflow cuts digests at 36 characters itself, with an error; the whole hash is in the tags.
        dataset: Any = MetaDataset(source, name=manifest.lineage.table, digest=manifest.lineage.content_hash[:36])  # type: ignore[abstract]
        entry = DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", "training")])
        self.client.log_inputs(self.run_id, [entry])
        self.tags(
            {
                "data/table": manifest.lineage.table,
                "data/table_version": str(manifest.lineage.version),
                "data/content_hash": manifest.lineage.content_hash,
                "data/tokens_fingerprint": manifest.fingerprint,
                "data/tokens_content_id": manifest.content_id,
            }
        )

    def loss_history(self) -> dict[str, list[tuple[int, float]]]:
        """Step and value of the run's loss curves, the newest value of a step that was repeated."""
        curves = {}
        for name in ("train/loss", "val/loss"):
            points = self.client.get_metric_history(self.run_id, name)
            newest = {point.step: point.value for point in sorted(points, key=lambda point: point.timestamp)}
            curves[name] = sorted(newest.items())
        return curves

    def finish(self, status: str) -> None:
        """Flush and end the run."""
        self.flush()
        self.client.set_terminated(self.run_id, status)


def open_run(settings: Settings, name: str, folder: Path) -> MlflowTracker:
    """Go on with the run that `folder` names, or start one (inside the one that a launcher has opened, if any)."""
    client = connect(settings)
    experiment = experiment_id(client, settings)
    note, store = folder / "mlflow.json", settings.home.portable(settings.tracking_uri)
    run_id = os.environ.get("MLFLOW_RUN_ID", "")
    if note.exists():
        stored = json.loads(note.read_text("utf-8"))
        run_id = stored["run_id"] if stored["tracking_uri"] == store else run_id
    if not run_id or not _known(client, run_id):
        run_id = client.create_run(experiment, run_name=name).info.run_id
    write_atomically(note, json.dumps({"run_id": run_id, "tracking_uri": store}))
    client.update_run(run_id, status="RUNNING")
    return MlflowTracker(client, experiment, run_id)


def attach(settings: Settings, run_id: str) -> MlflowTracker:
    """A finished run, to log more to it."""
    client = connect(settings)
    return MlflowTracker(client, experiment_id(client, settings), run_id)


def _known(client: MlflowClient, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run_id).info.lifecycle_stage == "active"
    except MlflowException:
        return False
