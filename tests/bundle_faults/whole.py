"""Faults of the files, of databricks.yml and of the resources that are no jobs.

Each is a file, what is replaced in it and by what, and what the check must say. An old text of None appends to the
file, a new one of None deletes it.
"""

from __future__ import annotations

Y = "databricks.yml"
P = "resources/pipeline.job.yml"
MAIN = "resources/main.schema.yml"
HOME = "resources/home.volume.yml"
LANDING = "resources/landing.volume.yml"
MODEL = "resources/model.registered_model.yml"
RUNS = "resources/runs.experiment.yml"
GOLD = "resources/gold.schema.yml"

Fault = tuple[str, str | None, str | None, str]

FILES: dict[str, Fault] = {
    "no YAML": (P, "    pipeline:\n", "    pipeline:\n  :- x\n", "pipeline.job.yml: "),
    "a key given twice": (P, "      max_concurrent_runs: 1\n", "      max_concurrent_runs: 1\n" * 2, "is given twice"),
    "a target given twice": (Y, None, "  dev:\n    mode: production\n", "'dev' is given twice"),
    "merged mappings that overlap": (Y, "<<: *prod\n", "<<: [*prod, *deployed]\n", "merged mappings overlap"),
    "an unknown anchor": (P, "{<<: *data, task_key: ingest", "{<<: *date, task_key: ingest", "undefined alias"),
    "an include that matches nothing": (Y, "- resources/*.yml", "- resource/*.yml", "matches nothing"),
    "an include from outside": (Y, "- resources/*.yml", "- ../resources/*.yml", "not a path inside"),
    "a resource declared twice": (GOLD, None, "    main: {}\n", "schemas.main is declared twice"),
    "a missing script": ("jobs/stage.py", "", None, "no file jobs/stage.py"),
    "a missing notebook": ("jobs/values.py", "", None, "no file jobs/values.py"),
    "a missing requirement file": ("environments/model.txt", "", None, "no file environments/model.txt"),
    "a path relative to the wrong folder": (
        P,
        "python_file: ../jobs/stage.py",
        "python_file: jobs/stage.py",
        "no file",
    ),
    "a path of one machine": (P, "python_file: ../jobs/stage.py", "python_file: /home/ann/stage.py", "of one machine"),
    "a build on one machine": (Y, "python3 -m pip", "/home/ann/bin/python -m pip", "names a place of one machine"),
}

BLOCKS: dict[str, Fault] = {
    "an unknown top-level key": (Y, "artifacts:", "artefacts:", "unknown field artefacts"),
    "no bundle name": (Y, "  name: kslm\n", "", "name is missing"),
    "a reference in the bundle's name": (Y, "  name: kslm\n", "  name: ${var.schema}\n", "no reference is resolved"),
    "a CLI that is too old": (Y, ">= 1.13.0", ">= 0.250.0", "databricks_cli_version"),
    "no mode": (Y, "    mode: production\n", "", "no mode says whether"),
    "no build command": (
        Y,
        "    build: rm -rf dist && python3 -m pip wheel --no-deps --wheel-dir dist .\n",
        "",
        "needs a setup.py",
    ),
    "a mode that does not exist": (Y, "mode: development", "mode: staging", "'staging', not one of"),
    "two default targets": (Y, "mode: production", "default: true\n    mode: production", "must be the default"),
    "no default target": (Y, "    default: true\n", "", "must be the default"),
    "a misspelt key of a target": (Y, "  dev:\n", "  dev:\n    preset: {}\n", "unknown field preset"),
    "a misspelt preset": (Y, "presets:\n", "presets:\n  trigger_pause_state: PAUSED\n", "unknown field trigger_pause"),
    "a preset of another type": (Y, "presets:\n", "presets:\n  jobs_max_concurrent_runs: one\n", "not a whole number"),
    "a preset that starts schedules": (
        Y,
        "presets:\n",
        "presets:\n  trigger_pause_status: UNPAUSED\n",
        "presets start",
    ),
    "a misspelt artifact": (Y, "    dynamic_version", "    dynamic_versions", "unknown field dynamic_versions"),
    "a wheel that keeps its version": (Y, "dynamic_version: true", "dynamic_version: false", "keep the old wheel"),
    "no artifact": (Y, "    type: whl\n", "    type: jar\n", "no artifact builds"),
    "wheels built elsewhere": (Y, "--wheel-dir dist", "--wheel-dir build", "wheels are built in build"),
    "wheels deleted under a run": (
        Y,
        "skip_artifact_cleanup: true",
        "skip_artifact_cleanup: false",
        "delete the wheel",
    ),
    "a misspelt experiment of the CLI": (Y, "skip_artifact_cleanup", "skip_artefact_cleanup", "unknown field skip_art"),
    "jobs that are not synced": (Y, "exclude: [bench", "exclude: [jobs/**, bench", "sync excludes jobs"),
    "conf that is not synced": (Y, "exclude: [bench", "exclude: ['*.yml', bench", "sync excludes conf"),
    "sync of one folder": (Y, "sync:\n", "sync:\n  paths: [src]\n", "sync leaves out jobs"),
    "a misspelt sync": (Y, "  exclude: [", "  excludes: [", "unknown field excludes"),
}

