"""Faults that deploy without a complaint; in the same form as the others."""

from __future__ import annotations

Y = "databricks.yml"
P = "resources/pipeline.job.yml"
TRAIN = "resources/train.job.yml"
GPU = "resources/gpu/train_gpu.job.yml"
COMMAND = "jobs/gpu/command.sh"
SHOWN = "dashboards/corpus.lvdash.json"
BOARD = "resources/corpus.dashboard.yml"

Fault = tuple[str, str | None, str | None, str]

FAULTS: dict[str, Fault] = {
    "a schema without the developer's prefix": (
        *(TRAIN, "default: ${resources.schemas.main.name}", "default: ${var.schema}"),
        "no declared resource",
    ),
    "a model without the developer's prefix": (
        *(TRAIN, "default: ${resources.registered_models.model.name}", "default: ${var.schema}"),
        "no declared resource",
    ),
    "an experiment without the developer's prefix": (
        *(TRAIN, "default: ${resources.experiments.runs.name}", "default: /Shared/${var.schema}-${bundle.target}"),
        "no declared resource",
    ),
    "a model in a schema without the prefix": (
        *("resources/model.registered_model.yml", "schema_name: ${resources.schemas.main.name}"),
        *("schema_name: ${var.schema}", "schema"),
    ),
    "a release past its gate": (
        *(P, 'task_key: worth_releasing, outcome: "true"', "task_key: verdict", "does not wait for the verdict true"),
    ),
    "outcomes that are swapped": (
        *(P, 'left: "{{tasks.verdict.values.passes}}"\n            op: EQUAL_TO\n            right: "true"'),
        'left: "{{tasks.verdict.values.passes}}"\n            op: EQUAL_TO\n            right: "false"',
        "does not wait for the verdict",
    ),
    "a refusal that never runs": (
        *(P, "          task_key: refused\n", "          task_key: refused\n          run_if: ALL_FAILED\n"),
        "whatever the verdict",
    ),
    "a script that is a notebook": (
        *(P, "python_file: ../jobs/refused.py", "python_file: ../jobs/values.py", "is a notebook"),
    ),
    "somebody else's script": (
        *(P, "python_file: ../jobs/refused.py", "python_file: /Workspace/Users/x@example.org/a.py"),
        "is not of this bundle",
    ),
    "another version than is pinned": (
        *(TRAIN, 'environment_version: "5"', 'environment_version: "4"', "not of version 5, which it pins"),
    ),
    "a script that does not go up": (Y, "exclude: [", "exclude: ['**/stage.py', ", "sync excludes jobs/stage.py"),
    "scripts by a pattern that do not go up": (
        Y,
        "exclude: [",
        "exclude: ['jobs/val*', ",
        "sync excludes jobs/values.py",
    ),
    "a dashboard of no schema": (
        *(SHOWN, "${resources.schemas.gold.name}", "${resources.schemas.golden.name}", "names nothing"),
    ),
    "a dashboard by a variable": (*(SHOWN, "${resources.schemas.gold.name}", "${var.schema}_gold", "stays as it is"),),
    "a dashboard with the deployer's rights": (
        *(BOARD, "embed_credentials: false", "embed_credentials: true", "the deployer's rights"),
    ),
    "production as a developer's copy": (
        *(Y, "  staging: &deployed\n    mode: production", "  staging: &deployed\n    mode: development"),
        "its mode is not production",
    ),
}
"""A file, what is replaced in it and by what, and a part of the problem that is to be found."""

GPUS: dict[str, Fault] = {
    "two nodes": (GPU, "    default: 1\n", "    default: 2\n", "are not one node"),
    "a variable without the developer's prefix": (
        *(GPU, "KSLM_SCHEMA: ${resources.schemas.main.name}", "KSLM_SCHEMA: ${var.schema}", "no declared resource"),
    ),
    "a variable that is not set": (
        *(GPU, "              KSLM_HOME: /Vol", "              KSLM_HOMES: /Vol", "reads KSLM_HOME, which is not set"),
    ),
    "a variable that nothing reads": (GPU, "KSLM_RECIPE:", "KSLM_RECIPES:", "nothing reads KSLM_RECIPES"),
    "a command that reads another": (COMMAND, '"$KSLM_PROFILE"', '"$KSLM_PROFIL"', "reads KSLM_PROFIL,"),
}
"""Of the job that is left out by default."""
