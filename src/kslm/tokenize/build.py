"""Train, encode, write: the work of the stage, given a way to read the corpus."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xxhash
from numpy.typing import NDArray

from kslm.errors import DataError
from kslm.profile import Mix, Tokenizer
from kslm.report import QUIET, Progress, Task
from kslm.texts import QUESTION
from kslm.tokenize.corpus import Read, documents, outline, sample_texts
from kslm.tokenize.mix import Mixer
from kslm.tokens import Encoded, Encoder, Lineage, Manifest, ShardWriter, train_tokenizer
from kslm.tokens.tokenizer import token_bytes

CHECKED_CHARS = 1_000_000
DECODED_SHARE = 16
EVERYTHING = Mix()
GENERATED = frozenset((QUESTION,))
"""Kinds that are made by template: where a slice has more than its share, what somebody wrote is kept first."""


@dataclass(frozen=True)
class Built:
    """What was published; `mb_per_second` is text encoded and written, reading and training left out."""

    manifest: Manifest
    mb_per_second: float
    notes: list[str]


def build(
    read: Read,
    folder: Path,
    settings: Tokenizer,
    fingerprint: str,
    lineage: Lineage,
    *,
    scratch: Path,
    mix: Mix = EVERYTHING,
    progress: Progress = QUIET,
) -> Built:
    """Publish the corpus as shards in `folder`.

    Shares of a mix are of tokens, and tokens are known once a document is encoded: so all of the corpus is encoded,
    once, and what the mix leaves out stays behind in the writer's spool.

    Args:
        scratch: folder on a local disk.

    Raises:
        DataError: no training text, no usable encoder, or a document that does not survive encoding.
    """
    plan = outline(read, settings.train_bytes, {str(name): share for name, share in mix.shares.items()})
    texts = sample_texts(read, plan.sample)
    with progress.task("training the tokenizer", total=sum(map(len, texts)), unit="B") as task:
        tokenizer_json = train_tokenizer(_counted(texts, task), settings.vocab_size, settings.min_frequency)
    path = scratch / "tokenizer.json"
    path.write_text(tokenizer_json, "utf-8")
    encoder = Encoder(path, _first(texts, CHECKED_CHARS))
    del texts

    spelling = token_bytes(tokenizer_json)
    lengths = np.array([len(token) for token in spelling])
    mixer = Mixer(mix)
    size, busy = 0, 0.0
    with (
        ShardWriter(folder, tokenizer_json, plan.slices, scratch=scratch) as writer,
        progress.task("encoding", total=plan.bytes, unit="B") as task,
    ):
        for batch in documents(read):
            started = time.perf_counter()
            raw = [text.encode() for text in batch.text]
            encoded = encoder.encode(batch.text)
            _check_round_trip(batch.doc_id, raw, encoded, spelling, lengths)
            sizes = [len(document) for document in raw]
            spare = [kind in GENERATED for kind in batch.kind]
            writer.add(batch.doc_id, batch.split, batch.slice, sizes, encoded, spare=spare)
            busy += time.perf_counter() - started
            size += sum(sizes)
            task.advance(sum(sizes))
        started = time.perf_counter()
        manifest = writer.publish(fingerprint, lineage, mixer)
        busy += time.perf_counter() - started
    return Built(manifest, size / 1e6 / busy, ([encoder.note] if encoder.note else []) + mixer.notes)


def _check_round_trip(
    doc_ids: Sequence[str],
    raw: Sequence[bytes],
    encoded: Encoded,
    spelling: list[bytes],
    lengths: NDArray[np.int64],
) -> None:
    """Compare lengths for every document, and the bytes themselves for one in DECODED_SHARE."""
    decoded = np.zeros(len(raw), np.int64)
    if (filled := encoded.lengths > 0).any():  # reduceat takes an empty run for one of length 1
        starts = np.cumsum(encoded.lengths) - encoded.lengths
        decoded[filled] = np.add.reduceat(lengths.take(encoded.ids), starts[filled])
    for doc_id, written, ids, size in zip(doc_ids, raw, encoded.each(), decoded.tolist(), strict=True):
        exact = size == len(written)
        if exact and xxhash.xxh3_64_intdigest(doc_id.encode()) % DECODED_SHARE == 0:
            exact = b"".join(map(spelling.__getitem__, ids.tolist())) == written
        if not exact:
            raise DataError(
                f"document {doc_id} of gold.corpus does not decode to its own text",
                cause="the encoder lost or changed bytes",
                remedy="install the pinned versions: pip install -r requirements.txt",
            )


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