VARIABLES: dict[str, Fault] = {
    "no value in a target": (Y, "      catalog: dev\n", "      schema: kslm\n", "variable catalog has no value"),
    "an undeclared variable": (Y, "  budget_policy:\n", "  budget:\n", "variable that is not declared"),
    "an undeclared variable in a target": (
        Y,
        "catalog: dev\n",
        "catalog: dev\n      size: x\n",
        "size is not declared",
    ),
    "a variable used nowhere": (
        Y,
        "\nvariables:\n",
        "\nvariables:\n  spare:\n    default: x\n",
        "spare is used nowhere",
    ),
    "a list that is not complex": (Y, "    type: complex\n", "", "of type complex if and only if"),
    "a misspelt field of a variable": (Y, "    default: quick\n", "    defaults: quick\n", "unknown field defaults"),
    "variables made of each other": (
        Y,
        "    default: kslm\n",
        "    default: ${var.suite}-${var.schema}\n",
        "in a circle",
    ),
    "a name that hangs on the profile": (
        MODEL,
        "name: ${var.schema}",
        "name: kslm_${var.profile}",
        "hangs on the profile",
    ),
    "a base that hangs on the profile": (
        Y,
        "    default: kslm\n",
        "    default: k_${var.profile}\n",
        "hangs on the prof",
    ),
    "a profile that does not exist": (Y, "profile: small", "profile: smal", "no profile smal"),
}

TARGETS: dict[str, Fault] = {
    "production without a root path": (
        Y,
        "      root_path: /Work",
        "      file_path: /Work",
        "needs a workspace.root_path",
    ),
    "a misspelt root path": (Y, "      root_path:", "      rootpath:", "unknown field rootpath"),
    "targets that share a root path": (Y, "${bundle.name}/${bundle.target}", "${bundle.name}", "share the root_path"),
    "a root path for everybody": (
        Y,
        "/Workspace/Users/${var.service_principal}",
        "/Workspace/Shared",
        "/Workspace/Shared",
    ),
    "developers in one root path": (
        *(Y, "    default: true\n", "    default: true\n    workspace:\n      root_path: /Workspace/kslm\n"),
        "shared by developers",
    ),
    "a level that does not exist": (Y, "level: CAN_MANAGE", "level: CAN_MANGE", "'CAN_MANGE', not one of"),
    "a level of jobs for the whole bundle": (Y, "level: CAN_RUN", "level: CAN_MANAGE_RUN", "'CAN_MANAGE_RUN', not one"),
    "a permission of nobody": (
        Y,
        "      - group_name: ${var.readers}\n        level",
        "      - level",
        "permission names one",
    ),
    "a group that is a user": (Y, "      operators: kslm-operators\n", "", "is a user and no group"),
    "a misspelt run_as": (Y, "    run_as:\n", "    runas:\n", "unknown field runas"),
    "a misspelt identity": (
        Y,
        "      service_principal_name: ${var",
        "      service_principle_name: ${var",
        "_principle_name",
    ),
    "two identities": (
        Y,
        "    run_as:\n",
        "    run_as:\n      user_name: ann@example.com\n",
        "run_as names a user_name or",
    ),
    "data that nothing keeps": (Y, "        gold: *kept\n", "", "schemas.gold: holds data"),
    "destruction that is not prevented": (Y, "prevent_destroy: true", "prevent_destroy: false", "holds data"),
    "a misspelt lifecycle": (Y, "prevent_destroy: true", "prevent_destroyed: true", "unknown field prevent_destroyed"),
    "an override of nothing": (Y, "        gold: *kept\n", "        iron: *kept\n", "overrides schemas.iron"),
    "an override of a task that is not there": (
        *(
            Y,
            "    resources:\n",
            "    resources:\n      jobs: {pipeline: {tasks: [{task_key: tain, max_retries: 2}]}}\n",
        ),
        "overrides task tain",
    ),
    "two sizes in one schema": (Y, "      schema: kslm_small\n", "", "share the schema ('prod', 'kslm')"),
    "two targets in one experiment": (RUNS, "-${bundle.target}", "", "share the experiment"),
}

