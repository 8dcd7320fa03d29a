"""Check a Databricks bundle without a workspace: types by databricks-bundles, wiring by the rules of bundle_rules.

`databricks bundle validate` needs a host and a login, and does not look at most of the wiring. Permissions, quotas and
what the workspace's release supports are only found by a deployment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bundle_rules import jobs, references, resources, safety, targets
from bundle_rules.load import load
from bundle_rules.resolve import views


def _all(rule: Callable[[Any], Iterator[str]], subject: Any) -> list[str]:
    """What a rule says; that it could not read on, where a value is of so wrong a type that it stumbles over it."""
    found = []
    try:
        for problem in rule(subject):
            found.append(problem)
    except (AttributeError, KeyError, TypeError) as error:
        found.append(f"{rule.__module__} cannot read on: {error}")
    return found


def problems(root: Path) -> list[str]:
    """What is wrong with the bundle in `root`, one sentence each; empty when nothing is."""
    source = load(root)
    if not source.config.get("targets"):
        return [*source.found, "there are no targets"]
    found = list(source.found)
    for rule in (targets.root, references.problems, resources.keys, safety.modes, safety.dashboards):
        found += _all(rule, source)
    seen = views(source)
    found += _all(targets.shared, seen)
    said: dict[str, list[str]] = {}
    for view in seen:
        for rule in (targets.problems, resources.problems, jobs.problems):
            for problem in _all(rule, view):
                said.setdefault(problem, []).append(view.target)
    for problem, names in said.items():
        everywhere = len(set(names)) == len(seen)
        found.append(problem if everywhere else f"target {', '.join(dict.fromkeys(names))}: {problem}")
    return list(dict.fromkeys(found))
