"""The graph of a job's tasks."""

from __future__ import annotations

from bundle_rules.load import Tree, items


def waits(job: Tree) -> dict[str, set[str]]:
    """The tasks that each task names in depends_on."""
    return {
        str(task.get("task_key")): {str(other.get("task_key")) for other in items(task.get("depends_on"))}
        for task in items(job.get("tasks"))
    }


def upstream(job: Tree) -> dict[str, set[str]]:
    """All the tasks that come before each task."""
    direct = waits(job)
    found: dict[str, set[str]] = {key: set() for key in direct}
    for key, before in found.items():
        todo = list(direct[key])
        while todo:
            if (other := todo.pop()) not in before:
                before.add(other)
                todo += direct.get(other, ())
    return found