REFERENCES: dict[str, Fault] = {
    "a field that does not exist": (HOME, "schemas.main.name", "schemas.main.nme", "a field that schemas do not have"),
    "a resource that does not exist": (HOME, "schemas.main.name", "schemas.kslm.name", "kslm.name} names nothing"),
    "a kind that does not exist": (HOME, "resources.schemas.main", "resources.schema.main", "names nothing"),
    "bundle.tarket": (RUNS, "bundle.target", "bundle.tarket", "${bundle.tarket} does not exist"),
    "an unknown field of the workspace": (Y, "current_user.userName", "current_user.user", "does not exist"),
    "an unknown root": (RUNS, "${bundle.target}", "${env.target}", "${env.target} does not exist"),
    "a variable by its wrong name": (P, "${var.mirror}", "${vars.mirror}", "${vars.mirror} does not exist"),
    "an unclosed reference": (RUNS, "${bundle.target}", "${bundle.target", "is not a reference"),
    "a reference without its dollar": (RUNS, "${bundle.target}", "{bundle.target}", "lacks a $"),
    "a reference as of a shell": (RUNS, "${bundle.target}", "$(bundle.target)", "is not a reference"),
    "schemas made of each other": (MAIN, "name: ${var.schema}", "name: ${resources.volumes.home.name}", "in a circle"),
    "a resource in a workspace path": (Y, "${bundle.name}/$", "${resources.schemas.main.name}/$", "does not exist yet"),
}

RESOURCES: dict[str, Fault] = {
    "a key in two kinds": (RUNS, "    runs:\n", "    main:\n", "share a key"),
    "an unknown kind": (RUNS, "  experiments:\n", "  experiment:\n", "experiment is an unknown kind"),
    "a field that experiments lack": (
        RUNS,
        "      name:",
        "      description: x\n      name:",
        "unknown field description",
    ),
    "an experiment that is no path": (RUNS, "/Shared/", "", "not the path of an experiment"),
    "no name": (GOLD, "      name:", "      comment2:", "name is missing"),
    "a name that the catalog refuses": (GOLD, "_gold", ".gold", "cannot be a name"),
    "a layer under another name": (GOLD, "_gold\n", "_golden\n", "no schema kslm_gold is declared"),
    "a volume in no schema": (
        LANDING,
        "${resources.schemas.main.name}",
        "other",
        "schema other, which is not declared",
    ),
    "a volume of no type": (HOME, "MANAGED", "INTERNAL", "'INTERNAL', not one of"),
    "an external volume that lies nowhere": (HOME, "MANAGED", "EXTERNAL", "has a storage_location"),
    "aliases in the bundle": (
        MODEL,
        "      comment:",
        "      aliases: [{alias_name: champion}]\n      comment:",
        "moved by the",
    ),
    "a model without a name": (MODEL, "      name: ${var.schema}\n", "", "name is missing"),
    "data that is granted to nobody": (
        LANDING,
        "      grants:\n        - principal: ${var.operators}\n          privileges: [READ_VOLUME, WRITE_VOLUME]\n",
        "",
        "is granted its use",
    ),
    "a value of so wrong a type that a rule stumbles": (
        GOLD,
        "privileges: [USE_SCHEMA, SELECT]",
        "privileges: 7",
        "is not a list",
    ),
    "a privilege that does not exist": (LANDING, "WRITE_VOLUME", "WRITE_VOLUMES", "'WRITE_VOLUMES', not one of"),
    "a privilege of another kind": (LANDING, "WRITE_VOLUME", "SELECT", "SELECT cannot be granted on volumes"),
    "a grant to nobody": (LANDING, "- principal: ${var.operators}\n          priv", "- priv", "names a principal"),
    "a grant without use of the schema": (MAIN, "[USE_SCHEMA]", "[BROWSE]", "void without USE_SCHEMA"),
}

FAULTS: dict[str, Fault] = FILES | BLOCKS | VARIABLES | TARGETS | REFERENCES | RESOURCES
