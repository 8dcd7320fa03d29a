from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from kslm.cli.app import app
from kslm.cli.doctor import examine
from kslm.pipeline import STAGES
from kslm.settings import Environment, Settings, load_profile, profile_folders


def kslm(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kslm", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | env, timeout=120, check=False)


def test_help_names_every_verb_and_where_to_start():
    text = CliRunner().invoke(app, ["--help"]).output
    verbs = set(re.findall(r"│ (\w+) ", text))
    assert verbs >= {*STAGES, "run", "ask", "collect", "doctor", "tokens", "ui"}
    assert "kslm doctor" in text


@pytest.mark.parametrize("verb", [*STAGES, "run", "ask", "collect", "doctor", "ui"])
def test_every_verb_explains_its_options(verb):
    result = CliRunner().invoke(app, [verb, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_help_is_quick_because_it_loads_no_engine():
    check = (
        "import sys, kslm.cli; print([m for m in ('torch', 'mlflow', 'pyspark', 'transformers') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["run", "--profile", "nope"], 2, "no profile named 'nope'"),
        (["run", "--from", "trian"], 1, "no stage named 'trian'"),
        (["run", "--from", "train", "--until", "fetch"], 1, "stage 'fetch' does not need 'train'"),
        (["ingest"], 1, "kslm fetch --profile quick"),
    ],
)
def test_a_mistake_ends_in_a_message_and_a_status_without_a_traceback(arguments, status, says, tmp_path):
    result = kslm(*arguments, KSLM_HOME=str(tmp_path / "home"))
    assert result.returncode == status
    assert says in result.stderr
    assert "Traceback" not in result.stderr + result.stdout


def test_a_stage_that_the_profile_lacks_is_refused_before_it_runs(tmp_path):
    profile = tmp_path / "few.yml"
    profile.write_text(f"extends: {profile_folders()[1] / 'quick'}\nprofile: few\nstages: [fetch, ingest]\n")
    result = kslm("index", "--profile", str(profile), KSLM_HOME=str(tmp_path / "home"))
    assert result.returncode == 1
    assert "profile few has no stage named 'index'" in result.stderr


def test_doctor_gives_each_failing_check_a_remedy(tmp_path):
    profile = tmp_path / "p.yml"
    profile.write_text(
        "profile: p\nsources:\n  ids: {kind: pci_ids, licence: MIT, places: [{path: /nowhere/pci.ids}]}\n"
        "train: {max_steps: 1}\nrelease: {gates: {max_perplexity: 10}}\n"
    )
    result = kslm("doctor", "--profile", str(profile), KSLM_HOME=str(tmp_path / "home"))
    assert result.returncode == 1
    assert "/nowhere/pci.ids is not here" in result.stdout
    assert "→ connect once" in result.stdout


def test_doctor_says_what_a_volume_and_a_workspace_need(tmp_path):
    profile = load_profile("quick").model_copy(update={"sources": {}})
    places = {"KSLM_HOME": tmp_path / "home", "KSLM_SCRATCH": tmp_path / "scratch"}
    checks = {}
    for engine in ("databricks", "sail"):
        settings = Settings(profile, Environment(_env_file=None, KSLM_ENGINE=engine, **places))
        checks[engine] = {check.name: check for check in examine(settings)}
    assert str(tmp_path / "scratch") in checks["databricks"]["scratch"].finding
    assert checks["databricks"]["tables"].passed and not checks["sail"]["tables"].passed
    assert "MLFLOW_EXPERIMENT_NAME" in checks["databricks"]["experiment"].remedy
    assert "experiment" not in checks["sail"]
