"""What share of a document's words is in another language than English.

Asking a language detector about everything would cost more than the rest of the pass together (some 9 MB a second),
and would mistake tables and commands for Zulu. So a text is a suspect first: it holds several of the function words of
one other language, or many letters beyond ASCII. Of a suspect, only the paragraphs that look so themselves are put to
the detector (py3langid: naive Bayes over byte n-grams), and only a confident answer counts.

Limits: a language written in ASCII whose function words are not listed passes, as do single foreign sentences.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import lru_cache
from typing import Any

MIN_CONFIDENCE = 0.6
CHUNK = 300
"""Characters of neighbouring paragraphs that are judged together: less is guesswork."""
MAX_CHUNKS = 40
"""A longer text is judged by about so many of its chunks, at even spacing."""
_SHARE_OF_LETTERS = 0.02
_SHARED_WORDS = 3

_FOREIGN = [
    frozenset(words.split())
    for words in (
        "der und nicht ist das ein eine werden wird auf dem mit für von sich oder auch wenn",
        "les des est une dans pour que qui sur pas avec vous cette sont ou aux par être",
        "los las una para que con por del como está este esta puede más cuando",
        "della che una per sono nel dei del non con gli questo essere più come",
        "uma para que não com por dos das como você este são pode mais arquivo",
        "het een van niet voor zijn wordt met deze dat bij naar ook kan",
        "och att som för inte med det är på av kan eller ett denna",
        "og det ikke som med til af er på kan eller denne fra",
        "nie jest się dla oraz przez które może tylko jak aby",
        "není jsou nebo pro který být pokud tento může jako podle",
        "yang dan untuk dengan tidak ini dari dalam akan atau adalah",
        "ja ei on tai että joka se ovat voi kun myös",
        "bir ve için bu ile olarak değil veya daha dosya",
    )
]
_ALL_FOREIGN = frozenset().union(*_FOREIGN)
_LANGUAGES = (
    "en de fr es it pt nl sv da no nb pl cs sk hu fi tr id ru uk bg sr ro el zh ja ko ar he fa vi th hi ca hr lt lv et"
)
_LETTERS = re.compile(r"[^\W\d_\x00-\x7f]")
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def suspect(text: str, words: Set[str]) -> bool:
    """Whether a text may hold another language; `words` are its distinct words in lower case."""
    if not text.isascii() and len(_LETTERS.findall(text)) > _SHARE_OF_LETTERS * len(text):
        return True
    return len(_ALL_FOREIGN & words) >= _SHARED_WORDS and any(len(their & words) >= _SHARED_WORDS for their in _FOREIGN)


def non_english(text: str) -> float:
    """Share of the words of `text`, in [0, 1], that stand in paragraphs of another language.

    An ideograph or syllable of Chinese, Japanese and Korean counts as a word.
    """
    total = foreign = 0
    chunks = _chunks(text)
    for chunk in chunks[:: max(1, len(chunks) // MAX_CHUNKS)]:
        words = chunk.lower().split()
        count = len(words) + (0 if chunk.isascii() else len(_IDEOGRAPHS.findall(chunk)))
        total += count
        if suspect(chunk, set(words)):
            language, confidence = _detector().classify(chunk)
            if language != "en" and confidence >= MIN_CONFIDENCE:
                foreign += count
    return foreign / total if total else 0.0


def _chunks(text: str) -> list[str]:
    chunks: list[str] = []
    pending: list[str] = []
    size = 0
    for paragraph in text.split("\n\n"):
        pending.append(paragraph)
        size += len(paragraph)
        if size >= CHUNK:
            chunks.append("\n\n".join(pending))
            pending, size = [], 0
    if pending:
        chunks.append("\n\n".join(pending))
    return chunks


@lru_cache(maxsize=1)
def _detector() -> Any:
    """The detector, loaded when the first suspect turns up (0.8 s)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    detector = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    detector.set_languages([name for name in _LANGUAGES.split() if name in detector.labels])
    return detector
