"""Faults of the jobs; in the same form as those of the whole."""

from __future__ import annotations

Y = "databricks.yml"
P = "resources/pipeline.job.yml"
CORPUS = "resources/corpus.job.yml"
NIGHTLY = "resources/corpus_nightly.job.yml"
MAINTAIN = "resources/maintain.job.yml"
TRAIN = "resources/train.job.yml"
GPU = "resources/gpu/train_gpu.job.yml"

Fault = tuple[str, str | None, str | None, str]

JOBS: dict[str, Fault] = {
    "a misspelt field": (
        P,
        "      timeout_seconds: 172800",
        "      timeout_second: 172800",
        "unknown field timeout_second",
    ),
    "no timeout": (P, "      timeout_seconds: 172800\n", "", "has no timeout_seconds"),
    "a number as a string": (P, "timeout_seconds: 172800", 'timeout_seconds: "172800"', "not a whole number"),
    "runs beside each other": (P, "max_concurrent_runs: 1", "max_concurrent_runs: 2", "would share one home"),
    "runs without a limit": (P, "      max_concurrent_runs: 1\n", "", "would share one home"),
    "no queue": (P, "        enabled: true", "        enabled: false", "queue is not enabled"),
    "a health rule after the end": (P, "value: 86400", "value: 864000", "never come before the timeout"),
    "a metric that does not exist": (P, "RUN_DURATION_SECONDS", "RUN_DURATION", "'RUN_DURATION', not one of"),
    "nobody to tell": (P, "        on_failure: ${var.notifications}\n", "", "nobody can be told"),
    "nobody to tell of long runs": (
        P,
        "        on_duration_warning_threshold_exceeded: ${var.notifications}\n",
        "",
        "overlong",
    ),
    "no address": (Y, "    default: []", "    default: [ops at example.com]", "is not an e-mail address"),
    "a performance target of none": (
        P,
        "performance_target: STANDARD",
        "performance_target: CHEAP",
        "'CHEAP', not one",
    ),
    "two jobs of one name": (CORPUS, "-corpus\n", "-pipeline\n", "has the same name as"),
    "an undeclared job parameter": (P, "        - name: keyring\n", "        - name: key\n", "keyring is not declared"),
    "a job parameter used nowhere": (
        P,
        "              - --keyring={{job.parameters.keyring}}\n",
        "",
        "keyring is used now",
    ),
    "a job parameter twice": (P, "        - name: keyring\n", "        - name: suite\n", "suite occurs twice"),
    "a default that is no string": (MAINTAIN, 'default: "168"', "default: 168", "not a string"),
    "a home in no volume": (P, "${resources.volumes.home.name}", "hom", "no declared volume"),
    "another experiment": (
        P,
        "default: ${resources.experiments.runs.name}",
        "default: /Shared/x",
        "no declared resource",
    ),
}

SCHEDULES: dict[str, Fault] = {
    "a Unix cron line": (MAINTAIN, "0 0 5 ? * SAT", "0 5 * * 6", "not a Quartz cron"),
    "hour 25": (Y, "default: 0 0 3 ? * SUN", "default: 0 0 25 ? * SUN", "25 is not a hour"),
    "second 60": (MAINTAIN, "0 0 5 ? * SAT", "60 0 5 ? * SAT", "60 is not a second"),
    "month 13": (MAINTAIN, "0 0 5 ? * SAT", "0 0 5 1 13 ?", "13 is not a month"),
    "a day of no week": (MAINTAIN, "0 0 5 ? * SAT", "0 0 5 ? * SA", "SA is not a day of week"),
    "both kinds of day": (MAINTAIN, "0 0 5 ? * SAT", "0 0 5 1 * SAT", "not a Quartz cron"),
    "30 February": (MAINTAIN, "0 0 5 ? * SAT", "0 0 5 30 2 ?", "there is no such day"),
    "an unknown time zone": (NIGHTLY, "timezone_id: UTC", "timezone_id: Europe/Berlim", "not a time zone"),
    "a schedule that runs": (MAINTAIN, "PAUSED", "UNPAUSED", "the schedule is not paused"),
    "a schedule that says nothing": (MAINTAIN, "        pause_status: PAUSED\n", "", "the schedule is not paused"),
    "a trigger that runs": (CORPUS, "PAUSED", "UNPAUSED", "the trigger is not paused"),
    "a schedule and a trigger": (
        *(CORPUS, "      trigger:\n", "      continuous: {pause_status: PAUSED}\n      trigger:\n"),
        "exclude each other",
    ),
    "a trigger of two types": (
        CORPUS,
        "        file_arrival:\n",
        "        periodic: {interval: 1, unit: DAYS}\n        file_arrival:\n",
        "2 types",
    ),
    "a trigger without patience": (CORPUS, "change_seconds: 600", "change_seconds: 5", "at least 60"),
    "a trigger on no volume": (CORPUS, "landing.name}/", "landing.name}_2/", "in no declared volume"),
}

