"""The process that measures one variant: `python -m kslm.release.worker RUNTIME FOLDER THREADS`.

One process a variant, so that its memory is its own; all are alive at once and are asked in turn, so that a change of
load on the machine meets them alike. Each line of standard input is a JSON request, each line of standard output its
JSON answer; when the input ends, the process does.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from kslm.measures import scored_before
from kslm.runtimes import Ids, Runtime, open_runtime

SHORTEST_TIMING = 0.25
"""Seconds: a repetition goes on until this much has been timed, so that small models are timed well too."""


def peak_rss_mb() -> float:
    """Highest resident memory of this process so far, in MB.

    The kernel's own mark for this address space; getrusage's would include the parent's, inherited at the start.
    """
    try:
        status = Path("/proc/self/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        return int(kilobytes) * 1024 / 1e6
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def answer(runtime: Runtime, request: dict[str, Any]) -> dict[str, Any]:
    """Carry out one request: about, time, memory, score, logits or sample."""
    match request["do"]:
        case "about":
            return runtime.weights()
        case "time":
            return _time(runtime, np.asarray(request["prompt"], np.int64), request["decode_tokens"])
        case "memory":
            return {"peak_rss_mb": peak_rss_mb()}
        case "score":
            windows = np.load(request["windows"], allow_pickle=False)
            nats, non_finite = score(runtime, windows, np.asarray(request["begins"], np.int64))
            np.save(request["out"], nats)
            return {"non_finite_logits": non_finite}
        case "logits":
            np.save(request["out"], runtime.logits(np.load(request["windows"], allow_pickle=False)[0, :-1]))
            return {}
        case "sample":
            return {"texts": [_sample(runtime, prompt, request) for prompt in request["prompts"]]}
        case other:
            raise ValueError(f"unknown request {other!r}")


def _time(runtime: Runtime, prompt: Ids, count: int) -> dict[str, Any]:
    read = write = 0.0
    rounds = 0
    while read + write < SHORTEST_TIMING:
        seconds = runtime.timed(prompt, count)
        read, write, rounds = read + seconds[0], write + seconds[1], rounds + 1
    return {
        "prefill_tokens_per_second": rounds * len(prompt) / read,
        "decode_tokens_per_second": rounds * count / write,
    }


def score(runtime: Runtime, windows: Ids, begins: NDArray[np.int64]) -> tuple[NDArray[np.float64], int]:
    """Negative log likelihood (nats) of every token of a stream, and how many logits were not finite.

    Args:
        windows: (windows, tokens + 1) ids; each row's but the last are read, its but the first are predicted.
        begins: (windows,) offsets of the rows in the stream; see `kslm.measures`.
    """
    nats, non_finite = [], 0
    for window, skip in zip(windows, scored_before(begins, windows.shape[1] - 1).tolist(), strict=True):
        logits = runtime.logits(window[:-1])[skip:].astype(np.float64)
        non_finite += int((~np.isfinite(logits)).sum())
        peak = logits.max(axis=-1, keepdims=True)
        normalizer = np.log(np.exp(logits - peak).sum(axis=-1)) + peak[:, 0]
        nats.append(normalizer - logits[np.arange(len(logits)), window[1 + skip :]])
    return np.concatenate(nats), non_finite


def _sample(runtime: Runtime, prompt: list[int], request: dict[str, Any]) -> list[int]:
    """Token ids drawn from the 40 likeliest at temperature 0.8; equal seeds give equal draws."""
    random = np.random.default_rng(request["seed"])
    logits = runtime.start(np.asarray(prompt, np.int64))
    text: list[int] = []
    for _ in range(request["tokens"]):
        likeliest = np.argsort(-logits, kind="stable")[:40]
        weights = np.exp((logits[likeliest] - logits[likeliest[0]]).astype(np.float64) / 0.8)
        if not np.isfinite(weights).all():
            break
        token = int(random.choice(likeliest, p=weights / weights.sum()))
        if token == request["end"]:
            break
        text.append(token)
        logits = runtime.step(token)
    return text


def main(requests: TextIO, answers: TextIO, runtime: str, folder: Path, threads: int) -> None:
    """Load the variant, then answer until there are no more requests."""
    model = open_runtime(runtime, folder, threads)
    for line in requests:
        answers.write(json.dumps(answer(model, json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    main(sys.stdin, answers, sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
