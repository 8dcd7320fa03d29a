"""How MLflow is reached: by explicit clients only.

No global state is set, so nothing leaks between stages that share a process.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kslm.errors import KslmError, SettingsError
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
    """The profile's experiment, made unless it exists.

    Raises:
        SettingsError: it can be neither found nor made; on Databricks, where a name is a workspace path, its folder has
            to exist.
        KslmError: it may not be read.
    """
    from mlflow.exceptions import MlflowException

    with permitted(f"the MLflow experiment {settings.experiment} cannot be read", "CAN EDIT on it"):
        found = client.get_experiment_by_name(settings.experiment)
    if found is not None:
        return found.experiment_id
    local = settings.tracking_uri.startswith("sqlite:///")
    try:
        return client.create_experiment(
            settings.experiment,
            artifact_location=(settings.home.root / moved.ARTIFACTS).as_uri() if local else None,
            tags={"mlflow.experimentKind": "custom_model_development"},  # the UI's view of training, not of agents
        )
    except MlflowException as error:
        # Another process may have made it at the same moment.
        if found := client.get_experiment_by_name(settings.experiment):
            return found.experiment_id
        raise SettingsError(
            f"the MLflow experiment {settings.experiment} does not exist, and cannot be made",
            cause=str(error.message),
            remedy="set MLFLOW_EXPERIMENT_NAME to a path in a folder of the workspace that exists, such as "
            "/Users/<you>/kslm, or to the experiment that databricks bundle deploy has made",
        ) from error


@contextmanager
def permitted(problem: str, privilege: str) -> Iterator[None]:
    """Say which privilege is missing where the tracking store or the registry refuses.

    Unity Catalog also refuses to tell whether a model exists to those who may not see it.

    Raises:
        KslmError: the call inside was refused for want of a privilege.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "PERMISSION_DENIED":
            raise
        raise KslmError(
            problem,
            cause=f"no privilege: {str(error.message)[:300]}",
            remedy=f"have {privilege} granted to whom this runs as, or run as the owner (run_as in databricks.yml)",
        ) from error


def quieten() -> None:
    """Keep MLflow and its database migrations from writing to the terminal; a live view may be on it."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    for name in ("alembic", "mlflow", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.ERROR)
