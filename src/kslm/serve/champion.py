"""The champion's words: greedy, with a repetition penalty, and no longer than a question may take."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kslm import prompt
from kslm.runtimes import Logits, open_runtime
from kslm.tokens import EOT_ID
from kslm.tracking.registry import Champion

SECONDS = 5.0
"""Longest an answer's text may take; what has been written by then is shown."""

_REPETITION_PENALTY = 1.2


def write(champion: Champion, question: str, max_new_tokens: int) -> str:
    """The champion's own text after the question, which nothing vouches for."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(champion.folder / "tokenizer.json"))
    runtime = open_runtime(champion.runtime, champion.folder, threads=0)
    room = max(1, runtime.context_length - max_new_tokens)
    ids = tokenizer.encode(prompt.ask(question.strip())).ids[-room:]
    read, longest = len(ids), min(runtime.context_length, len(ids) + max_new_tokens)
    deadline = time.monotonic() + SECONDS
    token = _likeliest(runtime.start(np.asarray(ids, np.int64)), ids)
    while token != EOT_ID and len(ids) < longest:
        ids.append(token)
        if len(ids) == longest or time.monotonic() > deadline:
            break
        token = _likeliest(runtime.step(token), ids)
    text: str = tokenizer.decode(ids[read:], skip_special_tokens=True)
    return text.partition(prompt.STOP)[0].strip()


def _likeliest(logits: Logits, ids: list[int]) -> int:
    """The next token, those that occurred before made less likely (Keskar et al. 2019, arXiv:1909.05858)."""
    penalized = logits.copy()
    seen: NDArray[Any] = logits[ids]
    penalized[ids] = np.where(seen > 0, seen / _REPETITION_PENALTY, seen * _REPETITION_PENALTY)
    return int(penalized.argmax())
