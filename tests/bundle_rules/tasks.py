"""Each task: its type, its place in the graph, its compute, and how often it may run again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

from databricks.bundles.jobs import Task

from bundle_rules import scripts
from bundle_rules.graph import upstream, waits
from bundle_rules.load import Tree, items, mapping
from bundle_rules.resolve import View, tasks_of
from kslm.errors import KslmError
from kslm.pipeline import STAGES, before
from kslm.settings import load_profile

TYPES = {field.name for field in fields(Task) if field.name.endswith("_task")}
NO_COMPUTE = {"condition_task", "run_job_task", "for_each_task"}
CLUSTERS = ("job_cluster_key", "existing_cluster_id", "new_cluster")
FILES = (("spark_python_task", "python_file"), ("notebook_task", "notebook_path"))
NUMERIC = {"GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL"}
ONCE = {"release"}
"""Stages that must not run again by themselves."""
MOST_RETRIES = 10


def problems(job: Tree, view: View) -> Iterator[str]:
    """What is wrong with a job's tasks."""
    tasks = tasks_of(job)
    keys = [str(task.get("task_key")) for task in tasks]
    yield from (f"task {key} occurs twice" for key in sorted({key for key in keys if keys.count(key) > 1}))
    yield from _circle(job)
    yield from _order(job, view)
    for task in tasks:
        yield from (f"{task.get('task_key')}: {text}" for text in _task(task, job, view))


def _task(task: Tree, job: Tree, view: View) -> Iterator[str]:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", str(task.get("task_key"))):
        yield "a task_key is made of at most 100 letters, digits, _ and -"
    kinds = TYPES & task.keys()
    if len(kinds) != 1:
        yield f"{len(kinds)} task types"
    if task.get("disabled"):
        yield "is disabled, so that what follows runs without it"
    yield from _depends(task, job)
    yield from _condition(mapping(task.get("condition_task")))
    yield from _run_job(mapping(task.get("run_job_task")), view)
    if "condition_task" not in task:
        yield from _limit(task, job)
    if not kinds & NO_COMPUTE:
        yield from _compute(task, job)
        yield from _again(task)
    for kind, key in FILES:
        yield from _file(mapping(task.get(kind)).get(key), view.root)
    yield from _gpu(task, job, view.root)
    yield from scripts.problems(task, job, view.root)


def _depends(task: Tree, job: Tree) -> Iterator[str]:
    tasks = {str(other.get("task_key")): other for other in items(job.get("tasks"))}
    named = [str(other.get("task_key")) for other in items(task.get("depends_on"))]
    yield from (f"depends on {key} twice" for key in sorted({key for key in named if named.count(key) > 1}))
    for dependency in items(task.get("depends_on")):
        key, outcome = str(dependency.get("task_key")), dependency.get("outcome")
        if key not in tasks:
            yield f"depends on unknown task {key}"
        elif "condition_task" in tasks[key] and outcome not in ("true", "false"):
            yield f"depends on condition {key}, and not on its outcome true or false"
        elif "condition_task" not in tasks[key] and outcome is not None:
            yield f"depends on an outcome of {key}, which is no condition"


def _condition(condition: Tree) -> Iterator[str]:
    if not condition:
        return
    left, right, op = (str(condition.get(key)) for key in ("left", "right", "op"))
    if "{{" not in left + right:
        yield "the condition compares two constants"
    if op in NUMERIC and not all("{{" in side or re.fullmatch(r"-?\d+(\.\d+)?", side) for side in (left, right)):
        yield f"{op} compares numbers"
    if op not in NUMERIC and re.search(r"values\.(passes|promoted)\b", left) and right not in ("true", "false"):
        yield f"a truth value is true or false, never {right!r}"


def _run_job(call: Tree, view: View) -> Iterator[str]:
    if not call:
        return
    match = re.fullmatch(r"<resources\.jobs\.([\w-]+)\.id>", str(call.get("job_id")))
    if match is None:
        yield "job_id is no reference to a job of this bundle"
        return
    declared = {parameter.get("name") for parameter in items(view.all("jobs").get(match[1], {}).get("parameters"))}
    for name in mapping(call.get("job_parameters")).keys() - declared:
        yield f"job {match[1]} has no parameter {name}"


