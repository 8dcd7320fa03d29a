"""The workflows are narrow, pinned and bounded, and name make targets and bundle targets that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEXTS = {path.stem: path.read_text() for path in FILES}
# "on" is a boolean in YAML 1.1.
WORKFLOWS = {name: yaml.load(text, Loader=yaml.BaseLoader) for name, text in TEXTS.items()}
JOBS = {f"{name}.{key}": job for name, flow in WORKFLOWS.items() for key, job in flow["jobs"].items()}
TARGETS = set(yaml.safe_load((ROOT / "databricks.yml").read_text())["targets"])
MAKE = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
# A commit, or a released version.
PINNED = re.compile(r"[\w-]+/[\w-]+@(?:[0-9a-f]{40}|v\d+\.\d+\.\d+)")


def commands(job):
    """What a job runs, one item for each value of its matrix."""
    matrix = job.get("strategy", {}).get("matrix", {})
    for step in job["steps"]:
        lines = [step.get("run", "")]
        for key, values in matrix.items():
            lines = [line.replace(f"${{{{ matrix.{key} }}}}", value) for line in lines for value in values]
        yield from filter(None, lines)


def test_there_is_one_for_tests_and_one_for_each_shared_target():
    assert set(WORKFLOWS) == {"ci", "deploy-staging", "deploy-prod"}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_only_read_and_has_its_group(name):
    flow = WORKFLOWS[name]
    assert flow["permissions"] == {"contents": "read"}
    assert flow["concurrency"]["group"]
    if name != "ci":
        assert flow["concurrency"]["cancel-in-progress"] == "false"
    assert not re.search(r"secrets\.|pull_request_target|write-all|set -x", TEXTS[name])


@pytest.mark.parametrize("name", JOBS)
def test_a_job_is_bounded_and_its_actions_are_pinned(name):
    job = JOBS[name]
    assert 0 < int(job["timeout-minutes"]) <= 120
    assert job["permissions"].items() <= {"contents": "read", "id-token": "write"}.items()
    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert uses
    assert all(PINNED.fullmatch(each) for each in uses)
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == ["false"]


@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_reaches_a_workspace_has_its_identity_and_no_other_has_one(name):
    job = JOBS[name]
    called = [command for command in commands(job) if command.startswith("databricks ")]
    assert bool(called) == ("environment" in job) == ("id-token" in job["permissions"])
    if called:
        assert job["env"]["DATABRICKS_AUTH_TYPE"] == "github-oidc"
        assert {"DATABRICKS_HOST", "DATABRICKS_CLIENT_ID"} <= job["env"].keys()


def test_what_is_run_exists():
    for name, job in JOBS.items():
        for command in commands(job):
            if command.startswith("make "):
                assert {word for word in command.split()[1:] if "=" not in word} <= MAKE, name
            if command.startswith("databricks "):
                assert re.search(r" -t (\S+)$", command)[1] in TARGETS, name


def test_ci_tests_and_validates_and_each_deployment_deploys_its_own_target():
    assert "make PYTHON=python test" in set(commands(JOBS["ci.test"]))
    assert JOBS["ci.test"]["strategy"]["matrix"]["python"] == ["3.11", "3.12"]
    validated = {
        command
        for job in JOBS.values()
        for command in commands(job)
        if command.startswith("databricks bundle validate")
    }
    assert validated == {f"databricks bundle validate --strict -t {target}" for target in TARGETS}
    assert "pull_request" not in JOBS["ci.validate"]["if"]
    for target in ("staging", "prod"):
        job = JOBS[f"deploy-{target}.deploy"]
        assert job["environment"] == target
        own = [name for name in sorted(TARGETS) if name == target or name.startswith(f"{target}_")]
        assert [command for command in commands(job) if "bundle deploy" in command] == [
            f"databricks bundle deploy -t {name}" for name in own
        ]
    assert WORKFLOWS["deploy-staging"]["on"]["workflow_run"]["workflows"] == ["ci"]
    assert "conclusion == 'success'" in JOBS["deploy-staging.deploy"]["if"]
    assert WORKFLOWS["deploy-prod"]["on"] == {"push": {"tags": ["v*"]}}
    assert any("--is-ancestor" in command for command in commands(JOBS["deploy-prod.deploy"]))
