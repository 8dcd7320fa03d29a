"""What the tasks of the Databricks jobs start, on the local engine."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kslm.outputs import Evaluated, GateResult, Released, Trained
from kslm.report import Report
from kslm.settings import Environment, Settings, load_profile

JOBS = Path(__file__).resolve().parents[2] / "jobs"
PLACES = {"catalog": "x", "schema": "x", "experiment": "x", "model": "x", "job-run": "7"}


def load(name):
    spec = importlib.util.spec_from_file_location(f"kslm_job_{name}", JOBS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


stage = load("stage")


def arguments(name, profile, home, **more):
    given = {"stage": name, "profile": profile, "home": home, **PLACES, **more}
    return [f"--{key}={value}" for key, value in given.items()]


def run_script(tmp_path, name, profile, **more):
    return subprocess.run(
        [sys.executable, str(JOBS / "stage.py"), *arguments(name, profile, tmp_path / "home", **more)],
        env={**os.environ, "KSLM_ENGINE": "sail"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def local(monkeypatch):
    """The local engine, and an environment that the script may write to."""
    for variable in (stage.IDENTITY | stage.OPTIONAL).values():
        monkeypatch.setenv(variable, "")
        monkeypatch.delenv(variable)
    monkeypatch.setenv("KSLM_ENGINE", "sail")


def test_a_stage_runs_and_prints_one_line(tiny_settings_env, tmp_path):
    first = run_script(tmp_path, "fetch", tiny_settings_env["KSLM_PROFILE"])
    assert (first.returncode, first.stderr) == (0, "")
    assert re.fullmatch(r"fetch: \d+ s; output \w+.*\n", first.stdout)
    again = run_script(tmp_path, "fetch", tiny_settings_env["KSLM_PROFILE"])
    assert again.stdout.startswith("fetch: current, nothing to do")
    assert not (tmp_path / "home" / "reports" / "task-values").exists(), "fetch hands nothing on"


@pytest.mark.parametrize(
    ("name", "profile", "more", "status", "said"),
    [
        ("fetch", "absent", {}, 2, "no profile named 'absent'"),
        ("train", "quick", {}, 1, "kslm tokenize"),
        ("train", "quick", {"recipe": "train.max_step=1"}, 2, "train.max_step: Extra inputs"),
        ("maintain", "quick", {}, 1, "there are no tables here"),
    ],
)
def test_errors_come_without_a_traceback(tmp_path, name, profile, more, status, said):
    failed = run_script(tmp_path, name, profile, **more)
    assert failed.returncode == status
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr


def test_settings_are_those_of_the_arguments(local, tmp_path):
    logs, empty = tmp_path / "one", tmp_path / "empty"
    empty.mkdir()
    (logs / "host").mkdir(parents=True)
    (logs / "host" / "syslog").write_text("Jan  1 00:00:00 host kernel: x\n")
    more = {"recipe": "train.max_steps=7 seed=3", "logs": f"{logs}, {empty}, {tmp_path / 'not-yet'},"}
    settings = stage.settings_of(stage.parser().parse_args(arguments("train", "quick", tmp_path, **more)))
    assert (settings.profile.train.max_steps, settings.profile.seed) == (7, 3)
    assert settings.logs == (logs,), "a folder that nothing has arrived in is left out"
    assert settings.home.root == tmp_path
    assert (settings.registered_model, settings.experiment, settings.env.job_run) == ("x.x.x", "x", "7")


def test_variables_are_those_that_settings_read():
    known = {field.alias for field in Environment.model_fields.values()}
    assert set((stage.IDENTITY | stage.OPTIONAL).values()) <= known


GATE = GateResult(name="perplexity", figure=200, relation="<=", bound=75, passed=False)
REPORTS = {
    "train": Report("train", "id", Trained(run="quick-1", run_id="r", checkpoint="c", weights_sha256="w")),
    "evaluate": Report(
        "evaluate",
        "id",
        Evaluated(run_id="r"),
        metrics={"test/perplexity": 64.0, "baseline/bigram/perplexity": 99.0},
    ),
    "release": Report(
        "release",
        "id",
        Released(
            version="4",
            alias="challenger",
            promoted=False,
            preferred="int4",
            model_name="a.b.c",
            gates=[GATE],
            variants={},
        ),
    ),
}


@pytest.mark.parametrize("name", REPORTS)
def test_task_values_are_those_that_are_declared(name, tmp_path):
    settings = Settings(load_profile("quick"), Environment(_env_file=None, KSLM_HOME=tmp_path))
    values = stage.task_values(REPORTS[name], settings)
    assert tuple(values) == stage.TASK_VALUES[name]
    assert all(isinstance(value, str) for value in values.values())


@pytest.mark.parametrize(
    ("perplexity", "passes", "verdict"),
    [(64.0, "true", "passes"), (90.0, "false", "perplexity FAIL: 90 <= 75"), (float("nan"), "false", "perplexity")],
)
def test_a_model_is_worth_releasing_that_meets_the_gates_of_evaluation(perplexity, passes, verdict, tmp_path):
    settings = Settings(load_profile("quick"), Environment(_env_file=None, KSLM_HOME=tmp_path))
    report = REPORTS["evaluate"]
    report = Report("evaluate", "id", report.outputs, metrics=report.metrics | {"test/perplexity": perplexity})
    values = stage.task_values(report, settings)
    assert values["passes"] == passes
    assert values["verdict"].startswith(verdict)


class Utilities:
    """dbutils, as far as a notebook task sees it: widgets that the task's parameters fill, and its task values."""

    def __init__(self, **given):
        self.given, self.handed_on = given, {}
        self.widgets = self.jobs = self.taskValues = self

    def text(self, name, default):
        self.given.setdefault(name, default)

    def get(self, name):
        return self.given[name]

    def set(self, *, key, value):
        self.handed_on[key] = value


