"""The evaluate stage: score the trained model on held-out text, beside unigram and bigram baselines on the same tokens.

The weights are loaded anew from the published folder, so a figure here is also proof that the checkpoint reloads. All
scoring is in float32: the reference that quantized variants are compared with.

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
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from kslm.errors import DataError
from kslm.evaluate import plots
from kslm.evaluate.baselines import Bigram, Unigram
from kslm.evaluate.score import Scores, figures, score
from kslm.measures import Held, held_out, repetition
from kslm.model import prepare_cpu, sample
from kslm.published import write_atomically
from kslm.report import QUIET, Progress, Report
from kslm.settings import Settings
from kslm.tokens import ShardReader, TokenSplit
from kslm.tracking import run as tracking
from kslm.train.stage import use_threads

SAMPLES, PROMPT_TOKENS, NEW_TOKENS = 16, 16, 96


def run(settings: Settings, progress: Progress = QUIET) -> Report:
    """Evaluate the train stage's model.

    Raises:
        DataError: the checkpoint or the shards are missing or altered, or a score is not finite.
    """
    use_threads(settings.profile.train.threads)
    prepare_cpu()
    profile = settings.profile
    trained = Report.load(settings.home.report(profile.profile, "train"))
    tokenized = Report.load(settings.home.report(profile.profile, "tokenize"))
    reader = ShardReader(Path(tokenized.outputs["manifest"]).parent)
    model = load(Path(trained.outputs["checkpoint"]))
    train_tokens = reader.split("train").tokens
    baselines = {name: make(train_tokens, reader.manifest.vocab_size) for name, make in _BASELINES.items()}
    metrics: dict[str, float] = {}
    seconds = 0.0
    series: dict[str, dict[str, float]] = {}
    for name in ("val", "test"):
        held = held_out(reader.split(name), profile.evaluate.max_tokens)
        begin = time.monotonic()
        scores = _score(model, held, name, settings, progress)
        seconds += time.monotonic() - begin
        of_model = figures(scores.nats, held)
        metrics |= {f"{name}/{figure}": value for figure, value in of_model.items()}
        metrics |= {f"{name}/top{k}": float((scores.rank < k).mean()) for k in (1, 5)}
        metrics[f"{name}/tokens"] = len(held.tokens)
        if name == "test":
            for baseline, counted in baselines.items():
                of_baseline = figures(counted.score(held.previous, held.tokens), held)
                metrics |= {f"baseline/{baseline}/{figure}": value for figure, value in of_baseline.items()}
                series[baseline] = _by_slice(of_baseline)
            series["model"] = _by_slice(of_model)
    metrics["generation/repetition"] = repetition(_samples(model, reader.split("val"), profile.seed))
    metrics |= {"check/finite": 1.0, "check/reloads": 1.0}
    files = _publish(settings, trained, metrics, series)
    identity = json.dumps([trained.output_id, tokenized.output_id, metrics], sort_keys=True)
    return Report(
        "evaluate",
        output_id=hashlib.sha256(identity.encode()).hexdigest(),
        metrics=metrics | {"evaluate/tokens_per_second": (metrics["val/tokens"] + metrics["test/tokens"]) / seconds},
        outputs={"run_id": trained.outputs["run_id"], "files": files},
    )


def load(checkpoint: Path) -> PreTrainedModel:
    """A published model, in float32.

    Raises:
        DataError: it does not load, or weights are missing or left over.
    """
    transformers_logging.disable_progress_bar()
    read: Any = AutoModelForCausalLM.from_pretrained
    try:
        model, info = read(checkpoint, dtype=torch.float32, output_loading_info=True, local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        raise DataError(
            f"model {checkpoint} does not load", cause=str(error)[:300], remedy="train it again: kslm train --force"
        ) from error
    if info["missing_keys"] or info["unexpected_keys"]:
        raise DataError(f"model {checkpoint} lacks weights or holds others", remedy="kslm train --force")
    loaded: PreTrainedModel = model.eval()
    return loaded.to(torch.device("cuda")) if torch.cuda.is_available() else loaded  # type: ignore[arg-type]


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


def _samples(model: PreTrainedModel, split: TokenSplit, seed: int) -> list[list[int]]:
    """Continuations of the beginnings of validation documents."""
    lengths = np.diff(split.ends.astype(np.int64), prepend=0)
    chosen = np.flatnonzero(lengths > PROMPT_TOKENS)[:SAMPLES]
    if not len(chosen):
        return []
    prompts = np.stack([split.document(int(index))[:PROMPT_TOKENS].astype(np.int64) for index in chosen])
    room = model.config.max_position_embeddings - PROMPT_TOKENS
    return sample(model, torch.from_numpy(prompts), min(NEW_TOKENS, room), seed=seed)


def _publish(
    settings: Settings, trained: Report, metrics: dict[str, float], series: dict[str, dict[str, float]]
) -> list[str]:
    """Plots and figures to the training's MLflow run, and to artefacts/<run>/plots; returns the files."""
    tracker = tracking.attach(settings, trained.outputs["run_id"])
    folder = settings.home.artefacts / trained.outputs["run"] / "plots"
    drawn = {
        "loss.png": plots.loss_curve(tracker.loss_history(), f"Loss of {trained.outputs['run']}"),
        "perplexity_by_slice.png": plots.perplexity_bars(series, "Perplexity by slice, test split"),
    }
    text = json.dumps(metrics, indent=1, sort_keys=True)
    for name, figure in drawn.items():
        plots.save(figure, folder / name)
        tracker.figure(figure, f"plots/{name}")
    write_atomically(folder / "evaluation.json", text)
    tracker.text(text, "evaluation.json")
    tracker.metrics(metrics, int(trained.outputs["steps"]))
    tracker.flush()
    return [str(folder / name) for name in (*drawn, "evaluation.json")]


def _by_slice(values: dict[str, float]) -> dict[str, float]:
    """Perplexities only, by slice, with "all" for the whole."""
    parts = {key.removeprefix("perplexity").lstrip("/"): v for key, v in values.items() if key.startswith("perplexity")}
    return {part or "all": value for part, value in parts.items()}


_BASELINES: dict[str, Any] = {"unigram": Unigram, "bigram": Bigram}
