"""Every `{{...}}` is one that Databricks replaces, and what it names comes before.

The list is that of "Dynamic value references" in Databricks' documentation (November 2026). Another name in one of
these name spaces is refused when the job is created; a brace too few leaves the text as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bundle_rules.graph import upstream
from bundle_rules.load import Tree, items
from bundle_rules.resolve import View, strings
from bundle_rules.scripts import values_of

TIMES = "iso_weekday|is_weekday|iso_date|iso_datetime|year|month|day|hour|minute|second|timestamp_ms"
PLAIN = re.compile(
    rf"job\.(id|name|run_id|repair_count|start_time\.({TIMES})|trigger\.type|trigger\.file_arrival\.location"
    rf"|trigger\.time\.({TIMES}))|task\.(name|run_id|execution_count|notebook_path)|workspace\.(id|url)|input(\.\w+)*"
    rf"|backfill\.({TIMES})"
)
TASK_FIELDS = {"run_id", "result_state", "error_code", "execution_count", "notebook_path"}
IN_TASKS = re.compile(r"^(task|tasks|input)\b")


def problems(job: Tree, view: View) -> Iterator[str]:
    """What is wrong with the dynamic references of a job."""
    declared = {str(parameter.get("name")) for parameter in items(job.get("parameters"))}
    for key, value in job.items():
        if key != "tasks":
            for _, text in strings(value, (key,)):
                for problem in _text(text, declared, None, job, view):
                    yield f"{key}: {problem}"
                if key != "parameters" and "{{" in text:
                    yield f"{key}: {text!r} is not replaced here"
    for task in items(job.get("tasks")):
        for _, text in strings(task):
            yield from (f"{task.get('task_key')}: {problem}" for problem in _text(text, declared, task, job, view))


def _text(text: str, declared: set[str], task: Tree | None, job: Tree, view: View) -> Iterator[str]:
    rest = re.sub(r"\{\{[^{}]*\}\}", "", text)
    if "{{" in rest or "}}" in rest:
        yield f"{text!r}: braces do not match"
    if re.search(r"(?<![{$])\{(job|task|tasks)\.", text):
        yield f"{text!r}: a reference has two braces"
    for name in re.findall(r"\{\{([^{}]*)\}\}", text):
        yield from _name(name.strip(), declared, task, job, view)


def _name(name: str, declared: set[str], task: Tree | None, job: Tree, view: View) -> Iterator[str]:
    if match := re.fullmatch(r"job\.parameters\.([\w.-]+)", name):
        if match[1] not in declared:
            yield f"job parameter {match[1]} is not declared"
    elif task is None and IN_TASKS.match(name):
        yield f"{{{{{name}}}}} is known within a task only"
    elif match := re.fullmatch(r"tasks\.([\w-]+)\.(.+)", name):
        yield from _task(match[1], match[2], task or {}, job, view)
    elif not PLAIN.fullmatch(name):
        yield f"{{{{{name}}}}} does not exist"


def _task(key: str, field: str, task: Tree, job: Tree, view: View) -> Iterator[str]:
    before = upstream(job)
    found = [other for other in items(job.get("tasks")) if other.get("task_key") == key]
    if not found:
        yield f"task value of unknown task {key}"
    elif key not in before.get(str(task.get("task_key")), set()):
        yield f"reads from task {key}, which it does not wait for"
    elif field.startswith("values."):
        if (value := field.removeprefix("values.")) not in values_of(found[0], view.root):
            yield f"task {key} sets no value {value}"
    elif field not in TASK_FIELDS:
        yield f"{{{{tasks.{key}.{field}}}}} does not exist"
