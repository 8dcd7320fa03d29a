"""The Databricks bundle is sound, the check that says so catches faults, and its tasks call what exists."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest
import yaml

from bundle_check import problems
from bundle_faults import jobs, safety, sound, whole
from bundle_rules.load import load
from bundle_rules.resolve import views
from kslm.pipeline import STAGES

ROOT = Path(__file__).resolve().parents[1]
GPUS = jobs.GPUS | safety.GPUS
FAULTS = whole.FAULTS | jobs.FAULTS | safety.FAULTS | GPUS
PRODUCTION = (text := (ROOT / "databricks.yml").read_text("utf-8"))[text.index("\n  prod: &prod") :]
NAMED = ("schemas", "volumes", "registered_models", "experiments", "jobs")


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    for name in ("resources", "jobs", "environments", "conf", "dashboards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("databricks.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture
def change(copied):
    """Replaces texts in files of a copy of the bundle, until the test has ended."""
    before = {}

    def apply(name, old, new):
        file = copied / name
        text = file.read_text("utf-8")
        before.setdefault(file, text)
        assert old is None or old in text, "the fault no longer fits the bundle"
        if new is None:
            file.unlink()
        else:
            file.write_text(text + new if old is None else text.replace(old, new), "utf-8")
        return copied

    yield apply
    for file, text in before.items():
        file.write_text(text, "utf-8")


def with_gpus(change):
    return change("databricks.yml", "# - resources/gpu/", "- resources/gpu/")


def load_stage():
    spec = importlib.util.spec_from_file_location("kslm_job_stage", ROOT / "jobs" / "stage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bundle_is_sound_with_and_without_gpus(copied, change):
    assert problems(copied) == []
    assert problems(with_gpus(change)) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(change, fault):
    *edit, said = FAULTS[fault]
    if fault in GPUS:
        with_gpus(change)
    if edit[0] != "databricks.yml" and fault not in whole.TARGETS:
        # Two targets show what is not the targets' own fault, in half the time.
        change("databricks.yml", PRODUCTION, "\n")
    found = problems(change(*edit))
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize("case", sound.SOUND)
def test_a_change_that_is_sound_raises_no_alarm(change, case):
    assert problems(change(*sound.SOUND[case])) == []


def test_examples_in_the_documentation_are_sound(copied):
    page = (ROOT / "docs" / "databricks.md").read_text("utf-8")
    for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page, re.S)):
        file = copied / "resources" / f"example{number}.yml"
        file.write_text(block, "utf-8")
        try:
            assert problems(copied) == [], block
        finally:
            file.unlink()


def names(view):
    """What a target's deployment is made of, by name."""
    kept = {
        (kind, body.get("catalog_name"), body.get("schema_name"), body["name"])
        for kind in NAMED
        for body in view.all(kind).values()
    }
    return kept | {("root_path", None, None, view.tree["workspace"]["root_path"])}


def test_targets_and_the_names_they_do_not_share():
    seen = {view.target: view for view in views(load(ROOT))}
    assert [name for name, view in seen.items() if not view.production] == ["dev"]
    assert seen["prod"].tree["variables"]["profile"] != seen["prod_small"].tree["variables"]["profile"]
    for one in seen.values():
        assert not [other.target for other in seen.values() if other is not one and names(one) & names(other)]


def test_another_profile_renames_nothing():
    source = load(ROOT)
    before = [names(view) for view in views(source)]
    source.config["variables"]["profile"]["default"] = "medium"
    assert [names(view) for view in views(source)] == before


def tasks(job):
    file = ROOT / "resources" / f"{job}.job.yml"
    return {
        task["task_key"]: task for task in yaml.safe_load(file.read_text("utf-8"))["resources"]["jobs"][job]["tasks"]
    }


def test_a_task_a_stage_and_what_follows_from_the_verdict():
    pipeline = tasks("pipeline")
    waits = {key: {other["task_key"] for other in task.get("depends_on", [])} for key, task in pipeline.items()}
    assert set(STAGES) <= pipeline.keys()
    assert waits["index"] == waits["curate"] == {"ingest"}, "neither waits for the other"
    assert pipeline["release"]["depends_on"] == [{"task_key": "worth_releasing", "outcome": "true"}]
    assert pipeline["refused"]["depends_on"] == [{"task_key": "worth_releasing", "outcome": "false"}]
    assert waits["worth_releasing"] == {"verdict"} and waits["verdict"] == {"evaluate"}
    parts = {job: set(tasks(job)) for job in ("corpus", "train", "release")}
    assert set.union(*parts.values()) == pipeline.keys(), "what the pipeline does, its parts do"