def test_a_refused_model_fails_the_task_and_its_values_are_handed_on(local, monkeypatch, tmp_path, capsys):
    import kslm.pipeline

    monkeypatch.setattr(kslm.pipeline, "run_stage", lambda name, settings: REPORTS[name])
    assert stage.main(arguments("release", "quick", tmp_path)) == 3
    assert "release" in capsys.readouterr().out
    dbutils = Utilities(home=str(tmp_path), job_run="7", stage="release")
    exec(compile((JOBS / "values.py").read_text(), "values.py", "exec"), {"dbutils": dbutils})
    assert dbutils.handed_on == {
        "model": "a.b.c",
        "version": "4",
        "promoted": "false",
        "verdict": "perplexity FAIL: 200 <= 75",
    }


def test_a_model_not_worth_releasing_fails_its_task_with_the_verdict(capsys):
    assert load("refused").main(["--verdict=perplexity FAIL: 90 <= 75"]) == 3
    assert "perplexity FAIL: 90 <= 75" in capsys.readouterr().err


def test_the_gpu_command_starts_the_stage_with_the_jobs_variables(tmp_path):
    shown = tmp_path / "torchrun"
    shown.write_text('#!/bin/sh\nprintf "%s\\n" "$PWD" "$@"\n')
    shown.chmod(0o755)
    variables = {variable: f"the {name}" for name, variable in stage.IDENTITY.items()} | {"KSLM_PROFILE": "small"}
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PATH": path, "KSLM_RECIPE": "seed=3 train.max_steps=7", **variables}
    ran = subprocess.run(
        [str(JOBS / "gpu" / "command.sh")], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    folder, *given = ran.stdout.splitlines()
    assert Path(folder) == JOBS.parent
    at = given.index("jobs/stage.py")
    parsed = stage.parser().parse_args(given[at + 1 :])
    assert (parsed.stage, parsed.profile, parsed.recipe) == ("train", "small", "seed=3 train.max_steps=7")
    assert {name: getattr(parsed, name) for name in stage.IDENTITY} == {name: f"the {name}" for name in stage.IDENTITY}

    del environment["KSLM_SCHEMA"]
    command = [str(JOBS / "gpu" / "command.sh")]
    lacking = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert lacking.returncode and "KSLM_SCHEMA" in lacking.stderr


def test_values_of_a_stage_that_has_not_run_are_an_error(tmp_path):
    code = compile((JOBS / "values.py").read_text(), "values.py", "exec")
    with pytest.raises(FileNotFoundError, match=r"evaluate\.json"):
        exec(code, {"dbutils": Utilities(home=str(tmp_path), job_run="7", stage="evaluate")})


def test_what_is_handed_on_is_valid_json(local, monkeypatch, tmp_path):
    import kslm.pipeline

    monkeypatch.setattr(kslm.pipeline, "run_stage", lambda name, settings: REPORTS[name])
    assert stage.main(arguments("train", "quick", tmp_path)) == 0
    written = (tmp_path / "reports" / "task-values" / "7" / "train.json").read_text()
    assert json.loads(written) == {"run": "quick-1", "run_id": "r"}


@pytest.mark.parametrize(
    ("trained", "newest", "refused"), [(None, "other", False), ("r", "r", False), ("r", "other", True)]
)
def test_a_job_run_goes_on_with_its_own_model_only(trained, newest, refused, local, monkeypatch, tmp_path, capsys):
    import kslm.pipeline

    def run_stage(name, settings):
        report = REPORTS[name]
        if name == "train":
            report = Report("train", "id", report.outputs.model_copy(update={"run_id": newest}))
            report.save(settings.home.report("quick", "train"))
        return report

    monkeypatch.setattr(kslm.pipeline, "run_stage", run_stage)
    for job_run, run_id in (("7", trained), ("8", "other")):
        newest = run_id or newest
        if run_id:
            stage.main(arguments("train", "quick", tmp_path, **{"job-run": job_run}))
    if not refused and trained:
        newest = trained
        stage.main(arguments("train", "quick", tmp_path))
    capsys.readouterr()
    assert (stage.main(arguments("evaluate", "quick", tmp_path)) == 1) is refused
    assert ("another job trained meanwhile" in capsys.readouterr().err) is refused


def test_rolling_back_says_which_version_serves(local, monkeypatch, tmp_path, capsys):
    import kslm.tracking.versions

    monkeypatch.setattr(kslm.tracking.versions, "roll_back", lambda settings: "3")
    assert stage.main(arguments("rollback", "quick", tmp_path)) == 0
    assert "version 3 of x.x.x is the champion again" in capsys.readouterr().out


def test_upkeep_of_another_profile_s_schema_is_refused(local, tmp_path, capsys):
    assert stage.main(arguments("maintain", "quick", tmp_path)) == 1
    assert stage.main(arguments("maintain", "small", tmp_path)) == 2
    assert "holds the tables and the models of profile quick" in capsys.readouterr().err
