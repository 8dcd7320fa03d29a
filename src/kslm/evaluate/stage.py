"""The evaluate stage: score the trained model on held-out text, beside unigram and bigram baselines on the same tokens.

The weights are loaded anew from the published folder, so a figure here is also proof that the checkpoint reloads. All
scoring is in float32: the reference that quantized variants are compared with.

Validation and test text is in the mix's shares; the baselines count the training text of epoch 0.

Limits: at most evaluate.max_tokens tokens of each split; repetition is measured on a few short samples.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel

from kslm.errors import DataError
from kslm.evaluate import plots
from kslm.evaluate.baselines import Bigram, Unigram
from kslm.evaluate.score import Scores, figures, score
from kslm.figures import save
from kslm.measures import Held, held_out, repetition
from kslm.model import load_model, prepare_cpu, sample, use_threads
from kslm.outputs import Evaluated, Tokenized, Trained, load
from kslm.published import write_atomically
from kslm.report import QUIET, Progress, Report
from kslm.scratch import at_hand
from kslm.settings import Settings
from kslm.tokens.reader import ShardReader
from kslm.tokens.sampler import Sampler, held_stream
from kslm.tracking.run import attach

SAMPLES, PROMPT_TOKENS, NEW_TOKENS = 16, 16, 96


def run(settings: Settings, progress: Progress = QUIET) -> Report[Evaluated]:
    """Evaluate the train stage's model.

    Raises:
        DataError: the checkpoint or the shards are missing or altered, or a score is not finite.
    """
    profile, home = settings.profile, settings.home
    use_threads(profile.train.threads)
    prepare_cpu()
    trained, tokenized = load(settings, Trained), load(settings, Tokenized)
    reader = ShardReader(at_hand(home, home.at(tokenized.outputs.manifest).parent))
    model = load_model(at_hand(home, home.at(trained.outputs.checkpoint)))
    train = Sampler(reader.split("train"), profile.mix, profile.seed).stream(0)
    streams = {name: held_stream(reader.split(name), profile.mix) for name in ("val", "test")}
    baselines = {name: make(train, reader.manifest.vocab_size) for name, make in _BASELINES.items()}
    metrics: dict[str, float] = {}
    seconds = 0.0
    for name, stream in streams.items():
        held = held_out(stream, profile.evaluate.max_tokens)
        begin = time.monotonic()
        scores = _score(model, held, name, settings, progress)
        seconds += time.monotonic() - begin
        metrics |= {f"{name}/{figure}": value for figure, value in figures(scores.nats, held).items()}
        metrics |= {f"{name}/top{k}": float((scores.rank < k).mean()) for k in (1, 5)}
        metrics[f"{name}/tokens"] = len(held.tokens)
        if name == "test":
            for baseline, counted in baselines.items():
                of_baseline = figures(counted.score(held.previous, held.tokens), held)
                metrics |= {f"baseline/{baseline}/{figure}": value for figure, value in of_baseline.items()}
    prompts = torch.from_numpy(streams["val"].beginnings(SAMPLES, PROMPT_TOKENS))
    metrics["generation/repetition"] = repetition(sample(model, prompts, NEW_TOKENS, seed=profile.seed))
    metrics |= {"check/finite": 1.0, "check/reloads": 1.0}
    files = _publish(settings, trained.outputs, metrics)
    identity = json.dumps([trained.output_id, tokenized.output_id, metrics], sort_keys=True)
    return Report(
        "evaluate",
        output_id=hashlib.sha256(identity.encode()).hexdigest(),
        metrics=metrics | {"evaluate/tokens_per_second": (metrics["val/tokens"] + metrics["test/tokens"]) / seconds},
        outputs=Evaluated(run_id=trained.outputs.run_id, files=tuple(home.relative(file) for file in files)),
    )


def _score(model: PreTrainedModel, held: Held, name: str, settings: Settings, progress: Progress) -> Scores:
    with progress.task(f"scoring {name}", total=len(held.tokens), unit="tokens") as task:
        scores = score(model, held.tokens, settings.profile.train.sequence_length, task.advance)
    if not np.isfinite(scores.nats).all():
        raise DataError(
            f"the model gives {int((~np.isfinite(scores.nats)).sum())} tokens of {name} a score that is not finite",
            cause="its weights have diverged",
            remedy="lower train.learning_rate and train again",
        )
    return scores


def _publish(settings: Settings, trained: Trained, metrics: dict[str, float]) -> list[Path]:
    """Plots and figures to the training's MLflow run, and to artefacts/<run>/plots; returns the files."""
    tracker = attach(settings, trained.run_id)
    folder = settings.home.artefacts / trained.run / "plots"
    drawn = {
        "loss.png": plots.loss_curve(tracker.loss_history(), f"Loss of {trained.run}"),
        "perplexity_by_slice.png": plots.perplexity_bars(
            plots.perplexities(metrics), "Perplexity by slice, test split"
        ),
    }
    text = json.dumps(metrics, indent=1, sort_keys=True)
    write_atomically(folder / "evaluation.json", text)
    for name, figure in drawn.items():
        save(figure, folder / name)
        tracker.figure(figure, f"plots/{name}")
    tracker.text(text, "evaluation.json")
    tracker.metrics(metrics, trained.steps)
    tracker.flush()
    return [folder / name for name in (*drawn, "evaluation.json")]


_BASELINES: dict[str, Any] = {"unigram": Unigram, "bigram": Bigram}