TASKS: dict[str, Fault] = {
    "no task type": (P, "          condition_task:\n", "          condition:\n", "0 task types"),
    "two task types": (
        P,
        "          notebook_task:\n",
        "          condition_task: {left: x, op: EQUAL_TO, right: y}\n          notebook_task:\n",
        "2 task types",
    ),
    "an unknown dependency": (
        P,
        "depends_on: [{task_key: fetch}]",
        "depends_on: [{task_key: fetsh}]",
        "unknown task fetsh",
    ),
    "a circle": (
        P,
        "          task_key: fetch\n",
        "          task_key: fetch\n          depends_on: [{task_key: curate}]\n",
        "wait for each other",
    ),
    "a task twice": (P, "task_key: index,", "task_key: ingest,", "task ingest occurs twice"),
    "a task_key with a space": (P, "task_key: index,", "task_key: the index,", "made of at most 100"),
    "a disabled task": (P, "task_key: index,", "task_key: index, disabled: true,", "is disabled"),
    "a stage before what it needs": (
        P,
        "task_key: tokenize, depends_on: [{task_key: curate}]",
        "task_key: tokenize",
        "not wait for curate",
    ),
    "a condition that is not heeded": (P, ', outcome: "true"', "", "not on its outcome"),
    "an outcome of no condition": (
        P,
        "[{task_key: fetch}]",
        '[{task_key: fetch, outcome: "true"}]',
        "which is no condition",
    ),
    "an outcome that never comes": (P, 'outcome: "true"', 'outcome: "yes"', "not on its outcome"),
    "a comparison that is never true": (P, 'right: "true"', 'right: "True"', "a truth value is true or false"),
    "a boolean for a string": (P, 'right: "true"', "right: true", "not a string"),
    "an operator that does not exist": (P, "EQUAL_TO", "EQUALS", "'EQUALS', not one of"),
    "a value that nobody sets": (P, "verdict.values.passes", "verdict.values.passed", "sets no value passed"),
    "a value from a script": (
        P,
        "tasks.verdict.values.verdict",
        "tasks.evaluate.values.verdict",
        "sets no value verdict",
    ),
    "a value from what comes later": (
        P,
        "tasks.verdict.values.passes",
        "tasks.outcome.values.promoted",
        "does not wait for",
    ),
    "a value of no task": (P, "tasks.verdict.values.passes", "tasks.judge.values.passes", "unknown task judge"),
    "a reference that Databricks lacks": (P, "{{job.run_id}}", "{{job.runid}}", "{{job.runid}} does not exist"),
    "a brace too few": (P, "{{job.run_id}}", "{{job.run_id}", "braces do not match"),
    "a bad run_if": (P, "task_key: index,", "task_key: index, run_if: ALWAYS,", "'ALWAYS', not one of"),
    "a release that is retried": (
        P,
        "timeout_seconds: 21600\n          max_retries: 0",
        "timeout_seconds: 21600\n          max_retries: 2",
        "must not be retried",
    ),
    "a refusal that is retried": (
        P,
        "timeout_seconds: 900\n          max_retries: 0",
        "timeout_seconds: 900",
        "must not be retried",
    ),
    "endless retries": (P, "max_retries: 1", "max_retries: -1", "not a number from 0"),
    "retries left to chance": (TRAIN, "          max_retries: 1\n", "", "max_retries is None"),
    "retries at once": (P, "min_retry_interval_millis: 60000", "min_retry_interval_millis: 0", "is retried at once"),
    "a retry after the timeout": (P, "retry_on_timeout: false", "retry_on_timeout: true", "used up its time"),
    "retries of serverless compute": (P, "          disable_auto_optimization: true\n", "", "on its own account"),
    "a task without a limit": (TRAIN, "          timeout_seconds: 86400\n", "", "has no timeout_seconds"),
    "a task longer than its job": (
        TRAIN,
        "timeout_seconds: 86400",
        "timeout_seconds: 864000",
        "longer than the whole job",
    ),
    "a job of another bundle": (NIGHTLY, "${resources.jobs.corpus.id}", "123", "no reference to a job"),
    "a job parameter that the job lacks": (
        NIGHTLY,
        ".id}\n",
        ".id}\n            job_parameters: {size: x}\n",
        "no parameter size",
    ),
}

