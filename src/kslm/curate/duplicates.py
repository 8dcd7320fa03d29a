"""Near duplicates: MinHash signatures, banding, exact verification, connected components, one keeper each.

Signatures come from rensa's R-MinHash over hashes of five-word shingles; two documents that agree in all rows of one
band are a candidate pair. Candidates are verified by the exact Jaccard similarity of their shingle sets, so the
threshold means what it says and only recall depends on the bands (0.997 measured at Jaccard 0.8 on kernel text).

References: Broder 1997 (MinHash); Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3 (banding).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import rensa

from kslm.curate.shingles import encode, jaccard, shingle_sets, shingles

PERMUTATIONS = 128
SEED = 42
BATCH_BYTES = 4_000_000
"""Text shingled at once: numpy works in arrays of eight times as many bytes."""

BUCKETS = "doc_id STRING, bucket BIGINT"
EDGES = "left STRING, right STRING, jaccard DOUBLE"


def bands_for(threshold: float) -> int:
    """Number of bands whose S-curve rises somewhat below `threshold`: steep, yet missing few true pairs."""
    for bands in (8, 16, 32, 64):
        rows = PERMUTATIONS // bands
        if (1 / bands) ** (1 / rows) <= threshold - 0.08:
            return bands
    return PERMUTATIONS


def buckets(batches: Iterable[pa.RecordBatch], *, bands: int) -> Iterator[pa.RecordBatch]:
    """Turn (doc_id, text) rows into (doc_id, bucket) rows, one for each band; for mapInArrow.

    Documents of fewer than five words yield nothing: they have no shingles to share.
    """
    for batch in batches:
        ids, texts = batch.column("doc_id").to_pylist(), batch.column("text").to_pylist()
        for start, end in _spans([len(text) for text in texts]):
            kept, matrix = _bucket_matrix(texts[start:end], bands)
            if len(kept):
                chosen = np.array(ids[start:end], dtype=object)[kept]
                columns = [pa.array(np.repeat(chosen, bands), pa.string()), pa.array(matrix.reshape(-1))]
                yield pa.RecordBatch.from_arrays(columns, ["doc_id", "bucket"])


def _spans(sizes: list[int]) -> Iterator[tuple[int, int]]:
    """Consecutive ranges of about BATCH_BYTES."""
    start = total = 0
    for index, size in enumerate(sizes):
        if total and total + size > BATCH_BYTES:
            yield start, index
            start, total = index, 0
        total += size
    if start < len(sizes):
        yield start, len(sizes)


def _bucket_matrix(texts: list[str], bands: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Positions of the texts that have shingles, and int64 [those texts, bands]: hashes of band and band number."""
    hashes, offsets = shingles(*encode(texts))
    kept = np.flatnonzero(np.diff(offsets))
    if not len(kept):
        return kept, np.zeros((0, bands), np.int64)
    bounds = np.append(offsets[kept], offsets[-1]).astype(np.uint64)
    digests = rensa.RMinHash.digest_matrix_from_flat_token_hashes(hashes, bounds, PERMUTATIONS, SEED)
    signatures = np.array(digests.to_rows(), np.uint64).reshape(len(kept), bands, -1)
    folded = np.broadcast_to(np.arange(1, bands + 1, dtype=np.uint64), (len(kept), bands))
    for row in range(signatures.shape[2]):
        mixed = (folded ^ signatures[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)
        folded = mixed ^ (mixed >> np.uint64(29))
    return kept, np.ascontiguousarray(folded).view(np.int64)


def verify(batches: Iterable[pa.RecordBatch], *, threshold: float) -> Iterator[pa.RecordBatch]:
    """Keep the candidate rows (left, right, left_text, right_text) that are similar enough; for mapInArrow."""
    for batch in batches:
        lefts, rights = batch.column("left").to_pylist(), batch.column("right").to_pylist()
        kept = []
        for index, (left, right) in enumerate(zip(lefts, rights, strict=True)):
            pair = [batch.column("left_text")[index].as_py(), batch.column("right_text")[index].as_py()]
            similarity = jaccard(*shingle_sets(pair))
            if similarity >= threshold:
                kept.append((left, right, similarity))
        columns = list(zip(*kept, strict=True)) if kept else [(), (), ()]
        yield pa.RecordBatch.from_arrays(
            [pa.array(columns[0], pa.string()), pa.array(columns[1], pa.string()), pa.array(columns[2], pa.float64())],
            ["left", "right", "jaccard"],
        )


def components(edges: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Map every document that has an edge to its cluster's keeper, the smallest id in it.

    The order of the edges does not matter.
    """
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        parent.setdefault(node, node)
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for left, right in edges:
        first, second = sorted((root(left), root(right)))
        parent[second] = first
    return {node: root(node) for node in parent}
