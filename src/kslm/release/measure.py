"""Measure every variant on the same held-out tokens and the same machine, fairly.

Perplexity: a sample of the test split, read in the windows of `kslm.measures`, as evaluation does. Speed: batch of one,
the median of repetitions taken in turn over all variants. Memory: each variant's own process, before scoring. A variant
that this machine cannot run at all is reported as such and does not stop the others.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from kslm.errors import DataError
from kslm.measures import held_out, perplexity, repetition, starts
from kslm.release.variants import REFERENCE, VARIANTS
from kslm.report import Task
from kslm.tokens.stream import Stream
from kslm.tokens.tokenizer import EOT_ID

Array = NDArray[Any]
Measured = dict[str, dict[str, Any]]
"""Figures by variant; see `measure`."""
SAMPLES, SAMPLE_TOKENS, SAMPLE_PROMPT = 4, 64, 16
SHORTEST = 2 * SAMPLE_PROMPT
"""Tokens that a sample of the test split has at least."""


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        windows: (windows, tokens + 1) held-out ids, int64: tokens to read, of which each predicts the one after it.
        begins: (windows,) where they begin in the stream; see `kslm.measures`.
        prefill_tokens, decode_tokens: of one timed text.
        repeats: repetitions, of which the median is reported.
        threads: of one operation, stated beside every speed.
    """

    windows: Array
    begins: Array
    prefill_tokens: int
    decode_tokens: int
    repeats: int
    threads: int
    seed: int = 0


def windows_of(test: Stream, length: int, budget: int) -> tuple[Array, Array]:
    """About `budget` tokens of the test text, in windows of `length`: `Plan`'s windows and begins.

    Raises:
        DataError: it is shorter than a prompt and its text.
    """
    held = held_out(test, budget) if len(test) else None
    if held is None or len(held.tokens) < SHORTEST:
        raise DataError(
            f"the test split holds {len(test)} tokens, too few to measure on",
            cause=f"of {budget} tokens asked for, its documents give less than {SHORTEST}",
            remedy="add sources to the profile, or raise release.perplexity_tokens",
        )
    begins = starts(len(held.tokens), length)
    stream = np.concatenate([[EOT_ID], held.tokens])
    return sliding_window_view(stream, min(length, len(held.tokens)) + 1)[begins], begins


def measure(folders: dict[str, Path], plan: Plan, scratch: Path, task: Task) -> Measured:
    """Measure each folder's variant.

    Returns:
        By variant: perplexity, nats (a token), decode_ and prefill_tokens_per_second, peak_rss_mb, repetition,
        non_finite, threads, samples (token ids), logits_difference (the largest from the reference in the first window)
        and what its runtime tells of its weights. A variant that died has only `error`.
    """
    windows = scratch / "windows.npy"
    np.save(windows, plan.windows)
    results: Measured = {name: {"threads": plan.threads} for name in folders}
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(_worker(name, path, plan.threads, scratch / f"{name}.stderr"))
            for name, path in folders.items()
        }

        def ask(**request: Any) -> Iterator[tuple[str, dict[str, Any]]]:
            for name in list(workers):
                try:
                    yield name, workers[name].ask(request | {"out": str(scratch / f"{name}.npy")})
                except WorkerDiedError as error:
                    del workers[name]
                    results[name] = {"error": str(error)}
                task.advance()

        for name, reply in ask(do="about"):
            results[name] |= reply
        _time(plan, results, ask)
        for name, reply in ask(do="memory"):
            results[name] |= reply
        for name, reply in ask(do="sample", **_samples(plan)):
            results[name] |= {"samples": reply["texts"], "repetition": repetition(reply["texts"])}
        for name, reply in ask(do="score", windows=str(windows), begins=plan.begins.tolist()):
            nats = np.load(scratch / f"{name}.npy", allow_pickle=False)
            results[name] |= {
                "nats": nats,
                "perplexity": perplexity(nats) if np.isfinite(nats).all() else math.inf,
                "non_finite": reply["non_finite_logits"] + results[name].get("non_finite_weights", 0),
            }
        logits = {name: np.load(scratch / f"{name}.npy") for name, _ in ask(do="logits", windows=str(windows))}
        for name in logits.keys() if REFERENCE in logits else ():
            results[name]["logits_difference"] = float(np.abs(logits[name] - logits[REFERENCE]).max())
    return results


def steps(plan: Plan, variants: int) -> int:
    """How often `measure` advances its task."""
    return variants * (6 + plan.repeats)


def increase(nats: Array, reference: Array, begins: Array, length: int) -> tuple[float, float]:
    """Relative increase of perplexity over the reference's on the same tokens, and its standard error.

    Tokens of one window depend on each other, so the error is that of a ratio of sums over windows.
    """
    difference = nats - reference
    mean = float(difference.mean())
    ends = np.minimum(begins + length, len(nats))
    counts = np.diff(ends, prepend=0)
    sums = np.diff(np.concatenate([[0.0], difference.cumsum()])[ends], prepend=0.0)
    spread = float(((sums - mean * counts) ** 2).sum())
    error = math.sqrt(spread * len(ends) / (len(ends) - 1)) / len(nats) if len(ends) > 1 else math.nan
    relative = float(np.expm1(min(mean, 700.0)))
    return relative, error * (1 + relative)


def _samples(plan: Plan) -> dict[str, Any]:
    """The request for texts, whose prompts are spread over the windows."""
    spread = plan.windows[:: math.ceil(len(plan.windows) / SAMPLES)]
    return {
        "prompts": spread[:, :SAMPLE_PROMPT].tolist(),
        "tokens": min(SAMPLE_TOKENS, plan.windows.shape[1] - SAMPLE_PROMPT),
        "seed": plan.seed,
        "end": EOT_ID,
    }


def _time(plan: Plan, results: Measured, ask: Any) -> None:
    request = {
        "do": "time",
        "prompt": plan.windows.reshape(-1)[: plan.prefill_tokens].tolist(),
        "decode_tokens": plan.decode_tokens,
    }
    speeds: dict[str, list[dict[str, Any]]] = {}
    for turn in range(plan.repeats + 1):
        for name, reply in ask(**request):
            if turn:
                speeds.setdefault(name, []).append(reply)
    for name, replies in speeds.items():
        if "error" not in results[name]:
            results[name] |= {key: median(reply[key] for reply in replies) for key in replies[0]}


class WorkerDiedError(Exception):
    """A measuring process ended; the message is its last words."""


class _Worker:
    def __init__(self, process: subprocess.Popen[str], errors: Path) -> None:
        self._process, self._errors = process, errors

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            code = self._process.wait()
            words = self._errors.read_text("utf-8", "replace").strip().splitlines()
            raise WorkerDiedError(f"exit status {code}: {words[-1] if words else 'no message'}")
        return json.loads(line)


@contextmanager
def _worker(variant: str, folder: Path, threads: int, errors: Path) -> Iterator[_Worker]:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    runtime = VARIANTS[variant].runtime
    command = [sys.executable, "-m", "kslm.release.worker", runtime, str(folder), str(threads)]
    with errors.open("w") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True, env=environment
        )
        try:
            yield _Worker(process, errors)
        finally:
            process.kill()
            process.communicate()
