"""A model of a few thousand weights and a few thousand tokens to train it on, for tests that train."""

import json
import sys
from pathlib import Path

import torch
import yaml

from kslm.model import SIZES, Size
from kslm.outputs import Tokenized
from kslm.profile import Profile
from kslm.report import Report
from kslm.settings import Environment, Settings
from kslm.tokens import Encoder, Lineage, train_tokenizer
from kslm.tracking.run import Tracker
from shard_rows import Document, write_shards

SLICES = ("os", "hardware")
TRAIN = {
    "max_steps": 24,
    "sequence_length": 16,
    "micro_batch_size": 4,
    "warmup_steps": 4,
    "log_every": 4,
    "eval_every": 8,
    "save_every": 4,
    "eval_tokens": 256,
    "precision": "fp32",
    "threads": 1,
    "keep_checkpoints": 2,
}


def micro(home: Path, monkeypatch=None, **train) -> Settings:
    """Settings over `home`, with shards and their report; the size "quick" becomes a micro one."""
    size = Size(1, 32, 2, 16, 1, 64, 512, 64, True, 30_000)
    if monkeypatch:
        monkeypatch.setitem(SIZES, "quick", size)
    else:
        SIZES["quick"] = size
    return settings_of(home, **train)


def settings_of(home: Path, **train) -> Settings:
    """Settings over `home`, with shards and their report, and the size "quick" as it is."""
    env = {"KSLM_HOME": str(home), "MLFLOW_TRACKING_URI": f"sqlite:///{home}/mlflow.db"}
    settings = Settings(Profile.model_validate(profile(**train)), Environment.model_validate(env))
    if not (home / "tokens").exists():
        _shards(settings)
    return settings


def profile(**train) -> dict:
    """The micro profile, as its file holds it."""
    return {
        "profile": "micro",
        "seed": 3,
        "sources": {"notes": {"kind": "man_pages", "licence": "MIT", "places": [{"path": "/dev/null"}]}},
        "mix": {"shares": {"os": 0.6, "hardware": 0.4}},
        "model": {"context_length": 64},
        "train": TRAIN | train,
        "evaluate": {"max_tokens": 2000},
        "release": {"gates": {"max_perplexity": 100}},
    }


class Interrupting(Tracker):
    """Ends training as Ctrl-C does, when the metrics of a step come."""

    def __init__(self, step: int) -> None:
        self.step = step

    def metrics(self, values, step=0) -> None:
        if step >= self.step:
            raise KeyboardInterrupt


def write_profile(path: Path, **train) -> Path:
    """The micro profile as a file, for the command line."""
    path.write_text(yaml.safe_dump(profile(**train)))
    return path


def _shards(settings: Settings) -> None:
    texts = [f"device {i % 7} of bus {i % 5} needs driver e{i * i % 101} since version {i}.\n" * 3 for i in range(150)]
    tokenizer = train_tokenizer(texts, 400, 2)
    encoder = Encoder(tokenizer)
    documents = [
        Document(
            f"doc{i}",
            "val" if i % 10 == 0 else "test" if i % 10 == 1 else "train",
            SLICES[i // 10 % 2],
            "text",
            len(text.encode()),
            encoder.encode([text]).ids,
        )
        for i, text in enumerate(texts)
    ]
    folder = settings.home.tokens / "abc"
    lineage = Lineage(table="gold.corpus", version=2, content_hash="c" * 40, code_version="1")
    write_shards(folder, tokenizer, documents, parts=(3, 1, 1), fingerprint="abc", lineage=lineage)
    outputs = Tokenized(manifest=settings.home.relative(folder / "manifest.json"), fingerprint="abc")
    Report("tokenize", "t", outputs).save(settings.home.report("micro", "tokenize"))


def main() -> None:
    """Train without MLflow, until killed; arguments: home, then JSON of settings of train."""
    from kslm.train import stage

    torch.set_num_threads(1)
    stage.open_run = lambda *_: Tracker()
    stage.run(micro(Path(sys.argv[1]), **json.loads(sys.argv[2])))


if __name__ == "__main__":
    main()
