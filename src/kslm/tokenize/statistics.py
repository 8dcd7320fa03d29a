"""The tokenizer's gates and the corpus's sizes, measured on the published shards.

Coverage and rarity are of the whole train split, each document once, and leave out the special tokens, which no text
contains. "Compression" is given as bytes of text a token, end-of-text tokens left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from kslm.profile import Mix
from kslm.tokens import SPECIAL_TOKENS, Counts, ShardReader
from kslm.tokens.layout import part_stem
from kslm.tokens.sampler import Sampler

MIN_COVERAGE = 0.80
MAX_RARE = 0.20
RARE_BELOW = 10
BLOCK = 1 << 22


def measure(reader: ShardReader, mix: Mix, seed: int) -> dict[str, float]:
    """Metrics of one folder of shards; `reader` may be opened unverified.

    `tokenize/tokens`, `tokenize/documents` and `tokenize/bytes_per_token` are of what is stored, each document once;
    `tokenize/epoch0/...` of the first epoch that the sampler draws from it (see `kslm.tokens.sampler.Amount`).
    """
    manifest = reader.manifest
    metrics = _vocabulary(reader)
    for name, record in manifest.splits.items():
        metrics[f"tokenize/tokens/{name}"] = float(record.tokens)
        metrics[f"tokenize/documents/{name}"] = float(record.documents)
        for part in manifest.slices:
            metrics[f"tokenize/tokens/{name}/{part}"] = float(record.by_slice[part].tokens)
            metrics[f"tokenize/documents/{name}/{part}"] = float(record.by_slice[part].documents)
    splits = list(manifest.splits.values())
    metrics["tokenize/bytes_per_token"] = _bytes_per_token(splits)
    for name in manifest.slices:
        metrics[f"tokenize/bytes_per_token/{name}"] = _bytes_per_token([split.by_slice[name] for split in splits])
    epoch = Sampler(reader.split("train"), mix, seed).epoch(0)
    metrics["tokenize/epoch0/tokens"] = float(epoch.tokens)
    for name, amount in epoch.by_slice.items():
        metrics |= {f"tokenize/epoch0/{figure}/{name}": float(value) for figure, value in asdict(amount).items()}
    return metrics


def mix_notes(reader: ShardReader, mix: Mix, seed: int) -> list[str]:
    """Sentences on what bounds an epoch of the mix, and on shares that the first one does not meet."""
    sampler = Sampler(reader.split("train"), mix, seed)
    return [*sampler.notes, *sampler.epoch(0).notes]


def _vocabulary(reader: ShardReader) -> dict[str, float]:
    """How much of the vocabulary the train split uses."""
    size, parts = reader.manifest.vocab_size, reader.manifest.splits["train"].parts
    counts = np.zeros(size, np.int64)
    for part in range(parts):
        # Read, not mapped: pages of a map once touched count as this process's memory.
        with (reader.folder / f"{part_stem('train', part, parts)}.bin").open("rb") as stream:
            while len(tokens := np.fromfile(stream, reader.manifest.numpy_dtype, BLOCK)):
                counts += np.bincount(tokens, minlength=size)
    counts = counts[len(SPECIAL_TOKENS) :]
    return {
        "tokenize/vocab_size": float(size),
        "tokenize/vocabulary_coverage": float((counts > 0).mean()),
        "tokenize/rare_tokens": float((counts < RARE_BELOW).mean()),
    }


def shortfalls(metrics: dict[str, float]) -> list[str]:
    """A sentence for each of the tokenizer's gates that was missed: the corpus is small for the vocabulary."""
    coverage, rare = metrics["tokenize/vocabulary_coverage"], metrics["tokenize/rare_tokens"]
    missed = []
    if coverage <= MIN_COVERAGE:
        missed.append(f"vocabulary coverage is {coverage:.1%}, and should be above {MIN_COVERAGE:.0%}")
    if rare >= MAX_RARE:
        missed.append(
            f"{rare:.1%} of the vocabulary occurs fewer than {RARE_BELOW} times; it should be below {MAX_RARE:.0%}"
        )
    if missed:
        missed.append("a smaller tokenizer.vocab_size or more text would mend that")
    return missed


def _bytes_per_token(counts: Sequence[Counts]) -> float:
    tokens = sum(part.tokens - part.documents for part in counts)
    return sum(part.text_bytes for part in counts) / tokens if tokens else 0.0
