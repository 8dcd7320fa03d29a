"""The databricks engine, as it is, on Spark Connect with Delta: every stage, equal to what the default engine gives.

Its home is on a mount with a Volume's rules, where there is FUSE; Python's own calls are watched everywhere.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

import connect_session
import kslm.lake
import parity
import volume_mount
import volume_rules
from kslm import index
from kslm.cli.app import app
from kslm.errors import DataError
from kslm.lake import tables
from kslm.lake.change import Change
from kslm.pipeline import PIPELINE, STAGES, hold, run_stage
from kslm.report import Report
from kslm.settings import Environment, Settings, load_profile
from kslm.tokens import Manifest
from kslm.tracking.client import connect
from lake_rows import document, make_equal
from landed import settings_of
from miniature import tiny_profile
from world import build_world

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]

SCHEMA = "dev_ann_kslm"
EXPERIMENT = "/Shared/[dev ann] kslm-dev"
FETCHED = STAGES.index("fetch") + 1


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """The server, while the databricks engine takes its sessions for the workspace's."""
    with (
        connect_session.serving(tmp_path_factory.mktemp("workspace")) as server,
        connect_session.as_workspace(server),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(kslm.lake.Lake, "partitions", 2)
        yield server


def environment(home, schema):
    """What the bundle's job sets, but for the catalog and the addresses of MLflow."""
    store = f"sqlite:///{home.parent}/mlflow.db"
    return {
        "KSLM_HOME": str(home),
        "KSLM_ENGINE": "databricks",
        "KSLM_CATALOG": connect_session.CATALOG,
        "KSLM_SCHEMA": schema,
        "KSLM_REGISTERED_MODEL": f"{schema}_quick",
        "MLFLOW_EXPERIMENT_NAME": EXPERIMENT,
        "MLFLOW_TRACKING_URI": store,
        "MLFLOW_REGISTRY_URI": store,
    }


STAGE_BY_STAGE = """
import sys

import connect_session
import kslm.lake
import parity
from kslm.pipeline import PIPELINE, STAGES, hold, run_stage
from kslm.report import Report
from kslm.serve.ask import answer
from kslm.settings import load_settings
from kslm.tokens import layout

port, profile = sys.argv[1:]
kslm.lake.Lake.partitions = 2
layout.PART_BYTES = parity.PART_BYTES
with connect_session.as_workspace(connect_session.Server(None, port)):
    settings = load_settings(profile)
    with hold(settings):
        for stage in STAGES[1:]:
            assert not run_stage(stage, settings).reused
answered = answer("Which driver does PCI 8086:1533 need?", settings)
print(*(fact.text for fact in answered.facts), sep="\\n")
"""


@pytest.fixture(scope="module")
def ran(workspace, tmp_path_factory):
    """The world after all stages but fetch, which it comes with: settings, reports, an answer, what broke the rules."""
    folder = tmp_path_factory.mktemp("connect")
    behind = build_world(folder / "behind")
    with contextlib.ExitStack() as stack:
        if volume_mount.MISSING:
            home, refused, scratch = behind, None, {"KSLM_SCRATCH": str(folder / "disk")}
        else:
            home, refused = stack.enter_context(volume_mount.mounted(folder))
            scratch = {"TMPDIR": str(folder / "disk")}
        (folder / "disk").mkdir()
        profile = yaml.safe_load((home / "mini.yml").read_text())
        small = tiny_profile(home)
        profile |= {name: small[name] for name in ("evaluate", "release")}
        profile["train"] = small["train"] | {"max_steps": 2, "warmup_steps": 1, "eval_every": 2, "save_every": 2}
        (folder / "mini.yml").write_text(yaml.safe_dump(profile))
        variables = environment(home, SCHEMA) | {"OMP_NUM_THREADS": "1"}
        port = workspace.address.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-c", STAGE_BY_STAGE, port, str(folder / "mini.yml")],
            env=os.environ | volume_rules.environment(home, folder) | variables | scratch,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        env = Environment(_env_file=None, **environment(home, SCHEMA), KSLM_SCRATCH=folder / "disk" / "tests")
        settings = Settings(load_profile(folder / "mini.yml"), env)
        reports = {
            stage: Report.load(settings.home.report("mini", stage), PIPELINE[stage].makes) for stage in STAGES[FETCHED:]
        }
        yield settings, reports, done.stdout, (folder / "seen").read_text(), refused and refused.read_text()


def test_a_home_on_a_volume_is_written_as_a_volume_asks(ran):
    _, _, said, seen, refused = ran
    assert "Intel" in said, "an answer comes from the published index"
    assert seen == ""
    if refused is None:
        pytest.skip(f"Python's own calls were watched, compiled code was not: {volume_mount.MISSING}")
    assert refused == ""


def test_tables_and_shards_are_those_of_sail(ran, tmp_path_factory):
    settings, reports, *_ = ran
    home, expected = parity.expected(tmp_path_factory)
    assert reports["ingest"].outputs.hashes | reports["curate"].outputs.hashes == expected["tables"]
    assert {stage: reports[stage].notes for stage in expected["notes"]} == expected["notes"]
    manifest = Manifest.load(settings.home.at(reports["tokenize"].outputs.manifest).parent)
    assert {name: record.sha256 for name, record in manifest.files.items()} == expected["shards"]
    (of_sail,) = (home / "tokens").glob("*/manifest.json")
    assert manifest.content_id == Manifest.load(of_sail.parent).content_id


def test_the_index_is_that_of_sail(ran, tmp_path_factory):
    home, _ = parity.expected(tmp_path_factory)
    assert ran[1]["index"].output_id == index.run(settings_of(home)).output_id


def test_every_stage_ran_once_and_names_what_the_workspace_calls_things(ran):
    settings, reports, *_ = ran
    with hold(settings):
        assert all(run_stage(stage, settings).reused for stage in reports)
    client = connect(settings)
    run = client.get_run(reports["train"].outputs.run_id)
    assert client.get_experiment(run.info.experiment_id).name == EXPERIMENT
    (data,) = run.inputs.dataset_inputs
    assert json.loads(data.dataset.source)["delta_table_name"] == f"spark_catalog.{SCHEMA}_gold.corpus"
    assert reports["evaluate"].metrics["test/perplexity"] > 1
    released = reports["release"].outputs
    versions = client.search_model_versions(f"name='spark_catalog.{SCHEMA}.{SCHEMA}_quick'")
    assert len(versions) == len(released.variants)
    assert all(len(version.tags) <= 50 for version in versions), "the limit of Unity Catalog"


def test_a_lake_of_its_own_from_the_first_row_to_upkeep(workspace, tmp_path, monkeypatch):
    variables = environment(tmp_path / "home", "upkeep")
    settings = Settings(load_profile("quick"), Environment(_env_file=None, **variables))
    with kslm.lake.open(settings) as lake:
        assert (lake.version(tables.DOCUMENTS), lake.tables()) == (-1, [])
        with pytest.raises(DataError, match="does not exist"):
            lake.read(tables.DOCUMENTS)
        first = make_equal(lake, tables.DOCUMENTS, [document("a"), document("b")])
        assert make_equal(lake, tables.DOCUMENTS, [document("b", at="later"), document("a")]) == first, "no commit"
        assert lake.changes["bronze.documents"] == Change(first, unchanged=2)
        second = make_equal(lake, tables.DOCUMENTS, [document("a", "new"), document("c")])
        assert lake.changes["bronze.documents"] == Change(second, inserted=1, updated=1, deleted=1)
        assert [commit["version"] for commit in lake.history(tables.DOCUMENTS)] == [second, first, 0]
        before = lake.size(tables.DOCUMENTS)
        assert before.files and before.bytes and before.stored_bytes is None
        content = lake.content_hash(tables.DOCUMENTS)

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["corpus", "maintain"], catch_exceptions=False)
    assert result.exit_code == 0 and "bronze.documents" in result.output

    record = tmp_path / "manifest.json"
    record.write_text(json.dumps({"lineage": {"table": "bronze.documents", "version": first}}))
    with kslm.lake.open(settings, at=record) as past:
        assert {row["doc_id"] for row in past["bronze.documents"].collect()} == {"a", "b"}
        with pytest.raises(DataError, match="cannot be written"):
            make_equal(past, tables.DOCUMENTS, [document("x")])
    with kslm.lake.open(settings) as lake:
        assert lake.content_hash(tables.DOCUMENTS) == content
        assert lake.size(tables.DOCUMENTS).files <= before.files
        with pytest.raises(DataError, match="version 99"):
            lake.read(tables.DOCUMENTS, version=99)
