"""A trained model's home in miniature: a small checkpoint, shards and three reports."""

import shutil
from pathlib import Path

import pytest

from kslm.outputs import Evaluated, Tokenized, Trained
from kslm.published import file_sha256
from kslm.release.variants import VARIANTS, Variant
from kslm.report import Report
from kslm.settings import Environment, Settings, load_profile
from kslm.tokens import Encoder
from kslm.tracking.client import connect, experiment_id
from shard_rows import Document, write_shards
from small_checkpoint import LINES, write_checkpoint

PROFILE = """
profile: mini
seed: 3
sources:
  ids: {kind: pci_ids, licence: MIT, places: [{path: /dev/null}]}
model: {size: quick}
train: {max_steps: 1, sequence_length: 32, threads: 1}
release:
  variants: VARIANTS
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


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


def settings_of(root: Path) -> Settings:
    return Settings(load_profile(root / "mini.yml"), Environment(KSLM_HOME=root))


def make_home(root: Path, checkpoint: Path, variants: str = "[int8, int4]") -> Settings:
    """Reports, shards, a training run and the checkpoint under `root`."""
    root.mkdir(parents=True)
    (root / "mini.yml").write_text(PROFILE.replace("VARIANTS", variants))
    settings = settings_of(root)
    home = settings.home
    weights = home.checkpoints / "one"
    shutil.copytree(checkpoint, weights)
    tokenizer = (weights / "tokenizer.json").read_text()
    encoder = Encoder(tokenizer)
    shards = home.tokens / "f1"
    texts = [LINES[number % 20] + f" {number}" for number in range(400)]
    documents = [
        Document(str(number), ("train", "test")[number % 2], "os", "text", len(text), encoder.encode([text]).ids)
        for number, text in enumerate(texts)
    ]
    write_shards(shards, tokenizer, documents, fingerprint="f1")
    client = connect(settings)
    run_id = client.create_run(experiment_id(client, settings)).info.run_id
    trained = Trained(
        run_id=run_id,
        checkpoint=home.relative(weights),
        weights_sha256=file_sha256(weights / "model.safetensors"),
    )
    tokenized = Tokenized(manifest=home.relative(shards / "manifest.json"), fingerprint="f1")
    evaluation = {"test/perplexity": 500.0, "baseline/bigram/perplexity": 600.0}
    for report in (
        Report("train", "t", outputs=trained),
        Report("evaluate", "e", metrics=evaluation, outputs=Evaluated()),
        Report("tokenize", "k", outputs=tokenized),
    ):
        report.save(home.report("mini", report.stage))
    return settings


@pytest.fixture(scope="session")
def new_home():
    """The function that makes a home; a fixture because every room's conftest has one module name."""
    return make_home


@pytest.fixture
def toy(monkeypatch):
    """A variant that some other file might define: half of the weights' precision, run by torch, served first."""

    def build(checkpoint, needs, out):
        import torch
        from safetensors.torch import load_file, save_file

        for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
            shutil.copyfile(checkpoint / name, out / name)
        tensors = load_file(checkpoint / "model.safetensors")
        halves = {name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}
        save_file(halves, out / "model.safetensors", metadata={"format": "pt"})

    monkeypatch.setitem(VARIANTS, "toy", Variant("toy", build, runtime="torch", options={"bits": "16"}, rank=0))
    return VARIANTS["toy"]
