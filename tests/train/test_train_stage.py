import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from kslm import published, train
from kslm.errors import DataError, KslmError
from kslm.tokens import ShardReader
from kslm.tracking.run import Tracker
from kslm.train import checkpoints, stage
from kslm.train.conditions import ConditionLog
from kslm.train.data import PLACE, Place
from kslm.train.guards import AbortLog
from train_micro import Interrupting, micro

MICRO = Path(__file__).parents[1] / "train_micro.py"


@pytest.fixture
def untracked(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(stage, "open_run", lambda *_: Tracker())


def child(home: Path, **settings) -> subprocess.Popen:
    command = [sys.executable, str(MICRO), str(home), json.dumps(settings)]
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_training_ends_in_the_same_weights(tmp_path, monkeypatch, untracked):
    steps = {"max_steps": 40, "grad_accum_steps": 2}
    whole = train.run(micro(tmp_path / "whole", monkeypatch, **steps))

    settings = micro(tmp_path / "killed", monkeypatch, **steps)
    process = child(tmp_path / "killed", **steps)
    while not list(settings.home.checkpoints.glob("*/checkpoint-8")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run = next(settings.home.checkpoints.iterdir())
    assert checkpoints.listed(run) and not (run / "model").exists()
    half = checkpoints.listed(run)[-1]
    published.withdraw(half)

    again = train.run(settings)
    assert again.outputs.weights_sha256 == whole.outputs.weights_sha256
    assert again.outputs.steps == whole.outputs.steps == 40
    assert again.metrics["val/perplexity"] == whole.metrics["val/perplexity"] < 250


def test_divergence_is_adjusted_and_then_reported(tmp_path, monkeypatch, untracked):
    settings = micro(tmp_path, monkeypatch, learning_rate=0.9, abort_grad_norm=1e-6, max_attempts=2)
    with pytest.raises(KslmError, match=r"failed 2 times\n.*gradient norm"):
        train.run(settings)
    run = next(settings.home.checkpoints.iterdir())
    assert [abort.reason for abort in AbortLog(run).aborts] == ["grad_norm", "grad_norm"]


def test_a_nan_ends_the_attempt_and_the_next_goes_on_from_the_last_checkpoint(tmp_path, monkeypatch, untracked):
    from kslm.train import loop

    real, calls = loop._Trainer.compute_loss, []

    def poisoned(self, model, inputs, *args, **kwargs):
        calls.append(1)
        loss = real(self, model, inputs, *args, **kwargs)
        return loss * float("nan") if len(calls) == 6 else loss

    monkeypatch.setattr(loop._Trainer, "compute_loss", poisoned)
    report = train.run(micro(tmp_path, monkeypatch))
    assert report.outputs.steps == 24
    assert "went on from step 4 with learning_rate 0.01 → 0.005" in " ".join(report.notes)
    rates = [e["learning_rate"] for e in history(tmp_path, report) if "learning_rate" in e]
    assert max(rates) <= 0.01 and rates[1] < 0.006


def test_too_little_memory_halves_the_micro_batch(tmp_path, monkeypatch, untracked):
    from kslm.train import loop

    real = loop._Trainer.compute_loss

    def hungry(self, model, inputs, *args, **kwargs):
        if len(inputs["input_ids"]) > 2 and model.training:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(loop._Trainer, "compute_loss", hungry)
    report = train.run(micro(tmp_path, monkeypatch))
    assert "micro_batch_size 4 → 2, grad_accum_steps 1 → 2" in " ".join(report.notes)


def test_keeps_the_newest_and_the_best_and_no_pickled_arguments(tmp_path, monkeypatch, untracked):
    report = train.run(micro(tmp_path, monkeypatch))
    model = tmp_path / report.outputs.checkpoint
    saved = checkpoints.listed(model.parent)
    assert [checkpoints.step_of(path) for path in saved][-2:] == [20, 24] and len(saved) <= 3
    assert all(published.whole(path) for path in [*saved, model])
    assert not list(model.parent.rglob("training_args.bin"))
    state = torch.load(saved[-1] / "optimizer.pt", weights_only=True)
    assert set(state) == {"muon", "adamw"}
    assert {p.name for p in model.iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json"}
    place = Place.model_validate_json((saved[-1] / PLACE).read_text())
    assert place.sequence == 24 * 4 and place.shards == ShardReader(tmp_path / "tokens" / "abc").manifest.content_id


def test_the_report_tells_what_was_read(tmp_path, monkeypatch, untracked):
    report = train.run(micro(tmp_path, monkeypatch, max_steps=30, grad_accum_steps=8))
    epochs = report.metrics["train/epochs"]
    assert 1 < epochs == pytest.approx(30 * 32 * 16 / report.metrics["train/epoch_tokens"], rel=0.1)
    assert report.metrics["train/share/os"] == pytest.approx(0.6, abs=0.02)
    assert 0 < report.metrics["train/repeated"] < 1
    assert any(note.startswith(f"read {epochs:.2f} epochs of about ") for note in report.notes)


def test_a_checkpoint_of_other_shards_is_refused(tmp_path, monkeypatch, untracked):
    settings = micro(tmp_path, monkeypatch)
    monkeypatch.setattr(stage, "open_run", lambda *_: Interrupting(12))
    with pytest.raises(KeyboardInterrupt):
        train.run(settings)
    run = next(settings.home.checkpoints.iterdir())
    half = checkpoints.latest_whole(run)
    place = Place.model_validate_json((half / PLACE).read_text())
    (half / PLACE).write_text(place.model_copy(update={"shards": "f" * 32}).model_dump_json())
    published.seal(half)
    monkeypatch.setattr(stage, "open_run", lambda *_: Tracker())
    with pytest.raises(DataError, match=f"of the shards {'f' * 32}\nCause: the shards at hand are {place.shards}"):
        train.run(settings)


def test_the_report_tells_of_the_checkpoint_that_was_published(tmp_path, monkeypatch, untracked):
    monkeypatch.setattr(checkpoints, "best_step", lambda history, run: 8)  # as where a better one was damaged since
    report = train.run(micro(tmp_path, monkeypatch, keep_checkpoints=9))
    losses = {entry["step"]: entry["eval_loss"] for entry in history(tmp_path, report) if "eval_loss" in entry}
    assert min(losses.values()) < losses[8]
    assert report.metrics["train/best_step"] == 8 and report.metrics["val/loss"] == losses[8]


def test_adamw_and_plain_windows_train_too(tmp_path, monkeypatch, untracked):
    report = train.run(micro(tmp_path, monkeypatch, optimizer="adamw", learning_rate=3e-3, sampling="plain"))
    assert any("without the mix" in note for note in report.notes)
    losses = [entry["loss"] for entry in history(tmp_path, report) if "loss" in entry]
    assert losses[-1] < losses[0]


def test_too_little_data_says_what_to_do(tmp_path, monkeypatch, untracked):
    with pytest.raises(DataError, match="fewer than one step's"):
        train.run(micro(tmp_path, monkeypatch, micro_batch_size=4096))


def test_an_interrupted_run_goes_on_in_a_moved_home_under_other_conditions(tmp_path, monkeypatch, untracked):
    settings = micro(tmp_path / "before", monkeypatch)
    monkeypatch.setattr(stage, "open_run", lambda *_: Interrupting(12))
    with pytest.raises(KeyboardInterrupt):
        train.run(settings)
    run = next(settings.home.checkpoints.iterdir()).name

    (tmp_path / "before").rename(tmp_path / "after")
    monkeypatch.setattr(stage, "open_run", lambda *_: Tracker())
    report = train.run(micro(tmp_path / "after", monkeypatch, log_every=2, keep_checkpoints=9, threads=2))
    assert report.outputs.run == run and report.outputs.steps == 24
    assert "went on from step 8 under other conditions: threads 1 → 2" in report.notes
    assert [start for start, _ in ConditionLog(tmp_path / "after/checkpoints" / run).starts] == [0, 8]
    assert str(tmp_path) not in report.outputs.model_dump_json()
    steps = [entry["step"] for entry in history(tmp_path / "after", report) if "loss" in entry]
    assert steps == [4, 8, 10, 12, 14, 16, 18, 20, 22, 24]


def test_a_finished_run_is_reported_once_and_then_made_anew(tmp_path, monkeypatch, untracked):
    settings = micro(tmp_path, monkeypatch)
    report = train.run(settings)
    model = tmp_path / report.outputs.checkpoint
    written = (model / "model.safetensors").stat().st_mtime_ns
    assert train.run(settings).outputs == report.outputs, "killed before its report, it is not trained again"
    assert (model / "model.safetensors").stat().st_mtime_ns == written

    report.save(settings.home.report("micro", "train"))
    monkeypatch.setattr(stage, "open_run", lambda *_: Interrupting(12))
    with pytest.raises(KeyboardInterrupt):
        train.run(settings)
    assert not model.exists()
    with pytest.raises(KeyboardInterrupt):
        train.run(settings)
    assert [start for start, _ in ConditionLog(model.parent).starts] == [0, 8], "the second time goes on"


def history(home, report):
    return json.loads((home / report.outputs.checkpoint / "history.json").read_text())
