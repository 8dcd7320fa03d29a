"""Training by several processes, through the real command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

from kslm import train
from kslm.outputs import Trained, load
from kslm.tracking.client import connect, experiment_id
from kslm.tracking.run import Tracker
from kslm.train import stage
from train_micro import Interrupting, settings_of, write_profile

BROKEN_RANK = Path(__file__).parent / "broken_rank.py"
# 93 sequences are eleven steps, so an epoch ends within.
SEQUENCES = {"sequence_length": 64, "micro_batch_size": 4, "grad_accum_steps": 2}
TRAIN = {"max_steps": 14, "log_every": 1, "eval_every": 7, "save_every": 7} | SEQUENCES


def torchrun(profile: Path, *program: str, **environment: str) -> subprocess.CompletedProcess:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", *program]
    home = {"KSLM_HOME": str(profile.parent), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [*launcher, "train", "--profile", str(profile)],
        check=False,
        env=os.environ | home | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def settings(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    monkeypatch.setattr(stage, "open_run", lambda *_: Tracker())
    return lambda home: settings_of(tmp_path / home, **TRAIN)


def test_two_ranks_go_on_with_what_one_began_and_see_the_same_data(tmp_path, monkeypatch, settings):
    one = train.run(settings("one"))

    two = settings("two")
    monkeypatch.setattr(stage, "open_run", lambda *_: Interrupting(8))
    with pytest.raises(KeyboardInterrupt):
        train.run(two)
    profile, disk = write_profile(tmp_path / "two" / "micro.yml", **TRAIN), tmp_path / "disk"
    ended = torchrun(profile, "-m", "kslm", KSLM_SCRATCH=str(disk))  # as on a Volume
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert {path.parent.name for path in disk.rglob("manifest.json")} == {"abc", "checkpoint-7"}, "read from copies"
    assert ended.stdout.count("computed in float32") == 1, "the first rank reports, and no other"

    report = load(two, Trained)
    assert report.outputs.run == one.outputs.run and report.outputs.steps == 14
    assert "went on from step 7 under other conditions: ranks 1 → 2" in report.notes
    assert losses(tmp_path / "two", report) == pytest.approx(losses(tmp_path / "one", one), rel=1e-4)
    weights, others = (
        load_file(tmp_path / home / each.outputs.checkpoint / "model.safetensors")
        for home, each in (("one", one), ("two", report))
    )
    assert all(torch.allclose(weights[name], others[name], atol=1e-3) for name in weights)
    (run,) = runs(two)
    assert run.info.run_id == report.outputs.run_id and run.info.status == "FINISHED"
    assert run.data.tags["conditions/ranks"] == "2" and run.data.params["train.max_steps"] == "14"


def test_a_rank_that_fails_is_named_by_the_run_and_by_the_command(tmp_path, settings):
    broken = settings("home")
    ended = torchrun(write_profile(tmp_path / "home" / "micro.yml", **TRAIN), str(BROKEN_RANK))
    assert ended.returncode != 0
    assert "Cause: rank 1: the disk is gone" in ended.stderr
    (run,) = runs(broken)
    assert run.info.status == "FAILED" and "rank 1: the disk is gone" in run.data.tags["failure"]
    assert not broken.home.report("micro", "train").exists()


def test_ranks_find_the_home_busy_and_all_end(tmp_path, settings):
    busy = settings("home")
    with FileLock(busy.home.lock):
        ended = torchrun(write_profile(tmp_path / "home" / "micro.yml", **TRAIN), "-m", "kslm")
    assert ended.returncode != 0
    assert "another run is at work" in ended.stderr and "exitcode  : 4" in ended.stderr


def losses(home, report):
    """Training loss of each step."""
    history = json.loads((home / report.outputs.checkpoint / "history.json").read_text())
    return {entry["step"]: entry["loss"] for entry in history if "loss" in entry}


def runs(settings):
    client = connect(settings)
    return client.search_runs([experiment_id(client, settings)])
