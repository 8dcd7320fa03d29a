"""One stage as one task of a Databricks job: the function that `kslm <stage>` calls, on the workspace's session.

`--stage=maintain` is the tables' upkeep, as `kslm corpus maintain`; `--stage=rollback` gives `champion` back to the
version that had it before.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kslm.report import Report
    from kslm.settings import Settings

IDENTITY = {
    "home": "KSLM_HOME",
    "catalog": "KSLM_CATALOG",
    "schema": "KSLM_SCHEMA",
    "experiment": "MLFLOW_EXPERIMENT_NAME",
    "model": "KSLM_REGISTERED_MODEL",
    "job_run": "KSLM_JOB_RUN",
}
"""Arguments that say where a deployment keeps its things, and the variables that settings read them from."""

OPTIONAL = {"mirror": "KSLM_DEBIAN_MIRROR", "suite": "KSLM_DEBIAN_SUITE", "keyring": "KSLM_DEBIAN_KEYRING"}

TASK_VALUES = {
    "train": ("run", "run_id"),
    "evaluate": ("run_id", "passes", "verdict"),
    "release": ("model", "version", "promoted", "verdict"),
}
"""What jobs/values.py hands on to later tasks of the same run, by stage."""

AFTER_TRAINING = ("evaluate", "release")
GATES_FAILED = 3
RETENTION_HOURS = 168
# Other jobs may be at work in the same home. Shorter than the shortest task's timeout, so that this ends the wait.
WAIT_SECONDS = 2 * 3600


def parser() -> argparse.ArgumentParser:
    """The task's parameters; all but the stage are the job's own parameters, passed on."""
    options = argparse.ArgumentParser(description=__doc__)
    for name in ("stage", "profile", *IDENTITY):
        options.add_argument(f"--{name.replace('_', '-')}", required=True)
    options.add_argument("--recipe", default="", help="values laid over the profile's: train.max_steps=2000 seed=3")
    options.add_argument("--logs", default="", help="folders of logs, separated by commas; empty ones are left out")
    for name in OPTIONAL:
        options.add_argument(f"--{name}", default="")
    options.add_argument("--retention-hours", type=int, default=RETENTION_HOURS, help="maintain: of old versions kept")
    return options


def settings_of(given: argparse.Namespace) -> Settings:
    """The settings that a task's arguments ask for; see `kslm.settings.load_settings`."""
    from kslm.settings import load_settings

    values = {variable: getattr(given, name) for name, variable in (IDENTITY | OPTIONAL).items()}
    os.environ.update({variable: value for variable, value in values.items() if value})
    os.environ.setdefault("KSLM_ENGINE", "databricks")
    logs = (Path(path.strip()) for path in given.logs.split(",") if path.strip())
    # Nothing may have arrived yet in a landing folder.
    arrived = (path for path in logs if path.is_file() or any(file.is_file() for file in path.rglob("*")))
    return load_settings(given.profile, changes=tuple(given.recipe.split()), logs=tuple(arrived))


def task_values(report: Report[Any], settings: Settings) -> dict[str, str]:
    """The stage's task values, named as in TASK_VALUES."""
    from kslm.release import gates

    outputs = report.outputs
    match report.stage:
        case "train":
            return {"run": outputs.run, "run_id": outputs.run_id}
        case "evaluate":
            refusals = gates.refusals(gates.of_evaluation(report.metrics, settings.profile.release.gates))
            return {"run_id": outputs.run_id, "passes": str(not refusals).lower(), "verdict": refusals or "passes"}
        case "release":
            return {
                "model": outputs.model_name,
                "version": outputs.version,
                "promoted": str(outputs.promoted).lower(),
                "verdict": gates.refusals(outputs.gates) or "passes",
            }
    return {}


def roll_back(settings: Settings) -> int:
    """Make the version before the champion again, and say which that is."""
    from kslm.tracking.versions import roll_back as back

    print(f"version {back(settings)} of {settings.registered_model} is the champion again")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit status, as the command line's: 3 if a model was refused."""
    given = parser().parse_args(arguments)

    from kslm.errors import KslmError
    from kslm.pipeline import hold

    try:
        settings = settings_of(given)
        with hold(settings, wait=WAIT_SECONDS):
            if given.stage == "maintain":
                return maintain(settings, given.retention_hours)
            return roll_back(settings) if given.stage == "rollback" else run(given.stage, settings)
    except KslmError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def run(name: str, settings: Settings) -> int:
    """Run one stage, leave its task values, and say how it went."""
    from kslm import ranks
    from kslm.pipeline import run_stage
    from kslm.published import write_atomically

    folder = settings.home.root / "reports" / "task-values" / (settings.env.job_run or "by-hand")
    if name in AFTER_TRAINING:
        own_model(settings, folder)
    report = run_stage(name, settings)
    if ranks.rank():
        return 0
    if values := task_values(report, settings):
        write_atomically(folder / f"{name}.json", json.dumps(values))
    took = "current, nothing to do" if report.reused else f"{report.seconds:.0f} s"
    print(f"{report.stage}: {took}; {'; '.join([f'output {report.output_id}', *report.notes])}")
    return GATES_FAILED if getattr(report.outputs, "promoted", True) is False else 0


def own_model(settings: Settings, folder: Path) -> None:
    """Refuse to go on with another job's model: one that was trained after this job run's own training.

    A job run that trained nothing takes the newest model.

    Raises:
        KslmError: the newest model is not this job run's.
    """
    from kslm.errors import KslmError
    from kslm.outputs import Trained, load

    file = folder / "train.json"
    if not file.exists():
        return
    own, newest = json.loads(file.read_text("utf-8"))["run_id"], load(settings, Trained).outputs.run_id
    if own != newest:
        raise KslmError(
            f"the newest model is not the one that job run {settings.env.job_run} trained",
            cause=f"another job trained meanwhile: its MLflow run is {newest}, this one's {own}",
            remedy="run this job again, or the job `release` to take the newest model",
        )


def maintain(settings: Settings, retention_hours: int) -> int:
    """Compact and vacuum the tables, and say what became of their files."""
    import kslm.lake
    from kslm.explore.upkeep import maintain as tidy
    from kslm.pipeline import claim

    claim(settings)
    with kslm.lake.open(settings) as lake:
        for table in tidy(lake, retention_hours=retention_hours):
            print(f"{table.table}: {table.before.files} files before, {table.after.files} after")
    return 0


# Leaving with status 0 would count as a failure on some runtimes, so a success just ends.
if __name__ == "__main__" and (status := main()):
    sys.exit(status)
