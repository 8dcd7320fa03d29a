"""The champion's words: greedy, with a repetition penalty, and no longer than a question may take."""

from __future__ import annotations

import time

import numpy as np

from kslm import prompt
from kslm.runtimes import Logits, open_runtime
from kslm.tokens.tokenizer import EOT_ID
from kslm.tracking.registry import Champion

SECONDS, MAX_TOKENS = 5.0, 64
"""Longest an answer's text may take, and be; what has been written by then is shown."""

_REPETITION_PENALTY = 1.2


class Writer:
    """A champion that writes: its tokenizer and weights, loaded once, on all threads that the process may use."""

    def __init__(self, champion: Champion) -> None:
        from tokenizers import Tokenizer

        self.name = f"{champion.name} version {champion.version}"
        self._tokenizer = Tokenizer.from_file(str(champion.folder / "tokenizer.json"))
        self._runtime = open_runtime(champion.runtime, champion.folder, threads=0)

    def write(self, question: str) -> str:
        """The champion's own text after the question, which nothing vouches for."""
        context = self._runtime.context_length
        ids: list[int] = self._tokenizer.encode(prompt.ask(question.strip())).ids[-max(1, context - MAX_TOKENS) :]
        asked, longest = len(ids), min(context, len(ids) + MAX_TOKENS)
        deadline = time.monotonic() + SECONDS
        token = _likeliest(self._runtime.start(np.asarray(ids, np.int64)), ids)
        while token != EOT_ID and len(ids) < longest:
            ids.append(token)
            if len(ids) == longest or time.monotonic() > deadline:
                break
            token = _likeliest(self._runtime.step(token), ids)
        text = self._tokenizer.decode(ids[asked:], skip_special_tokens=True)
        return text.partition(prompt.STOP)[0].strip()


def _likeliest(logits: Logits, ids: list[int]) -> int:
    """The next token, those that occurred before made less likely (Keskar et al. 2019, arXiv:1909.05858)."""
    penalized = logits.copy()
    before = logits[ids]
    penalized[ids] = np.where(before > 0, before / _REPETITION_PENALTY, before * _REPETITION_PENALTY)
    return int(penalized.argmax())
