"""The train stage: from token shards to the best checkpoint of one run.

A run's folder under checkpoints/ holds everything a killed process needs to go on. When training diverges, or memory
runs out, the recipe is adjusted and the run goes on from its last good checkpoint, a bounded number of times.

The same function serves one process and the ranks of `torchrun`: all take part, rank 0 writes and logs.

Limits: with several ranks, memory running out on one of them ends the run instead of adjusting it, because the others
wait in a collective; start it again with a smaller micro batch and more accumulation, and it goes on. Costs are those
of the process that finished the run. Ranks on other machines than the first's leave no generator states in checkpoints,
as where the number of ranks has changed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import psutil

from kslm import published, ranks, scratch
from kslm.errors import DataError
from kslm.model import parameter_count, use_threads
from kslm.outputs import Trained, load
from kslm.report import QUIET, Progress, Report
from kslm.settings import Settings
from kslm.tokens.reader import ShardReader
from kslm.tokens.sampler import held_stream
from kslm.tracking import describe
from kslm.tracking.run import MlflowTracker, Tracker, open_run
from kslm.train import checkpoints
from kslm.train.attempts import Attempts
from kslm.train.callbacks import logged_models, validation
from kslm.train.conditions import ConditionLog, conditions
from kslm.train.data import bytes_per_token
from kslm.train.guards import AbortLog
from kslm.train.loop import publish
from kslm.train.plan import Plan, job_of, plan_of
from kslm.train.reading import read


def run(settings: Settings, progress: Progress = QUIET) -> Report[Trained]:
    """Train the profile's model on the tokenize stage's shards.

    Raises:
        DataError: the shards are missing, altered or too few.
        KslmError: training diverged, or memory ran out, in every attempt; an optimizer step does not divide over the
            ranks.
    """
    use_threads(settings.profile.train.threads)
    plan = plan_of(settings)
    if not ranks.rank():
        _clear_stale(plan, settings)
    ranks.wait()
    begin, cpu_begin = time.monotonic(), _cpu_seconds()
    tracker = Tracker() if ranks.rank() else open_run(settings, plan.name, plan.folder)
    with _ending(tracker):
        notes = [] if ranks.agree(bool(published.whole(plan.model))) else _train(plan, settings, tracker, progress)
        ranks.wait()
        costs = {
            "cost/cpu_hours": (_cpu_seconds() - cpu_begin) / 3600,
            "cost/wall_hours": (time.monotonic() - begin) / 3600,
        }
        tracker.metrics(costs, settings.profile.train.max_steps)
    return _report(plan, settings, tracker.run_id, costs, notes)


def _train(plan: Plan, settings: Settings, tracker: Tracker, progress: Progress) -> list[str]:
    """Train until an attempt ends well and publish its best checkpoint; returns notes on its attempts."""
    with _emptied(plan.scratch):
        return _attempt(plan, settings, tracker, progress)


def _attempt(plan: Plan, settings: Settings, tracker: Tracker, progress: Progress) -> list[str]:
    job = job_of(plan, settings)
    if isinstance(tracker, MlflowTracker):
        tracker.params(describe.parameters(settings))
        tracker.lineage(plan.manifest, settings)
        tracker.metrics(describe.corpus_metrics(settings))
        tracker.tags(describe.machine())
    if not ranks.rank():
        _record_conditions(plan, tracker)
    attempts = Attempts(job, tracker, settings.home)
    history = attempts.run(progress)
    if not ranks.rank():
        best = checkpoints.best_step(history, plan.folder)
        assert best is not None
        publish(checkpoints.folder_of(plan.folder, best), plan.model, history, plan.scratch)
    return attempts.notes


def _record_conditions(plan: Plan, tracker: Tracker) -> None:
    """Note under what this process trains, in the run's folder and in MLflow."""
    log, now = ConditionLog(plan.folder), conditions(bf16=plan.bf16)
    latest = checkpoints.latest_whole(plan.folder)
    log.add(checkpoints.step_of(latest) if latest else 0, now)
    tracker.tags({f"conditions/{name}": value for name, value in now.items()})
    if changes := log.changes():
        tracker.tags({"conditions/changes": "; ".join(changes)})


def _clear_stale(plan: Plan, settings: Settings) -> None:
    """Start over where going on would repeat what is over: a run published before, or one out of attempts."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    exhausted = len(AbortLog(plan.folder).aborts) >= settings.profile.train.max_attempts
    if exhausted or (plan.model.exists() and _is_published(plan, settings)):
        for path in plan.folder.iterdir():
            if path.is_file():
                path.unlink()
            elif path != plan.model:
                published.remove(path)
        published.remove(plan.model)  # last: as long as it is there, the next start clears what is left
    checkpoints.discard_broken(plan.folder)


def _is_published(plan: Plan, settings: Settings) -> bool:
    """Whether the last report is this run's. Where it is not, a finished run was killed before it could report."""
    try:
        return load(settings, Trained).outputs.run == plan.name
    except DataError:
        return False


def _report(plan: Plan, settings: Settings, run_id: str, costs: dict[str, float], notes: list[str]) -> Report[Trained]:
    history = json.loads((plan.model / "history.json").read_text("utf-8"))
    evaluated = {entry["step"]: entry["eval_loss"] for entry in history if "eval_loss" in entry}
    reader = ShardReader(plan.tokens)
    val = held_stream(reader.split("val"), settings.profile.mix)
    sealed = published.manifest_of(plan.model)
    assert sealed is not None
    best, weights = sealed["step"], sealed["files"]["model.safetensors"]["sha256"]
    metrics = validation(evaluated[best], bytes_per_token(val, len(val))) | costs
    metrics |= {"train/parameters": parameter_count(plan.config), "train/best_step": best}
    if losses := [entry["loss"] for entry in history if "loss" in entry]:
        metrics["train/loss"] = losses[-1]
    if rates := [entry["tokens_per_second"] for entry in history if "tokens_per_second" in entry]:
        metrics["train/tokens_per_second"] = float(np.median(rates))
    text = read(reader, settings.profile)
    precision = "bfloat16" if plan.bf16 else "float32"
    return Report(
        "train",
        output_id=weights,
        outputs=Trained(
            run=plan.name,
            run_id=run_id,
            checkpoint=settings.home.relative(plan.model),
            weights_sha256=weights,
            steps=max(evaluated),
            model_id=logged_models(plan.folder).get(str(best), ""),
        ),
        metrics=metrics | text.metrics,
        notes=[f"computed in {precision}", *text.notes, *ConditionLog(plan.folder).changes(), *notes],
    )


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """A machine's scratch, which the first of its ranks empties for all."""
    with scratch.emptied(folder) if ranks.first_here() else nullcontext():
        ranks.wait()
        yield


@contextmanager
def _ending(tracker: Tracker) -> Iterator[None]:
    """End the MLflow run as the training ended."""
    try:
        yield
    except BaseException as error:
        tracker.tags({"failure": ranks.failure(error)})
        tracker.finish("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED")
        raise
    tracker.finish("FINISHED")


def _cpu_seconds() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)
