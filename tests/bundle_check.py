"""Check a Databricks bundle without a workspace: types by databricks-bundles, wiring by the rules below.

`databricks bundle validate` needs a host and a login, and its schema does not look at wiring at all. Permissions,
quotas and what the workspace's release supports are only found by a deployment.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from databricks.bundles.experiments import MlflowExperiment
from databricks.bundles.jobs import Job, Task
from databricks.bundles.registered_models import RegisteredModel
from databricks.bundles.schemas import Schema
from databricks.bundles.volumes import Volume

KINDS: dict[str, Any] = {
    "experiments": MlflowExperiment,
    "jobs": Job,
    "registered_models": RegisteredModel,
    "schemas": Schema,
    "volumes": Volume,
}
TASK_TYPES = {field.name for field in fields(Task) if field.name.endswith("_task")}
ROOT_KEYS = {"artifacts", "bundle", "include", "permissions", "presets", "resources", "run_as", "sync", "targets"} | {
    "variables",
    "workspace",
}
TARGET_KEYS = ROOT_KEYS - {"include", "targets"} | {"default", "mode", "cluster_id", "git"}
Tree = dict[str, Any]


def problems(root: Path) -> list[str]:
    """What is wrong with the bundle in `root`, one sentence each; empty when nothing is."""
    config = yaml.safe_load((root / "databricks.yml").read_text("utf-8"))
    found, homes = _include(root, config)
    found += _structure(config)
    found += _variables(config)
    found += _references(config)
    for name, tree in _resolved(config):
        for problem in _types(tree["resources"]):
            found.append(f"{name}: {problem}")
    for name, job in config["resources"].get("jobs", {}).items():
        found += [f"jobs.{name}: {problem}" for problem in _job(job, homes.get(("jobs", name), root), config)]
    return found


def _include(root: Path, config: Tree) -> tuple[list[str], dict[tuple[str, str], Path]]:
    """Merge included files into `config`; also where each resource was declared, since paths are relative to that."""
    found: list[str] = []
    resources = config.setdefault("resources", {})
    homes = {(kind, name): root for kind, items in resources.items() for name in items}
    for pattern in config.get("include", []):
        files = sorted(root.glob(pattern))
        if not files:
            found.append(f"include {pattern} matches nothing")
        for file in files:
            for kind, items in (yaml.safe_load(file.read_text("utf-8")).get("resources") or {}).items():
                for name, body in items.items():
                    if name in resources.setdefault(kind, {}):
                        found.append(f"{kind}.{name} is declared twice")
                    resources[kind][name] = body
                    homes[kind, name] = file.parent
    return found, homes


def _structure(config: Tree) -> Iterator[str]:
    yield from (f"unknown top-level key {key}" for key in config.keys() - ROOT_KEYS)
    if not config.get("bundle", {}).get("name"):
        yield "the bundle has no name"
    targets = config.get("targets", {})
    if sum(bool(target.get("default")) for target in targets.values()) != 1:
        yield "exactly one target must be the default"
    for name, target in targets.items():
        yield from (f"target {name}: unknown key {key}" for key in target.keys() - TARGET_KEYS)
        if target.get("mode") not in (None, "development", "production"):
            yield f"target {name}: mode {target['mode']!r} does not exist"
        if target.get("mode") == "production" and not target.get("workspace", {}).get("root_path"):
            yield f"target {name}: a production target needs a workspace.root_path"
        for kind, items in target.get("resources", {}).items():
            for resource in items.keys() - config["resources"].get(kind, {}).keys():
                yield f"target {name}: overrides {kind}.{resource}, which is not declared"


def _variables(config: Tree) -> Iterator[str]:
    declared = config.get("variables", {})
    used = set(re.findall(r"\$\{var\.(\w+)", yaml.safe_dump(config)))
    yield from (f"variable {name} is not declared" for name in used - declared.keys())
    yield from (f"variable {name} is used nowhere" for name in declared.keys() - used)
    for target, body in config.get("targets", {}).items():
        given = body.get("variables", {})
        yield from (f"target {target}: variable {name} is not declared" for name in given.keys() - declared.keys())
        for name, spec in declared.items():
            if "default" not in spec and "lookup" not in spec and name not in given:
                yield f"target {target}: variable {name} has no value"


def _references(config: Tree) -> Iterator[str]:
    for kind, name in sorted(set(re.findall(r"\$\{resources\.(\w+)\.(\w+)", yaml.safe_dump(config)))):
        if name not in config["resources"].get(kind, {}):
            yield f"${{resources.{kind}.{name}}} names nothing"


def _resolved(config: Tree) -> Iterator[tuple[str, Tree]]:
    """The configuration as each target sees it."""
    for name, target in config.get("targets", {}).items():
        yield f"target {name}", _merge(config, {"resources": target.get("resources", {})})


def _merge(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        return {key: _merge(base.get(key), over[key]) if key in over else base[key] for key in base | over}
    return copy.deepcopy(base if over is None else over)


def _types(resources: Tree) -> Iterator[str]:
    for kind, items in resources.items():
        if kind not in KINDS:
            yield f"{kind} is an unknown kind of resource"
            continue
        for name, body in items.items():
            try:
                KINDS[kind].from_dict(body)
            except (ValueError, TypeError) as error:
                yield f"{kind}.{name}: {error}"


def _job(job: Tree, home: Path, config: Tree) -> Iterator[str]:
    tasks = job.get("tasks", [])
    keys = [task.get("task_key") for task in tasks]
    if len(set(keys)) < len(keys):
        yield "a task_key occurs twice"
    declared = [parameter["name"] for parameter in job.get("parameters", [])]
    used = set(re.findall(r"\{\{job\.parameters\.(\w+)\}\}", yaml.safe_dump(tasks)))
    yield from (f"job parameter {name} is not declared" for name in used - set(declared))
    yield from (f"job parameter {name} is used nowhere" for name in set(declared) - used)
    yield from _schedule(job, config)
    environments = {environment["environment_key"]: environment for environment in job.get("environments", [])}
    for environment in environments.values():
        yield from _dependencies(environment, config)
    yield from _cycles(tasks)
    for task in tasks:
        yield from (f"{task.get('task_key')}: {text}" for text in _task(task, set(keys), environments, home))


def _schedule(job: Tree, config: Tree) -> Iterator[str]:
    if "schedule" not in job:
        return
    cron = job["schedule"]["quartz_cron_expression"]
    if variable := re.fullmatch(r"\$\{var\.(\w+)\}", cron):
        cron = config["variables"].get(variable[1], {}).get("default", "")
    parts = cron.split()
    if len(parts) not in (6, 7) or [parts[3], parts[5]].count("?") != 1:
        yield f"schedule {cron!r} is not a Quartz cron expression"
    if job["schedule"].get("pause_status") != "PAUSED":
        yield "the schedule is not paused"
    if {"trigger", "triggers", "continuous"} & job.keys():
        yield "a schedule excludes any other trigger"


def _dependencies(environment: Tree, config: Tree) -> Iterator[str]:
    wheels = [d for d in environment["spec"].get("dependencies", []) if ".whl" in d]
    if wheels and not any(artifact.get("type") == "whl" for artifact in config.get("artifacts", {}).values()):
        yield f"environment {environment['environment_key']}: no artifact builds {wheels[0]}"
    if not environment["spec"].get("environment_version"):
        yield f"environment {environment['environment_key']} has no environment_version"


def _cycles(tasks: list[Tree]) -> Iterator[str]:
    waiting = {task.get("task_key"): {d["task_key"] for d in task.get("depends_on", [])} for task in tasks}
    while ready := [key for key, needs in waiting.items() if not needs & waiting.keys()]:
        for key in ready:
            del waiting[key]
    if waiting:
        yield f"tasks wait for each other: {', '.join(sorted(waiting))}"


def _task(task: Tree, keys: set[str], environments: Tree, home: Path) -> Iterator[str]:
    kinds = TASK_TYPES & task.keys()
    if len(kinds) != 1:
        yield f"{len(kinds)} task types"
    for dependency in task.get("depends_on", []):
        if dependency["task_key"] not in keys:
            yield f"depends on unknown task {dependency['task_key']}"
    script = "spark_python_task" in task or "python_wheel_task" in task
    if task.get("environment_key") not in ({*environments} if script else {*environments, None}):
        yield f"unknown environment_key {task.get('environment_key')}"
    for kind, key in (("spark_python_task", "python_file"), ("notebook_task", "notebook_path")):
        path = task.get(kind, {}).get(key)
        if path and not (home / path).is_file():
            yield f"no file {path}"
