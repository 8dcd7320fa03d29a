"""Each job as a whole: its limits, whom it tells, its parameters and where they point."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bundle_rules import dynamic, environments, safety, schedule, tasks
from bundle_rules.load import Tree, items, mapping
from bundle_rules.resolve import View, strings
from bundle_rules.resources import PRINCIPALS
from bundle_rules.values import points_at

WEEK = 7 * 86400
ADDRESS = re.compile(r"[^@\s,;]+@[\w-]+(\.[\w-]+)+")


def problems(view: View) -> Iterator[str]:
    """What is wrong with a target's jobs."""
    for key, job in view.all("jobs").items():
        yield from (f"jobs.{key}: {problem}" for problem in _job(job, view))


def _job(job: Tree, view: View) -> Iterator[str]:
    if not items(job.get("tasks")):
        yield "has no tasks"
    yield from _alone(job)
    yield from _time(job)
    yield from _mail(job, view)
    yield from _parameters(job, view)
    if (run_as := job.get("run_as")) is not None and sum(bool(mapping(run_as).get(name)) for name in PRINCIPALS) != 1:
        yield "run_as names one identity"
    yield from schedule.problems(job, view)
    yield from environments.problems(job, view)
    yield from tasks.problems(job, view)
    yield from dynamic.problems(job, view)
    yield from safety.gates(job)
    yield from safety.gpus(job, view)
    yield from safety.versions(job, view)
    yield from safety.scripts(job, view)


def _alone(job: Tree) -> Iterator[str]:
    """All runs of a job write into one home, which has no file locks on a volume."""
    if job.get("max_concurrent_runs") != 1:
        yield "two runs would share one home: max_concurrent_runs is not 1"
    if mapping(job.get("queue")).get("enabled") is not True:
        yield "a run that has to wait would be skipped: queue is not enabled"


def _time(job: Tree) -> Iterator[str]:
    limit = job.get("timeout_seconds")
    if not isinstance(limit, int) or limit <= 0:
        yield "has no timeout_seconds"
        return
    if limit > WEEK:
        yield "may run for longer than a week"
    rules = items(mapping(job.get("health")).get("rules"))
    durations = [rule.get("value") for rule in rules if rule.get("metric") == "RUN_DURATION_SECONDS"]
    if not durations:
        yield "no health rule says when a run takes too long"
    for value in durations:
        if isinstance(value, int) and not 0 < value < limit:
            yield f"the health rule's {value} s never come before the timeout"


def _mail(job: Tree, view: View) -> Iterator[str]:
    mail = mapping(job.get("email_notifications"))
    if "on_failure" not in mail and not mapping(job.get("webhook_notifications")).get("on_failure"):
        yield "nobody can be told of a failure: email_notifications has no on_failure"
    elif mail and "on_duration_warning_threshold_exceeded" not in mail:
        yield "nobody can be told of an overlong run: no on_duration_warning_threshold_exceeded"
    if not job.get("tags") and not mapping(mapping(view.tree.get("presets")).get("tags")):
        yield "has no tags by which its cost could be found"
    for holder in (job, *items(job.get("tasks"))):
        for event, addresses in mapping(holder.get("email_notifications")).items():
            for address in addresses if isinstance(addresses, list) else []:
                if not ADDRESS.fullmatch(str(address)):
                    yield f"{event}: {address!r} is not an e-mail address"


def _parameters(job: Tree, view: View) -> Iterator[str]:
    parameters = items(job.get("parameters"))
    names = [str(parameter.get("name")) for parameter in parameters]
    yield from (f"job parameter {name} occurs twice" for name in sorted({n for n in names if names.count(n) > 1}))
    yield from (f"job parameter {name!r} has no valid name" for name in names if not re.fullmatch(r"[\w.-]+", name))
    used = {name for _, text in strings(job) for name in re.findall(r"\{\{\s*job\.parameters\.([\w.-]+)\s*\}\}", text)}
    yield from (f"job parameter {name} is used nowhere" for name in sorted(set(names) - used))
    for parameter in parameters:
        yield from points_at(str(parameter.get("name")), parameter.get("default"), view)
