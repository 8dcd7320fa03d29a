"""The one form in which a question is put and answered: in the corpus, the benchmark, fine-tuning and serving."""

from __future__ import annotations

_QUESTION, _ANSWER = "Question: ", "\nAnswer:"
STOP = "\nQuestion:"
"""What a model that goes on after its answer writes next."""


def ask(question: str) -> str:
    """What a model is given: the question, up to where its answer begins."""
    return f"{_QUESTION}{question}{_ANSWER}"


def pair(question: str, answer: str) -> str:
    """A question and its answer, as every instruction is written."""
    return f"{ask(question)} {answer}"