COMPUTE: dict[str, Fault] = {
    "an unknown environment": (
        P,
        "          environment_key: data\n",
        "          environment_key: date\n",
        "environment_key date",
    ),
    "no environment": (TRAIN, "          environment_key: model\n", "", "unknown environment_key None"),
    "no environment version": (P, '            environment_version: "5"\n', "", "has no environment_version"),
    "environment 55": (P, 'environment_version: "5"', 'environment_version: "55"', "'55' is not known"),
    "a version that is a number": (P, 'environment_version: "5"', "environment_version: 5", "not a string"),
    "the wrong wheel folder": (P, "../dist/*.whl", "dist/*.whl", "wheels are built in dist"),
    "nothing pinned": (TRAIN, "              - -r ../environments/model.txt\n", "", "pins nothing"),
    "no wheel": (TRAIN, "              - ../dist/*.whl\n", "", "lacks the project's wheel"),
    "no space after -r": (P, "-r ../environments/data.txt", "-r../environments/data.txt", "looks for a space"),
    "training without torch": (TRAIN, "environments/model.txt", "environments/data.txt", "train needs torch"),
    "release without torch": (P, "          environment_key: model\n", "", "stage release needs torch"),
    "a serverless task with libraries": (
        TRAIN,
        "          max_retries",
        "          libraries: [{whl: x}]\n          max_retries",
        "libraries are not",
    ),
    "an environment and a cluster": (
        TRAIN,
        "          max_retries",
        "          existing_cluster_id: x\n          max_retries",
        "excludes",
    ),
}

SCRIPTS: dict[str, Fault] = {
    "an argument that the script lacks": (P, "--mirror=", "--mirrors=", "does not take"),
    "a missing argument": (P, "              - --home={{job.parameters.home}}\n", "", "does not take"),
    "arguments in each other's place": (
        P,
        "--home={{job.parameters.home}}",
        "--home={{job.parameters.model}}",
        "--home is given",
    ),
    "a stage that does not exist": (P, "task_key: tokenize", "task_key: tokenise", "no stage tokenise"),
    "a widget that is left empty": (
        P,
        '              home: "{{job.parameters.home}}"\n',
        "",
        "values.py is not given home",
    ),
    "a default of the wrong type": (MAINTAIN, 'default: "168"', 'default: "a week"', "does not take"),
    "a widget that the notebook lacks": (
        P,
        "              stage: evaluate",
        "              stages: evaluate",
        "no widget stages",
    ),
    "values of a stage that leaves none": (P, "stage: evaluate", "stage: ingest", "leaves no task values"),
    "a script for a notebook": (
        P,
        "notebook_path: ../jobs/values.py",
        "notebook_path: ../jobs/stage.py",
        "is not a notebook",
    ),
}

GPUS: dict[str, Fault] = {
    "no command": ("jobs/gpu/command.sh", "", None, "no file jobs/gpu/command.sh"),
    "an accelerator that does not exist": (
        GPU,
        "default: GPU_1xA10",
        "default: GPU_1xA100",
        "'GPU_1xA100', not one of",
    ),
    "half a node": (GPU, "default: GPU_1xA10", "default: GPU_8xH100", "not whole nodes"),
    "no accelerator": (
        GPU,
        "                  accelerator_type: ${var.accelerator}\n",
        "",
        "accelerator_type is missing",
    ),
    "unknown environment variables": (
        GPU,
        "          environment_variables_key: kslm\n",
        "          environment_variables_key: ksl\n",
        "variables_key ksl",
    ),
}

FAULTS: dict[str, Fault] = JOBS | SCHEDULES | TASKS | COMPUTE | SCRIPTS
