"""How readable a prose document is, as one number in [0, 1], and which documents of a kind are its worst.

The score is the mean of five marks, each in [0, 1], so that every figure can be explained by hand:

* letters: letters per non-blank character, full at LETTERS;
* grammar: share of English function words ("the", "of", "is" ...), full at FUNCTION_WORDS. Lists of names and tables
  have next to none, running prose a third;
* distinct lines per line;
* distinct words per word, full at DISTINCT_WORDS (of at most WINDOW * WINDOWS characters);
* sentences: words per sentence end, full up to SENTENCE and falling as its inverse beyond.

Documents longer than a few windows are judged by windows of even spacing: quality does not change from one page of a
manual to the next, and the cost of the pass does. Only kinds of prose are scored. Tables, code, logs and generated
texts have no prose to judge and score 1; questions are short on purpose.

The idea of scoring and refusing by such marks follows Gopher (Rae et al. 2021, appendix A.1.1) and CCNet (Wenzek et
al. 2020), without a reference model: nothing here is trained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from kslm import kinds

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LETTERS = 0.8
FUNCTION_WORDS = 0.25
DISTINCT_WORDS = 0.5
SENTENCE = 40.0
"""Words between two sentence ends that are still a sentence."""

GOOD = 0.8
"""A document this good is kept, however good the others of its kind are: most manuals are beyond it, few headers."""

MIN_DOCUMENTS = 20
"""Kinds with fewer documents are not cut: a percentile of a handful says nothing."""

WINDOW = 160
WINDOWS = 8
"""A passage of a fifth of the document is met by one of the windows, wherever it stands."""

_FUNCTION = """
    a about after all also an and any are as at be because been before both but by can could do does each for from has
    have if in into is it its may more must no not of on only or other should so some such than that the their them then
    there these they this to until up used using was we were when where which while who will with would you your
"""
FUNCTION = frozenset(_FUNCTION.split())
"""English function words, lower case."""

_LETTERS = bytes([*range(65, 91), *range(97, 123)])
_BLANKS = b" \t\n"


class Marks(NamedTuple):
    """What the score is the mean of."""

    letters: float
    grammar: float
    distinct_lines: float
    distinct_words: float
    sentences: float


class Sample(NamedTuple):
    """What is looked at of a text: all of it, or windows; its lower-case words in order, and how often each occurs."""

    text: str
    words: list[str]
    counts: Counter[str]

    @classmethod
    def of(cls, text: str) -> Sample:
        """Take the text itself, or windows of it at even spacing, cut at blanks where there are any."""
        if len(text) > WINDOW * WINDOWS:
            step = (len(text) - WINDOW) // (WINDOWS - 1)
            pieces = [text[start : start + WINDOW] for start in range(0, step * WINDOWS, step)]
            text = "\n".join([piece[piece.find(" ") + 1 : piece.rfind(" ")] or piece for piece in pieces])
        words = text.lower().split()
        return cls(text, words, Counter(words))


def marks(sample: Sample) -> Marks:
    """The five marks of a text; all 0 where there is nothing to mark."""
    text, words, counts = sample
    raw = text.encode()
    dense = len(raw.translate(None, _BLANKS))
    if not dense or not words:
        return Marks(0.0, 0.0, 0.0, 0.0, 0.0)
    letters = (len(raw) - len(raw.translate(None, _LETTERS))) / dense
    function_words = sum([counts[word] for word in FUNCTION & counts.keys()]) / len(words)
    lines = [line for line in text.split("\n") if line]
    ends = 1 + text.count(". ") + text.count(".\n") + text.count(":\n")
    return Marks(
        letters=min(1.0, letters / LETTERS),
        grammar=min(1.0, function_words / FUNCTION_WORDS),
        distinct_lines=len(set(lines)) / len(lines),
        distinct_words=min(1.0, len(counts) / len(words) / DISTINCT_WORDS),
        sentences=min(1.0, SENTENCE * ends / len(words)),
    )


def score(sample: Sample) -> float:
    """Quality in [0, 1] of a prose text; four decimals, so that no platform's rounding shows."""
    return round(sum(marks(sample)) / len(Marks._fields), 4)


def cuts(counts: Mapping[str, int], percentile: float) -> dict[str, int]:
    """How many documents of each kind are its worst.

    Args:
        counts: documents that would otherwise be kept, by kind.
        percentile: share of each scored kind, in [0, 1); rounded down to whole documents.
    """
    scored = {kind: count for kind, count in counts.items() if kinds.of(kind).filters.scored}
    return {kind: int(count * percentile) for kind, count in sorted(scored.items()) if count >= MIN_DOCUMENTS}


def worst(documents: DataFrame, cut: Mapping[str, int]) -> DataFrame:
    """Give the `cut` documents of each kind whose quality is lowest a reason and a figure, unless they are GOOD.

    Args:
        documents: at least doc_id, kind, quality, reason and figure; those that have a reason are left as they are.
            Ties are settled by doc_id.
        cut: as `cuts` says.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    if not any(cut.values()):
        return documents
    open_ = F.col("reason").isNull() & F.col("kind").isin([*cut]) & (F.col("quality") < GOOD)
    limit = reduce(lambda others, kind: F.when(F.col("kind") == kind, cut[kind]).otherwise(others), cut, F.lit(0))
    # In a kind those that may be refused are before all others, by quality.
    lowest = Window.partitionBy("kind", open_).orderBy("quality", "doc_id")
    refused = open_ & (F.row_number().over(lowest) <= limit)
    changed = documents.withColumn("_refused", refused)
    reason = F.when(F.col("_refused"), F.lit("low quality")).otherwise(F.col("reason"))
    figure = F.when(F.col("_refused"), F.col("quality")).otherwise(F.col("figure"))
    return changed.withColumn("figure", figure).withColumn("reason", reason).drop("_refused")
