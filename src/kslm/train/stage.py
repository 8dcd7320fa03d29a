"""The train stage: from token shards to the best checkpoint of one run.

A run is named by what decides its weights: the shards' content, the model, the recipe, the seed and this code. Its
folder under checkpoints/ holds everything a killed process needs to go on. When training diverges, or memory runs out,
the recipe is adjusted and the run goes on from its last good checkpoint, a bounded number of times.

The same function serves one process and `torchrun` (RANK, LOCAL_RANK, WORLD_SIZE): only rank 0 writes and logs.

Limits: with several ranks, memory running out on one of them ends the run instead of adjusting it, because the others
wait in a collective; start it again with a smaller micro batch. Costs are those of the process that finished the run.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
import torch.distributed as dist

from kslm import model as model_room
from kslm.errors import DataError, KslmError
from kslm.report import QUIET, Progress, Report
from kslm.settings import Settings
from kslm.tokens import Manifest, ShardReader, TokenSplit
from kslm.tracking import run as tracking
from kslm.train import checkpoints
from kslm.train.attempts import Attempts, is_first, wait
from kslm.train.callbacks import best_step, logged_models, validation
from kslm.train.data import Windows, bytes_per_token
from kslm.train.guards import AbortLog
from kslm.train.loop import Job, publish

PROMPTS, PROMPT_TOKENS = 4, 16


@dataclass(frozen=True)
class _Plan:
    """A run before it starts."""

    name: str
    folder: Path
    tokens: Path
    manifest: Manifest

    @property
    def model(self) -> Path:
        """Where the finished model is published; its seal says that training is over."""
        return self.folder / "model"


def run(settings: Settings, progress: Progress = QUIET) -> Report:
    """Train the profile's model on the tokenize stage's shards.

    Raises:
        DataError: the shards are missing, altered or too few.
        KslmError: training diverged, or memory ran out, in every attempt.
    """
    use_threads(settings.profile.train.threads)
    with _processes() as first:
        plan = _plan(settings)
        if first:
            _clear_stale(plan, settings)
        wait()
        begin, cpu_begin = time.monotonic(), _cpu_seconds()
        tracker = tracking.open_run(settings, plan.name, plan.folder) if first else tracking.Tracker()
        with _ending(tracker):
            notes = [] if checkpoints.is_whole(plan.model) else _train(plan, settings, tracker, progress)
            wait()
            costs = {
                "cost/cpu_hours": (_cpu_seconds() - cpu_begin) / 3600,
                "cost/wall_hours": (time.monotonic() - begin) / 3600,
            }
            tracker.metrics(costs, settings.profile.train.max_steps)
        return _report(plan, tracker.run_id, costs, notes)


def _train(plan: _Plan, settings: Settings, tracker: tracking.Tracker, progress: Progress) -> list[str]:
    """Train until an attempt ends well and publish its best checkpoint; returns notes."""
    job = _job(plan, settings)
    if isinstance(tracker, tracking.MlflowTracker):
        tracker.params(tracking.describe(settings))
        tracker.lineage(plan.manifest, settings)
        tracker.metrics(tracking.corpus_metrics(settings))
        tracker.tags(tracking.machine())
    attempts = Attempts(job, tracker)
    history = attempts.run(progress)
    if is_first():
        publish(plan.folder / f"checkpoint-{best_step(history, plan.folder)}", plan.model, history)
    return [f"computed in {'bfloat16' if model_room.uses_bf16(job.train.precision) else 'float32'}", *attempts.notes]


def _plan(settings: Settings) -> _Plan:
    profile = settings.profile
    tokenized = Report.load(settings.home.report(profile.profile, "tokenize"))
    tokens = Path(tokenized.outputs["manifest"]).parent
    manifest = Manifest.load(tokens)
    decides = {
        "tokens": manifest.content_id,
        "model": profile.model.model_dump(mode="json"),
        "train": profile.train.model_dump(mode="json"),
        "seed": profile.seed,
        "world": int(os.environ.get("WORLD_SIZE", "1")),
        "code": _code_hash(),
    }
    fingerprint = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    name = f"{profile.profile}-{profile.model.size}-{profile.train.optimizer}-{fingerprint[:8]}"
    return _Plan(name, settings.home.checkpoints / name, tokens, manifest)


def _clear_stale(plan: _Plan, settings: Settings) -> None:
    """Start over where going on would repeat what is over: a run published before, or one out of attempts."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    try:
        published = Report.load(settings.home.report(settings.profile.profile, "train")).outputs.get("checkpoint")
    except DataError:
        published = None
    exhausted = len(AbortLog(plan.folder).aborts) >= settings.profile.train.max_attempts
    if published == str(plan.model) or exhausted:
        for folder in checkpoints.listed(plan.folder):
            checkpoints.remove(folder)
        checkpoints.remove(plan.model)
        shutil.rmtree(plan.folder)
        plan.folder.mkdir()
    checkpoints.discard_broken(plan.folder)


