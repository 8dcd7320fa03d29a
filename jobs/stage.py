"""One stage as one task of the Databricks job: the function that `kslm <stage>` calls, on the workspace's session."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

VARIABLES = {
    "home": "KSLM_HOME",
    "catalog": "KSLM_CATALOG",
    "schema": "KSLM_SCHEMA",
    "experiment": "MLFLOW_EXPERIMENT_NAME",
    "model": "KSLM_REGISTERED_MODEL",
}
GATES_FAILED = 3


def parser() -> argparse.ArgumentParser:
    """The task's parameters; all but the stage are the job's own parameters, passed on."""
    options = argparse.ArgumentParser(description=__doc__)
    for name in ("stage", "profile", *VARIABLES):
        options.add_argument(f"--{name}", required=True)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stage; returns the exit status, as the command line's: 3 if a model was refused."""
    given = parser().parse_args(arguments)
    os.environ.update({variable: getattr(given, name) for name, variable in VARIABLES.items()})
    os.environ.setdefault("KSLM_ENGINE", "databricks")

    from kslm import ranks
    from kslm.errors import KslmError
    from kslm.pipeline import hold, run_stage
    from kslm.settings import load_settings

    try:
        settings = load_settings(given.profile)
        with hold(settings):
            report = run_stage(given.stage, settings)
    except KslmError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if ranks.rank():
        return 0
    took = "current, nothing to do" if report.reused else f"{report.seconds:.0f} s"
    print(f"{report.stage}: {took}; {'; '.join([f'output {report.output_id}', *report.notes])}")
    return GATES_FAILED if getattr(report.outputs, "promoted", True) is False else 0


# Leaving with status 0 would count as a failure on some runtimes, so a success just ends.
if __name__ == "__main__" and (status := main()):
    sys.exit(status)
