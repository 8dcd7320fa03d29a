"""A trained model's home in miniature: random weights, a tokenizer of twenty lines, shards and three reports."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import mlflow
import pytest
import torch
from transformers import MistralConfig, MistralForCausalLM

from kslm.report import Report
from kslm.settings import Environment, Settings, load_profile
from kslm.tokens import Encoder, Lineage, ShardWriter, train_tokenizer

PROFILE = """
profile: mini
seed: 3
sources:
  ids: {kind: pci_ids, licence: MIT, places: [{path: /dev/null}]}
model: {size: quick}
train: {max_steps: 1, sequence_length: 32, threads: 1}
release:
  perplexity_tokens: 1024
  prefill_tokens: 16
  decode_tokens: 8
  repeats: 1
  gates:
    max_perplexity: 2000
    max_quantized_increase: 0.5
    min_speedup: 0.01
    max_size_deviation: 0.99
    max_repetition: 1.0
"""
LINES = [f"The driver e1000e, number {n}, serves Intel PCI devices; option CONFIG_E{n} builds it." for n in range(20)]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """A checkpoint folder as transformers saves it; its head_dim is not width / heads."""
    folder = tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(0)
    tokenizer = train_tokenizer(LINES * 5, 512, 2)
    vocabulary = len(json.loads(tokenizer)["model"]["vocab"])
    config = MistralConfig(
        vocab_size=vocabulary, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=1, head_dim=32, max_position_embeddings=64, sliding_window=None,
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=0, pad_token_id=1,
    )  # fmt: skip
    MistralForCausalLM(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer)
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>", "pad_token": "<|pad|>"})
    )
    return folder


def make_home(root: Path, checkpoint: Path) -> Settings:
    """Reports, shards, a training run and the checkpoint under `root`."""
    root.mkdir(parents=True)
    (root / "mini.yml").write_text(PROFILE)
    store = f"sqlite:///{root}/mlflow.db"
    env = Environment(KSLM_HOME=root, MLFLOW_TRACKING_URI=store, MLFLOW_REGISTRY_URI=store)
    settings = Settings(load_profile(root / "mini.yml"), env)
    home = settings.home
    own = home.checkpoints / "one"
    shutil.copytree(checkpoint, own)
    encoder = Encoder(own / "tokenizer.json")
    shards = home.tokens / "f1"
    with ShardWriter(shards, (own / "tokenizer.json").read_text(), ("os",)) as writer:
        for number in range(400):
            text = LINES[number % 20] + f" {number}"
            split = "test" if number % 2 else "train"
            writer.add([str(number)], [split], ["os"], [len(text)], encoder.encode([text]))
        writer.publish("f1", Lineage(table="gold.corpus", version=0, content_hash="h", code_version="0"))
    mlflow.set_tracking_uri(settings.tracking_uri)
    experiment = mlflow.create_experiment(settings.experiment, artifact_location=(root / "mlartifacts").as_uri())
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_param("steps", 1)
    sha = hashlib.sha256((own / "model.safetensors").read_bytes()).hexdigest()
    reports = [
        Report("train", "t", outputs={"run_id": run.info.run_id, "checkpoint": str(own), "weights_sha256": sha}),
        Report("evaluate", "e", metrics={"test/perplexity": 500.0, "baseline/bigram/perplexity": 600.0}),
        Report("tokenize", "k", outputs={"manifest": str(shards / "manifest.json"), "fingerprint": "f1"}),
    ]
    for report in reports:
        report.save(home.report("mini", report.stage))
    return settings


@pytest.fixture(scope="module", autouse=True)
def mlflow_left_alone():
    """MLflow puts its store's address into the environment, where the next test's settings would find it."""
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    before = {name: os.environ.get(name) for name in names}
    yield
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def new_home():
    """The function that makes a home; a fixture because every room's conftest has one module name."""
    return make_home


@pytest.fixture
def settings(tmp_path, checkpoint):
    return make_home(tmp_path / "home", checkpoint)