def _compute(task: Tree, job: Tree) -> Iterator[str]:
    environments = {environment.get("environment_key") for environment in items(job.get("environments"))}
    key = task.get("environment_key")
    if key not in environments and not ("notebook_task" in task and key is None):
        yield f"unknown environment_key {key}"
    clusters = [name for name in CLUSTERS if name in task]
    if key is not None and clusters:
        yield f"environment_key excludes {clusters[0]}"
    if task.get("job_cluster_key", "") not in {"", *(c.get("job_cluster_key") for c in items(job.get("job_clusters")))}:
        yield f"unknown job_cluster_key {task['job_cluster_key']}"
    if not clusters and task.get("libraries"):
        yield "libraries are not for serverless compute; its environment has dependencies"
    variables = {entry.get("environment_variables_key") for entry in items(job.get("environment_variables"))}
    if task.get("environment_variables_key") not in {None, *variables}:
        yield f"unknown environment_variables_key {task['environment_variables_key']}"


def _limit(task: Tree, job: Tree) -> Iterator[str]:
    limit, whole = task.get("timeout_seconds"), job.get("timeout_seconds")
    if not isinstance(limit, int) or limit <= 0:
        yield "has no timeout_seconds"
    elif isinstance(whole, int) and limit > whole:
        yield "may take longer than the whole job"


def _again(task: Tree) -> Iterator[str]:
    retries = task.get("max_retries")
    if not isinstance(retries, int) or not 0 <= retries <= MOST_RETRIES:
        yield f"max_retries is {retries}, not a number from 0 to {MOST_RETRIES}"
    elif retries and not (isinstance(wait := task.get("min_retry_interval_millis"), int) and wait >= 1000):
        yield "is retried at once: min_retry_interval_millis is less than a second"
    if retries and (scripts.stage_of(task) in ONCE or "refused.py" in str(task.get("spark_python_task"))):
        yield "must not be retried"
    if task.get("retry_on_timeout"):
        yield "retries what has just used up its time"
    if task.get("disable_auto_optimization") is not True:
        yield "serverless compute retries it on its own account: disable_auto_optimization is not true"


def _gpu(task: Tree, job: Tree, root: Path) -> Iterator[str]:
    call = task.get("ai_runtime_task")
    if call is None:
        return
    deployments = items(mapping(call).get("deployments"))
    if len(deployments) != 1:
        yield "AI Runtime takes exactly one deployment"
    for deployment in deployments:
        if not deployment.get("command_path"):
            yield "no command_path says what to run"
        yield from _file(deployment.get("command_path"), root)
        compute = mapping(deployment.get("compute"))
        node, count = re.match(r"GPU_(\d+)x", str(compute.get("accelerator_type"))), compute.get("accelerator_count")
        if node and isinstance(count, int) and (count < 1 or count % int(node[1])):
            yield f"{count} accelerators are not whole nodes of {compute['accelerator_type']}"
    directory = str(mapping(call).get("mlflow_experiment_directory") or "/Workspace/")
    if not directory.startswith("/Workspace/"):
        yield f"mlflow_experiment_directory {directory} is not in /Workspace"
    if job.get("performance_target"):
        yield "performance_target is not for GPUs"


def _file(path: object, root: Path) -> Iterator[str]:
    if not isinstance(path, str) or path.startswith(("/Workspace/", "/Volumes/", "/Repos/")):
        return
    if path.startswith(("/", "~")):
        yield f"{path} is a path of one machine"
    elif path.startswith(".."):
        yield f"{path} lies outside the bundle"
    elif not re.match(r"\w+:/", path) and not (root / path).is_file():
        yield f"no file {path}"


def _circle(job: Tree) -> Iterator[str]:
    waiting = waits(job)
    while ready := [key for key, needs in waiting.items() if not needs & waiting.keys()]:
        for key in ready:
            del waiting[key]
    if waiting:
        yield f"tasks wait for each other: {', '.join(sorted(waiting))}"


def _order(job: Tree, view: View) -> Iterator[str]:
    """A stage comes after those of the same job that make what it needs; a verdict after what it judges."""
    earlier = upstream(job)
    stages = {stage: str(task.get("task_key")) for task in items(job.get("tasks")) if (stage := scripts.stage_of(task))}
    for stage, key in stages.items():
        for need in _needs(str(view.tree["variables"].get("profile")), stage) if stage in STAGES else ():
            if need in stages and stages[need] not in earlier[key]:
                yield f"{key} does not wait for {stages[need]}, whose result it needs"
    for task in items(job.get("tasks")):
        notebook = mapping(task.get("notebook_task"))
        stage = mapping(notebook.get("base_parameters")).get("stage")
        if stage in stages and stages[stage] not in earlier[str(task.get("task_key"))]:
            yield f"{task.get('task_key')} does not wait for {stages[stage]}, whose values it hands on"
        elif stage in STAGES and stage not in stages:
            yield f"{task.get('task_key')} hands on the values of {stage}, which the job does not run"


@lru_cache(maxsize=64)
def _needs(profile: str, stage: str) -> tuple[str, ...]:
    try:
        return before(load_profile(profile), stage)
    except KslmError:
        return ()