def _job(plan: _Plan, settings: Settings) -> Job:
    train, size = settings.profile.train, settings.profile.model
    config = model_room.config_for(size.size, plan.manifest.vocab_size, size.context_length)
    context = config.max_position_embeddings
    if train.sequence_length > context:
        raise KslmError(
            f"train.sequence_length {train.sequence_length} exceeds the model's context of {context} tokens",
            remedy="lower it, or set model.context_length",
        )
    reader = ShardReader(plan.tokens)
    train_split, val_split = reader.split("train"), reader.split("val")
    windows = Windows(train_split.tokens, train.sequence_length)
    batch = train.micro_batch_size * train.grad_accum_steps * int(os.environ.get("WORLD_SIZE", "1"))
    if len(windows) < batch:
        raise DataError(
            f"{len(windows)} training sequences of {train.sequence_length} tokens are fewer than one step's {batch}",
            remedy="add sources to the profile, or lower train.micro_batch_size or train.grad_accum_steps",
        )
    val_windows = Windows(val_split.tokens, train.sequence_length, train.eval_tokens)
    density = bytes_per_token(val_split, len(val_windows) * train.sequence_length)
    return Job(
        train=train,
        model=config,
        seed=settings.profile.seed,
        folder=plan.folder,
        tokenizer=plan.tokens,
        train_windows=windows,
        val_windows=val_windows,
        prompts=_prompts(val_split),
        bytes_per_token=density,
    )


def _prompts(split: TokenSplit) -> torch.Tensor:
    """The beginnings of the first few validation documents that are long enough."""
    lengths = np.diff(split.ends.astype(np.int64), prepend=0)
    chosen = np.flatnonzero(lengths > PROMPT_TOKENS)[:PROMPTS]
    rows = [split.document(int(index))[:PROMPT_TOKENS].astype(np.int64) for index in chosen]
    return torch.from_numpy(np.array(rows, dtype=np.int64).reshape(-1, PROMPT_TOKENS))


def _report(plan: _Plan, run_id: str, costs: dict[str, float], notes: list[str]) -> Report:
    history = json.loads((plan.model / "history.json").read_text("utf-8"))
    evaluated = {entry["step"]: entry["eval_loss"] for entry in history if "eval_loss" in entry}
    split = ShardReader(plan.tokens).split("val")
    best = min(evaluated, key=lambda step: (evaluated[step], step))
    losses = [entry["loss"] for entry in history if "loss" in entry]
    sha256 = checkpoints.sealed_sha256(plan.model, "model.safetensors")
    parameters = model_room.parameter_count(model_room.config_for_folder(plan.model))
    metrics = validation(evaluated[best], bytes_per_token(split, len(split.tokens))) | costs
    metrics |= {"train/parameters": parameters, "train/best_step": best}
    if losses:
        metrics["train/loss"] = losses[-1]
    if rates := [entry["tokens_per_second"] for entry in history if "tokens_per_second" in entry]:
        metrics["train/tokens_per_second"] = float(np.median(rates))
    return Report(
        "train",
        output_id=sha256,
        metrics=metrics,
        outputs={
            "run": plan.name,
            "run_id": run_id,
            "checkpoint": str(plan.model),
            "weights_sha256": sha256,
            "steps": max(evaluated),
            "model_id": logged_models(plan.folder).get(str(best), ""),
        },
        notes=notes,
    )


@contextmanager
def _ending(tracker: tracking.Tracker) -> Iterator[None]:
    """End the MLflow run as the training ended."""
    try:
        yield
    except KeyboardInterrupt:
        tracker.finish("KILLED")
        raise
    except BaseException as error:
        tracker.tags({"failure": str(error)})
        tracker.finish("FAILED")
        raise
    tracker.finish("FINISHED")


@contextmanager
def _processes() -> Iterator[bool]:
    """Join the other ranks, if torchrun started some; yields whether this is the first."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield True
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield dist.get_rank() == 0
    finally:
        dist.destroy_process_group()


def use_threads(threads: int) -> None:
    """As many as the profile says; 0 means all this process may use, unless OMP_NUM_THREADS says otherwise."""
    if threads or "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads or len(psutil.Process().cpu_affinity()))


def _cpu_seconds() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def _code_hash() -> str:
    """Hash of the source that decides the weights: this package and the model's."""
    digest = hashlib.sha256()
    for room in (Path(__file__).parent, Path(model_room.__file__).parent):
        for file in sorted(room.glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
