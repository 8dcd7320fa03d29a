"""The tokenizer's gates and the corpus's sizes, measured on the published shards.

Coverage and rarity are of the train split and leave out the special tokens, which no text contains. "Compression" is
given as bytes of text a token, end-of-text tokens left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kslm.tokens import SPECIAL_TOKENS, Counts, ShardReader

MIN_COVERAGE = 0.80
MAX_RARE = 0.20
RARE_BELOW = 10
BLOCK = 1 << 24


def measure(reader: ShardReader) -> dict[str, float]:
    """Metrics of one folder of shards; `reader` may be opened unverified."""
    manifest = reader.manifest
    counts = np.zeros(manifest.vocab_size, np.int64)
    tokens = reader.split("train").tokens
    for start in range(0, len(tokens), BLOCK):
        counts += np.bincount(tokens[start : start + BLOCK], minlength=manifest.vocab_size)
    counts = counts[len(SPECIAL_TOKENS) :]
    metrics = {
        "tokenize/vocab_size": float(manifest.vocab_size),
        "tokenize/vocabulary_coverage": float((counts > 0).mean()),
        "tokenize/rare_tokens": float((counts < RARE_BELOW).mean()),
    }
    for name, record in manifest.splits.items():
        metrics[f"tokenize/tokens/{name}"] = float(record.tokens)
        metrics[f"tokenize/documents/{name}"] = float(record.documents)
    splits = list(manifest.splits.values())
    metrics["tokenize/bytes_per_token"] = _bytes_per_token(splits)
    train = manifest.splits["train"]
    for name in manifest.slices:
        part = train.by_slice[name]
        metrics[f"tokenize/tokens/train/{name}"] = float(part.tokens)
        metrics[f"tokenize/share/{name}"] = part.tokens / max(train.tokens, 1)
        metrics[f"tokenize/repeated_tokens/{name}"] = float(part.repeated_tokens)
        metrics[f"tokenize/left_out_tokens/{name}"] = float(part.left_out_tokens)
        metrics[f"tokenize/bytes_per_token/{name}"] = _bytes_per_token([split.by_slice[name] for split in splits])
    return metrics


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
