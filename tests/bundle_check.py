"""Check a Databricks bundle without a workspace: types by databricks-bundles, wiring by the rules of bundle_rules.

`databricks bundle validate` needs a host and a login, and does not look at most of the wiring. Permissions, quotas and
what the workspace's release supports are only found by a deployment.
"""

from __future__ import annotations

from pathlib import Path

from bundle_rules import jobs, references, resources, targets
from bundle_rules.load import load
from bundle_rules.resolve import views


def problems(root: Path) -> list[str]:
    """What is wrong with the bundle in `root`, one sentence each; empty when nothing is."""
    source = load(root)
    if not source.config.get("targets"):
        return [*source.found, "there are no targets"]
    found = [*source.found, *targets.root(source), *references.problems(source), *resources.keys(source)]
    seen = views(source)
    found += targets.shared(seen)
    said: dict[str, list[str]] = {}
    for view in seen:
        for problem in (*targets.problems(view), *resources.problems(view), *jobs.problems(view)):
            said.setdefault(problem, []).append(view.target)
    for problem, names in said.items():
        everywhere = len(set(names)) == len(seen)
        found.append(problem if everywhere else f"target {', '.join(dict.fromkeys(names))}: {problem}")
    return list(dict.fromkeys(found))
