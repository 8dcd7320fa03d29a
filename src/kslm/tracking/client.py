"""How MLflow is reached: by explicit clients only.

No global state is set, so nothing leaks between stages that share a process.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from kslm.settings import Settings
from kslm.tracking import moved

if TYPE_CHECKING:
    from mlflow import MlflowClient


def connect(settings: Settings) -> MlflowClient:
    """A client of the settings' tracking store and registry; a local store is made, or brought up to where it lies."""
    quieten()
    moved.follow(settings)
    from mlflow import MlflowClient

    if settings.tracking_uri.startswith("sqlite:///"):
        settings.home.root.mkdir(parents=True, exist_ok=True)
    return MlflowClient(settings.tracking_uri, settings.registry_uri)


def experiment_id(client: MlflowClient, settings: Settings) -> str:
    """The profile's experiment, made unless it exists."""
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(settings.experiment)
    if experiment is None:
        local = settings.tracking_uri.startswith("sqlite:///")
        # Another process may make it at the same moment.
        with suppress(MlflowException):
            client.create_experiment(
                settings.experiment,
                artifact_location=(settings.home.root / moved.ARTIFACTS).as_uri() if local else None,
                tags={"mlflow.experimentKind": "custom_model_development"},  # the UI's view of training, not of agents
            )
        experiment = client.get_experiment_by_name(settings.experiment)
    assert experiment is not None
    return experiment.experiment_id


def quieten() -> None:
    """Keep MLflow and its database migrations from writing to the terminal; a live view may be on it."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    for name in ("alembic", "mlflow", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.ERROR)
