"""Measure every variant on the same held-out tokens and the same machine, fairly.

Perplexity: windows spread evenly over the test split, each scored on its own. Speed: batch of one, the median of
repetitions taken in turn over all variants. Memory: each variant's own process, before scoring. A variant that this
machine cannot run at all is reported as such and does not stop the others.
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
from numpy.typing import NDArray

from kslm.errors import DataError
from kslm.report import Task

SAMPLES, SAMPLE_TOKENS, SAMPLE_PROMPT = 4, 64, 16


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
        windows: (windows, tokens) held-out ids, int64.
        prefill_tokens, decode_tokens: of one timed text.
        repeats: repetitions, of which the median is reported.
        threads: of one operation, stated beside every speed.
    """

    windows: NDArray[np.int64]
    prefill_tokens: int
    decode_tokens: int
    repeats: int
    threads: int
    seed: int = 0
    end_id: int = 0


def spread_windows(tokens: NDArray[Any], length: int, budget: int) -> NDArray[np.int64]:
    """At most budget // length windows of `length` tokens, evenly spread, without overlap.

    Raises:
        DataError: the split is shorter than one window.
    """
    available = len(tokens) // length
    if not available:
        raise DataError(
            f"the test split holds {len(tokens)} tokens, too few to measure on",
            cause=f"one window is {length} tokens",
            remedy="add sources to the profile, or shorten train.sequence_length",
        )
    count = max(1, min(available, budget // length))
    starts = [int(i * available // count) * length for i in range(count)]
    return np.stack([np.asarray(tokens[s : s + length], dtype=np.int64) for s in starts])


def repetition(texts: list[list[int]]) -> float:
    """Share of 4-grams that repeat an earlier one of the same text, over all texts; 0 where none is long enough."""
    total = repeated = 0
    for text in texts:
        grams = [tuple(text[i : i + 4]) for i in range(len(text) - 3)]
        total += len(grams)
        repeated += len(grams) - len(set(grams))
    return repeated / total if total else 0.0


def measure(folders: dict[str, Path], plan: Plan, scratch: Path, task: Task) -> dict[str, dict[str, Any]]:
    """Measure each folder's variant.

    Returns:
        By variant: perplexity, losses (a window), decode_ and prefill_tokens_per_second, peak_rss_mb, repetition,
        non_finite, threads, samples (token ids); fp32 also parameters, missing_weights and non_finite_weights;
        onnx_fp32 also logits_difference, the largest from fp32. A variant that died has only `error`.
    """
    windows = scratch / "windows.npy"
    np.save(windows, plan.windows)
    results: dict[str, dict[str, Any]] = {name: {"threads": plan.threads} for name in folders}
    with ExitStack() as stack:
        workers = {name: stack.enter_context(_worker(name, path, plan.threads)) for name, path in folders.items()}

        def ask(**request: Any) -> Iterator[tuple[str, dict[str, Any]]]:
            for name in list(workers):
                try:
                    yield name, workers[name].ask(request)
                except WorkerDiedError as error:
                    del workers[name]
                    results[name] = {"error": str(error)}
                task.advance()

        for name, reply in ask(do="about"):
            results[name] |= reply
        _time(plan, results, ask)
        for name, reply in ask(do="memory"):
            results[name] |= reply
        length = min(SAMPLE_TOKENS, plan.windows.shape[1] - SAMPLE_PROMPT)
        prompts = [window[:SAMPLE_PROMPT].tolist() for window in plan.windows[:SAMPLES]]
        for name, reply in ask(do="sample", prompts=prompts, tokens=length, seed=plan.seed, end=plan.end_id):
            results[name] |= {"samples": reply["texts"], "repetition": repetition(reply["texts"])}
        for name, reply in ask(do="score", windows=str(windows)):
            mean = float(np.mean(reply["losses"]))
            perplexity = math.exp(min(mean, 700.0)) if math.isfinite(mean) else math.inf
            results[name] |= {
                "losses": reply["losses"],
                "perplexity": perplexity,
                "non_finite": reply["non_finite_logits"] + results[name].get("non_finite_weights", 0),
            }
        _compare_logits(results, workers, windows, scratch)
    return results


def steps(plan: Plan, variants: int) -> int:
    """How often `measure` advances its task."""
    return variants * (5 + plan.repeats)


def increase(losses: list[float], baseline: list[float]) -> tuple[float, float]:
    """Relative increase of perplexity over the baseline's on the same windows, and its standard error."""
    difference = np.asarray(losses, np.float64) - np.asarray(baseline, np.float64)
    error = float(difference.std(ddof=1) / math.sqrt(len(difference))) if len(difference) > 1 else math.nan
    relative = float(np.expm1(min(float(difference.mean()), 700.0)))
    return relative, error * (1 + relative)


def _time(plan: Plan, results: dict[str, dict[str, Any]], ask: Any) -> None:
    request = {
        "do": "time",
        "prompt": plan.windows.reshape(-1)[: plan.prefill_tokens].tolist(),
        "decode_tokens": plan.decode_tokens,
    }
    speeds: dict[str, list[dict[str, Any]]] = {}
    for repetition_index in range(plan.repeats + 1):
        for name, reply in ask(**request):
            if repetition_index:
                speeds.setdefault(name, []).append(reply)
    for name, replies in speeds.items():
        if "error" not in results[name]:
            results[name] |= {key: median(reply[key] for reply in replies) for key in replies[0]}


def _compare_logits(
    results: dict[str, dict[str, Any]], workers: dict[str, _Worker], windows: Path, scratch: Path
) -> None:
    pair = ("fp32", "onnx_fp32")
    if not all(name in workers for name in pair):
        return
    logits = []
    for name in pair:
        out = scratch / f"{name}.npy"
        workers[name].ask({"do": "logits", "windows": str(windows), "out": str(out)})
        logits.append(np.load(out, allow_pickle=False))
    results["onnx_fp32"]["logits_difference"] = float(np.abs(logits[0] - logits[1]).max())


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
        reply: dict[str, Any] = json.loads(line)
        return reply


@contextmanager
def _worker(variant: str, folder: Path, threads: int) -> Iterator[_Worker]:
    errors = folder.parent / f".{variant}.stderr"
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    command = [sys.executable, "-m", "kslm.release.worker", variant, str(folder), str(threads)]
    with errors.open("w") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True, env=environment
        )
        try:
            yield _Worker(process, errors)
        finally:
            process.kill()
            process.communicate()
            errors.unlink(missing_ok=True)
