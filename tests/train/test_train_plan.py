import shutil
from pathlib import Path

import pytest

import kslm
from kslm import code
from kslm.profile import Train
from kslm.train import plan
from kslm.train.plan import DECISIVE_CODE, plan_of
from train_micro import micro

OTHERS = {
    "optimizer": "adamw",
    "learning_rate": 0.5,
    "embedding_learning_rate": 0.5,
    "betas": (0.5, 0.5),
    "weight_decay": 0.5,
    "max_grad_norm": 0.5,
    "warmup_steps": 5,
    "min_lr_rate": 0.5,
    "max_steps": 25,
    "sampling": "plain",
    "sequence_length": 32,
    "precision": "bf16",
    "eval_every": 6,
    "eval_tokens": 512,
    "abort_grad_norm": 5.0,
    "patience_steps": 5,
}
"""Another value of each setting that decides the weights."""
WATCHING = {"log_every": 1, "save_every": 8, "keep_checkpoints": 9, "max_attempts": 2, "threads": 2}
"""And of each that does not."""
CUT = {"micro_batch_size", "grad_accum_steps"}
"""Decide by their product: the sequences of an optimizer step."""


@pytest.fixture
def name(tmp_path, monkeypatch):
    return lambda **settings: plan_of(micro(tmp_path, monkeypatch, **settings)).name


def test_every_setting_is_known_to_decide_weights_or_not_to(name):
    assert {*OTHERS, *WATCHING, *CUT} == set(Train.model_fields)
    usual = name()
    assert [field for field, value in OTHERS.items() if name(**{field: value}) == usual] == []
    assert name(**WATCHING) == usual


def test_the_sequences_of_a_step_decide_not_how_they_are_cut(name):
    assert name(micro_batch_size=4, grad_accum_steps=2) == name(micro_batch_size=2, grad_accum_steps=4) != name()


def test_precision_is_what_is_computed(name, monkeypatch):
    monkeypatch.setattr(plan, "uses_bf16", lambda precision: precision != "fp32")
    assert name(precision="auto") == name(precision="bf16") != name(precision="fp32")


def test_a_docstring_and_the_tracker_are_not_part_of_a_name(tmp_path, name, monkeypatch):
    def edited(copy, file, before, after):
        root = tmp_path / copy
        shutil.copytree(Path(kslm.__file__).parent, root, ignore=shutil.ignore_patterns("__pycache__", "*.yml"))
        source = (root / file).read_text()
        assert before in source
        (root / file).write_text(source.replace(before, after))
        monkeypatch.setattr(code, "_HERE", root)
        monkeypatch.setattr(plan, "code_hash", code.code_hash.__wrapped__)
        return name()

    usual = name()
    assert edited("docstring", "train/loop.py", "Train until max_steps.", "Train.") == usual
    assert edited("tracker", "tracking/run.py", "FLUSH_SECONDS = 15.0", "FLUSH_SECONDS = 1.0") == usual
    assert edited("loop", "train/loop.py", "data_seed=job.seed", "data_seed=job.seed + 1") != usual


def test_every_module_of_training_is_known_to_decide_weights_or_not_to():
    modules = {f"train.{path.stem}" for path in Path(plan.__file__).parent.glob("*.py")}
    steering = {"attempts", "callbacks", "conditions", "plan", "reading", "stage", "__init__"}
    assert modules - {f"train.{module}" for module in steering} == set(DECISIVE_CODE) - {
        "model.sizes",
        "tokens.sampler",
        "tokens.stream",
    }
