"""Train, encode, write: what the stage has the engine do, and what it decides itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kslm import published
from kslm.lake.failures import evaluating
from kslm.profile import Mix, Tokenizer
from kslm.report import QUIET, Progress, Task
from kslm.tokenize.sample import outline, sample_texts
from kslm.tokenize.tasks import ENCODED, TAKEN, WRITTEN, encode, write
from kslm.tokens import Encoder, Layout, Lineage, Manifest, PartRecord, publish, train_tokenizer
from kslm.tokens.tokenizer import vocabulary

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CHECKED_CHARS = 1_000_000
EVERYTHING = Mix()


@dataclass(frozen=True)
class Built:
    """What was published; `mb_per_second` is text read, encoded and written as shards; training is left out."""

    manifest: Manifest
    mb_per_second: float
    notes: list[str]


def build(
    corpus: DataFrame,
    folder: Path,
    settings: Tokenizer,
    fingerprint: str,
    lineage: Lineage,
    *,
    workplace: Path,
    mix: Mix = EVERYTHING,
    progress: Progress = QUIET,
) -> Built:
    """Publish the corpus as shards in `folder`: every document once.

    This process sees amounts, the tokenizer's sample and the parts' hashes; all other text stays with the engine's
    workers, which write the parts.

    Args:
        corpus: gold.corpus, at one version.
        folder: on a path that every worker sees under the same name.
        workplace: folder on each machine's local disk.
        mix: shares by which the tokenizer's sample is divided.

    Raises:
        DataError: no training text, no usable encoder, or a document that does not survive encoding.
    """
    shares = {str(name): share for name, share in mix.shares.items()}
    with evaluating("reading gold.corpus"):
        amounts = outline(corpus)
        texts = sample_texts(corpus, settings.train_bytes, shares)
    with progress.task("training the tokenizer", total=sum(map(len, texts)), unit="B") as task:
        tokenizer_json = train_tokenizer(_counted(texts, task), settings.vocab_size, settings.min_frequency)
    encoder = Encoder(tokenizer_json, _first(texts, CHECKED_CHARS))
    del texts

    layout = Layout.of(amounts.text_bytes, amounts.slices, amounts.kinds)
    folder.mkdir(parents=True, exist_ok=True)
    published.withdraw(folder)
    started = time.perf_counter()
    with (
        evaluating("encoding gold.corpus and writing its shards"),
        progress.task("encoding", total=amounts.bytes, unit="B") as task,
    ):
        parts = _write_parts(corpus, folder, tokenizer_json, layout, workplace=workplace, task=task)
    manifest = publish(folder, tokenizer_json, layout, parts, fingerprint=fingerprint, lineage=lineage)
    seconds = time.perf_counter() - started
    return Built(manifest, amounts.bytes / 1e6 / seconds, [encoder.note] if encoder.note else [])


def _write_parts(
    corpus: DataFrame, folder: Path, tokenizer_json: str, layout: Layout, *, workplace: Path, task: Task
) -> list[PartRecord]:
    vocab_size = len(vocabulary(tokenizer_json))
    encoded = corpus.select(*TAKEN).mapInArrow(partial(encode, tokenizer_json=tokenizer_json, layout=layout), ENCODED)
    work = partial(write, folder=folder, layout=layout, vocab_size=vocab_size, workplace=workplace)
    written = encoded.repartition(sum(layout.parts), "part").mapInArrow(work, WRITTEN)
    parts = []
    for row in written.toLocalIterator():
        parts.append(PartRecord.model_validate_json(row["record"]))
        task.advance(sum(counts.text_bytes for counts in parts[-1].by_slice.values()))
    return parts


def _counted(texts: Iterable[str], task: Task) -> Iterator[str]:
    for text in texts:
        yield text
        task.advance(len(text))


def _first(texts: Iterable[str], characters: int) -> Iterator[str]:
    for text in texts:
        if characters <= 0:
            return
        yield text
        characters -= len(text)
