"""The first line of a notebook: `book = notebook.start(globals())`.

On Databricks the parameters are widgets, so a person can change each, and a job that runs the notebook as a task fills
those that are named as its own parameters are. In Jupyter and in plain Python they are environment variables.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from kslm.notebook.deployment import PROFILE, Deployment
from kslm.notebook.display import display_of
from kslm.notebook.progress import Lines
from kslm.report import Progress
from kslm.settings import Settings, load_settings, profile_folders


@dataclass(frozen=True)
class Notebook:
    """What a notebook works with.

    Attributes:
        settings: of the profile that was chosen.
        display: shows a table (pandas), a plot (matplotlib) or a text.
        progress: tells about long work in lines of text.
        ask: the value of a parameter of the notebook's own, by name, default, label and, if there are some, choices.
    """

    settings: Settings
    display: Callable[[Any], None]
    progress: Progress
    ask: Callable[..., str]

    @property
    def places(self) -> pd.DataFrame:
        """What the notebook works on, for a person to see before anything runs: one row a setting."""
        settings = self.settings
        rows = {
            "profile": settings.profile.profile,
            "engine": settings.env.engine,
            "home": str(settings.home.root),
            "tables": f"{settings.env.catalog}.{settings.schema_prefix}_bronze, _silver, _gold",
            "model": settings.registered_model,
            "experiment": settings.experiment,
        }
        return pd.DataFrame(rows.items(), columns=["setting", "value"])


def start(names: Mapping[str, Any]) -> Notebook:
    """Read the parameters and load the settings.

    Args:
        names: the notebook's `globals()`; on Databricks `dbutils`, `spark` and `display` are among them.

    Raises:
        SettingsError: no such profile, or a value that cannot be used.
    """
    label, profiles = "Profile: one of kslm's, or a path", _profiles()
    if "dbutils" not in names:
        ask: Callable[..., str] = _ask_environment
        profile = ask("profile", PROFILE, label, profiles)
    else:
        ask = _ask_widgets(names["dbutils"].widgets)
        user = str(names["spark"].sql("SELECT current_user()").first()[0])
        deployment = Deployment.around(PurePosixPath(Path.cwd()), user)
        profile = ask("profile", deployment.profile, label, profiles)
        os.environ.update(_environment(ask, deployment))
    return Notebook(load_settings(profile), display_of(names), Lines(), ask)


def _profiles() -> list[str]:
    return sorted({path.stem for folder in profile_folders() for path in folder.glob("*.yml")})


def _environment(ask: Callable[..., str], deployment: Deployment) -> dict[str, str]:
    """The variables that the job's tasks set too; what is left empty follows from catalog and schema."""
    catalog = ask("catalog", deployment.catalog, "Catalog")
    schema = ask("schema", deployment.schema, "Schema of volume and model")
    home = ask("home", "", "Home (empty: the volume home of the schema)")
    experiment = ask("experiment", "", "MLflow experiment (empty: the deployment's)")
    model = ask("model", "", "Registered model (empty: as the schema)")
    return {
        "KSLM_ENGINE": "databricks",
        "KSLM_CATALOG": catalog,
        "KSLM_SCHEMA": schema,
        "KSLM_HOME": home or f"/Volumes/{catalog}/{schema}/home",
        "MLFLOW_EXPERIMENT_NAME": experiment or deployment.experiment(schema),
        "KSLM_REGISTERED_MODEL": model or schema,
    }


def _ask_widgets(widgets: Any) -> Callable[..., str]:
    def ask(name: str, default: str, label: str = "", choices: Sequence[str] = ()) -> str:
        if not choices:
            widgets.text(name, default, label)
        elif name == "profile":
            widgets.combobox(name, default, list(choices), label)
        else:
            widgets.dropdown(name, default, list(choices), label)
        return str(widgets.get(name)).strip()

    return ask


def _ask_environment(name: str, default: str, label: str = "", choices: Sequence[str] = ()) -> str:
    return os.environ.get(f"KSLM_{name.upper()}") or default
