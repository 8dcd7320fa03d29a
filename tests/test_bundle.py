"""The Databricks bundle is sound, the check that says so catches faults, and its tasks call what exists."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from bundle_check import problems
from kslm.lake import tables
from kslm.pipeline import STAGES
from kslm.pipeline.graph import before
from kslm.settings import Environment, Settings, load_profile, profile_folders

ROOT = Path(__file__).resolve().parents[1]
JOB = yaml.safe_load((ROOT / "resources" / "pipeline.job.yml").read_text())["resources"]["jobs"]["pipeline"]
BUNDLE = yaml.safe_load((ROOT / "databricks.yml").read_text())


@pytest.fixture
def bundle(tmp_path):
    """A copy that may be broken."""
    for name in ("resources", "jobs", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "databricks.yml", tmp_path)
    return tmp_path


def load_stage():
    spec = importlib.util.spec_from_file_location("kslm_job_stage", ROOT / "jobs" / "stage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bundle_is_sound(bundle):
    assert problems(bundle) == []


def root_file(edit):
    def apply(bundle):
        tree = yaml.safe_load((bundle / "databricks.yml").read_text())
        edit(tree)
        (bundle / "databricks.yml").write_text(yaml.safe_dump(tree))

    return apply


def job_file(edit):
    def apply(bundle):
        path = bundle / "resources" / "pipeline.job.yml"
        tree = yaml.safe_load(path.read_text())
        edit(tree["resources"]["jobs"]["pipeline"])
        path.write_text(yaml.safe_dump(tree))

    return apply


def add_copy_of_a_resource(bundle):
    shutil.copy(bundle / "resources" / "gold.schema.yml", bundle / "resources" / "gold2.schema.yml")


FAULTS = {
    "a mode that does not exist": (root_file(lambda t: t["targets"]["dev"].update(mode="staging")), "mode 'staging'"),
    "two default targets": (root_file(lambda t: t["targets"]["prod"].update(default=True)), "must be the default"),
    "no default target": (root_file(lambda t: t["targets"]["dev"].pop("default")), "must be the default"),
    "an unknown top-level key": (root_file(lambda t: t.update(artefacts={})), "top-level key artefacts"),
    "a misspelt key of a target": (root_file(lambda t: t["targets"]["dev"].update(preset={})), "unknown key preset"),
    "no bundle name": (root_file(lambda t: t["bundle"].pop("name")), "has no name"),
    "an include that matches nothing": (root_file(lambda t: t["include"].append("jobs/*.yml")), "matches nothing"),
    "a variable without a value": (root_file(lambda t: t["targets"]["prod"].pop("variables")), "has no value"),
    "an undeclared variable": (root_file(lambda t: t["variables"].pop("profile")), "profile is not declared"),
    "a variable used nowhere": (root_file(lambda t: t["variables"].update(x={"default": 1})), "used nowhere"),
    "production without a root path": (root_file(lambda t: t["targets"]["prod"].pop("workspace")), "root_path"),
    "an override of nothing": (
        root_file(lambda t: t["targets"]["prod"]["resources"]["schemas"].update(iron={})),
        "overrides schemas.iron",
    ),
    "an override with a misspelt field": (
        root_file(lambda t: t["targets"]["prod"]["resources"]["schemas"].update(gold={"lifecycle": {"prevent": True}})),
        "schemas.gold",
    ),
    "no artifact for the wheel": (root_file(lambda t: t.pop("artifacts")), "no artifact builds"),
    "a resource declared twice": (add_copy_of_a_resource, "schemas.gold is declared twice"),
    "a reference to nothing": (lambda b: (b / "resources" / "home.volume.yml").unlink(), "volumes.home} names nothing"),
    "a missing file": (lambda b: (b / "jobs" / "stage.py").unlink(), "no file ../jobs/stage.py"),
    "a misspelt field": (job_file(lambda j: j.update(timeout_second=1)), "timeout_second"),
    "an unknown dependency": (
        job_file(lambda j: j["tasks"][1].update(depends_on=[{"task_key": "bake"}])),
        "unknown task bake",
    ),
    "a cycle": (job_file(lambda j: j["tasks"][0].update(depends_on=[{"task_key": "release"}])), "wait for each other"),
    "a task twice": (job_file(lambda j: j["tasks"].append(dict(j["tasks"][0]))), "occurs twice"),
    "an unknown environment": (job_file(lambda j: j["tasks"][0].update(environment_key="gpu")), "environment_key gpu"),
    "no environment": (job_file(lambda j: j["tasks"][0].pop("environment_key")), "environment_key None"),
    "no environment version": (
        job_file(lambda j: j["environments"][0]["spec"].pop("environment_version")),
        "no environment_version",
    ),
    "no task type": (job_file(lambda j: j["tasks"][0].pop("spark_python_task")), "0 task types"),
    "two task types": (
        job_file(lambda j: j["tasks"][0].update(notebook_task={"notebook_path": "../notebooks/tour.py"})),
        "2 task types",
    ),
    "an undeclared job parameter": (job_file(lambda j: j["parameters"].pop()), "model is not declared"),
    "a job parameter used nowhere": (
        job_file(lambda j: j["parameters"].append({"name": "x", "default": ""})),
        "x is used nowhere",
    ),
    "a Unix cron line": (
        job_file(lambda j: j["schedule"].update(quartz_cron_expression="0 3 * * 0")),
        "not a Quartz cron",
    ),
    "a schedule that is not paused": (job_file(lambda j: j["schedule"].update(pause_status="UNPAUSED")), "not paused"),
    "a schedule and a trigger": (
        job_file(lambda j: j.update(trigger={"periodic": {"interval": 1, "unit": "DAYS"}})),
        "excludes any other",
    ),
    "a bad enumeration": (job_file(lambda j: j["tasks"][1].update(run_if="ALWAYS")), "ALWAYS"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(bundle, fault):
    break_it, said = FAULTS[fault]
    break_it(bundle)
    assert any(said in problem for problem in problems(bundle)), problems(bundle)


def test_targets():
    modes = {name: target["mode"] for name, target in BUNDLE["targets"].items()}
    assert modes == {"dev": "development", "staging": "production", "prod": "production"}
    assert BUNDLE["targets"]["dev"]["default"]


def test_one_task_a_stage_after_those_whose_results_it_needs():
    assert tuple(task["task_key"] for task in JOB["tasks"]) == STAGES
    waits = {task["task_key"]: {d["task_key"] for d in task.get("depends_on", [])} for task in JOB["tasks"]}
    profile = load_profile(BUNDLE["variables"]["profile"]["default"])
    done = {}
    for stage in STAGES:
        done[stage] = waits[stage].union(*(done[name] for name in waits[stage]))
        assert set(before(profile, stage)) <= done[stage], stage
    assert waits["index"] == waits["curate"] == {"ingest"}, "neither waits for the other"
    assert JOB["max_concurrent_runs"] == 1, "nothing else keeps two runs out of one KSLM_HOME on a volume"
    assert BUNDLE["targets"]["dev"]["presets"]["jobs_max_concurrent_runs"] == 1


@pytest.mark.parametrize("task", JOB["tasks"], ids=lambda task: task["task_key"])
def test_a_task_gives_the_script_what_it_takes(task):
    given = load_stage().parser().parse_args(task["spark_python_task"]["parameters"])
    assert given.stage == task["task_key"]
    passed = {name: value for name, value in vars(given).items() if name != "stage"}
    assert passed == {name: f"{{{{job.parameters.{name}}}}}" for name in passed}
    assert passed.keys() == {parameter["name"] for parameter in JOB["parameters"]}


def test_the_script_sets_variables_that_settings_read(tmp_path):
    known = {field.alias for field in Environment.model_fields.values()}
    assert set(load_stage().VARIABLES.values()) < known
    given = {"KSLM_CATALOG": "dev", "KSLM_SCHEMA": "dev_ann_kslm", "KSLM_REGISTERED_MODEL": "dev_ann_kslm_quick"}
    env = Environment(_env_file=None, KSLM_HOME=tmp_path, MLFLOW_EXPERIMENT_NAME="/Shared/[dev ann] kslm", **given)
    settings = Settings(load_profile("quick"), env)
    assert settings.registered_model == "dev.dev_ann_kslm.dev_ann_kslm_quick"
    assert settings.experiment == "/Shared/[dev ann] kslm"


def test_extras_profile_and_schemas_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for environment in JOB["environments"]:
        for dependency in environment["spec"]["dependencies"]:
            assert set(re.findall(r"\[(\w+)\]", dependency)) <= set(project["optional-dependencies"])
    profile = BUNDLE["variables"]["profile"]["default"]
    assert any((folder / f"{profile}.yml").is_file() for folder in profile_folders())
    for layer in {table.layer for table in tables.ALL}:
        schema = yaml.safe_load((ROOT / "resources" / f"{layer}.schema.yml").read_text())["resources"]["schemas"][layer]
        assert schema["name"] == f"${{var.schema}}_{layer}", "as kslm.lake names it"


def test_the_documented_gpu_lines_are_sound(bundle):
    page = (ROOT / "docs" / "databricks.md").read_text("utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.S)]
    assert len(blocks) == 1
    override = blocks[0]["targets"]["prod"]["resources"]["jobs"]["pipeline"]["tasks"]
    assert [task["task_key"] for task in override] == ["train"]

    def with_gpu(job):
        task = next(task for task in job["tasks"] if task["task_key"] == "train")
        task.update(override[0])

    job_file(with_gpu)(bundle)
    assert problems(bundle) == []


def run_script(tmp_path, stage, profile):
    arguments = [f"--{name}=x" for name in ("catalog", "schema", "experiment", "model")]
    arguments += [f"--stage={stage}", f"--profile={profile}", f"--home={tmp_path / 'home'}"]
    return subprocess.run(
        [sys.executable, str(ROOT / "jobs" / "stage.py"), *arguments],
        env={**os.environ, "KSLM_ENGINE": "sail"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_runs_a_stage_and_prints_one_line(tiny_settings_env, tmp_path):
    first = run_script(tmp_path, "fetch", tiny_settings_env["KSLM_PROFILE"])
    assert (first.returncode, first.stderr) == (0, "")
    assert re.fullmatch(r"fetch: \d+ s; output \w+.*\n", first.stdout)
    again = run_script(tmp_path, "fetch", tiny_settings_env["KSLM_PROFILE"])
    assert again.stdout.startswith("fetch: current, nothing to do")


@pytest.mark.parametrize(
    ("stage", "profile", "status", "said"),
    [("fetch", "absent", 2, "no profile named 'absent'"), ("train", "quick", 1, "kslm tokenize")],
)
def test_the_script_reports_errors_without_a_traceback(tmp_path, stage, profile, status, said):
    failed = run_script(tmp_path, stage, profile)
    assert failed.returncode == status
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr


def test_the_script_fails_the_task_when_a_model_is_refused(monkeypatch, tmp_path, capsys):
    import kslm.pipeline
    from kslm.report import Anything, Report

    stage = load_stage()
    for variable in stage.VARIABLES.values():
        monkeypatch.setenv(variable, "x")
    monkeypatch.setenv("KSLM_ENGINE", "sail")
    refused = Report("release", "id", Anything(promoted=False), notes=["perplexity 200 exceeds 110"])
    monkeypatch.setattr(kslm.pipeline, "run_stage", lambda name, settings: refused)
    arguments = [f"--{name}=x" for name in ("catalog", "schema", "experiment", "model")]
    assert stage.main(["--stage=release", "--profile=quick", f"--home={tmp_path}", *arguments]) == 3
    assert "perplexity 200 exceeds 110" in capsys.readouterr().out
