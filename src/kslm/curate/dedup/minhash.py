"""Near duplicates: MinHash signatures, banding, exact verification, connected components, one keeper each.

Signatures come from rensa's R-MinHash over hashes of five-word shingles; two documents that agree in all rows of one
band are a pair to compare. Pairs are verified by the exact Jaccard similarity of their shingle sets, so the
threshold means what it says and only recall depends on the bands (0.997 measured at Jaccard 0.8 on kernel text).

Text and bands stay with the engine (`kslm.curate.dedup.search`). In a bucket a document is paired with the first and
with the one before it, so a bucket of n costs 2n pairs, never n². Only documents that have a pair are read again. Those
that are connected go to one partition, where each is shingled once however many pairs it is in.

Kinds that are only compared exactly (`kslm.kinds`) are not looked at.

References: Broder 1997 (MinHash); Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, chapter 3 (banding).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import rensa

from kslm.curate.dedup.shingles import UInt64, encode, jaccard, shingle_sets, shingles
from kslm.lake.arrow import arrow_schema, to_batch
from kslm.lake.tables import Table

PERMUTATIONS = 128
SEED = 42
BATCH_BYTES = 150_000
"""Text shingled at once: few enough that numpy's arrays stay in the cache, and none gets fresh pages of its own."""

BUCKETS = "doc_id STRING, buckets BINARY"
EDGES = Table.of("scratch.edges", "left, right", "left, right, jaccard DOUBLE")
SUSPECTS = Table.of("scratch.suspects", "doc_id", "doc_id, part INT, lefts ARRAY<STRING>")

_NONE = np.zeros(0, np.int64)
_STRINGS = pa.list_(pa.string())


def bands_for(threshold: float) -> int:
    """Number of bands whose S-curve rises somewhat below `threshold`: steep, yet missing few true pairs."""
    for bands in (8, 16, 32, 64):
        rows = PERMUTATIONS // bands
        if (1 / bands) ** (1 / rows) <= threshold - 0.08:
            return bands
    return PERMUTATIONS


def buckets(batches: Iterable[pa.RecordBatch], *, bands: int) -> Iterator[pa.RecordBatch]:
    """Turn (doc_id, text) rows into (doc_id, buckets) rows, int64 [bands] as bytes; for mapInArrow.

    Documents of fewer than five words yield nothing: they have no shingles to share.
    """
    for batch in batches:
        ids, texts = batch.column("doc_id").to_pylist(), batch.column("text").to_pylist()
        for start, end in _spans([len(text) for text in texts]):
            rows, matrix = _bucket_matrix(texts[start:end], bands)
            if len(rows):
                chosen = [ids[start + position] for position in rows]
                columns = [pa.array(chosen, pa.string()), pa.array([row.tobytes() for row in matrix], pa.binary())]
                yield pa.RecordBatch.from_arrays(columns, ["doc_id", "buckets"])


def bucket_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Turn (doc_id, buckets) rows into one row a bucket; for mapInArrow."""
    for batch in batches:
        matrix = [np.frombuffer(row, np.int64) for row in batch.column("buckets").to_pylist()]
        owners = np.repeat(np.arange(len(matrix)), [len(row) for row in matrix])
        columns = [batch.column("doc_id").take(pa.array(owners)), pa.array(np.concatenate([*matrix, _NONE]))]
        yield pa.RecordBatch.from_arrays(columns, ["doc_id", "bucket"])


def suspects(pairs: pa.Table) -> pa.Table:
    """Documents to compare, as SUSPECTS: each with those of its pairs that come before it.

    Those with the same `part` must be looked at together.

    Args:
        pairs: left, right.
    """
    placed = components(pairs)
    _, number = np.unique(placed["keeper"].to_numpy(), return_inverse=True)
    parts = pa.array(number.astype(np.int32))
    grouped = pairs.sort_by([("right", "ascending"), ("left", "ascending")]).group_by("right", use_threads=False)
    lefts = grouped.aggregate([("left", "list")])
    place = pc.index_in(placed["doc_id"], lefts["right"])
    listed = pc.fill_null(lefts["left_list"].combine_chunks().take(place.combine_chunks()), pa.scalar([], _STRINGS))
    return pa.table([placed["doc_id"], parts, listed], schema=arrow_schema(SUSPECTS))


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
    rows = np.flatnonzero(np.diff(offsets))
    if not len(rows):
        return rows, np.zeros((0, bands), np.int64)
    bounds = np.append(offsets[rows], offsets[-1]).astype(np.uint64)
    digests = rensa.RMinHash.digest_matrix_from_flat_token_hashes(hashes, bounds, PERMUTATIONS, SEED)
    signatures = np.array(digests.to_rows(), np.uint64).reshape(len(rows), bands, -1)
    folded = np.broadcast_to(np.arange(1, bands + 1, dtype=np.uint64), (len(rows), bands))
    for row in range(signatures.shape[2]):
        mixed = (folded ^ signatures[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)
        folded = mixed ^ (mixed >> np.uint64(29))
    return rows, np.ascontiguousarray(folded).view(np.int64)


def verify(batches: Iterable[pa.RecordBatch], *, threshold: float) -> Iterator[pa.RecordBatch]:
    """Compare the pairs of (doc_id, text, part, lefts) rows: 0 where they are less similar than the threshold.

    For mapInArrow over whole parts.

    Holds the shingles of one partition's suspects, about as large as their text.
    """
    sets: dict[str, UInt64] = {}
    lefts: dict[str, list[str]] = {}
    for batch in batches:
        ids, texts = batch.column("doc_id").to_pylist(), batch.column("text").to_pylist()
        lefts.update(zip(ids, batch.column("lefts").to_pylist(), strict=True))
        for start, end in _spans([len(text) for text in texts]):
            sets.update(zip(ids[start:end], shingle_sets(texts[start:end]), strict=True))
    compared = []
    for right in sorted(lefts):
        for left in lefts[right]:
            sizes = sorted((len(sets[left]), len(sets[right])))
            # No intersection can be larger than the smaller set.
            similarity = jaccard(sets[left], sets[right]) if sizes[0] >= threshold * sizes[1] else 0.0
            compared.append((left, right, similarity if similarity >= threshold else 0.0))
    yield to_batch(compared, EDGES)


def left_over(texts: list[str], threshold: float) -> tuple[float, float]:
    """How much duplication is left in a sample of kept texts, measured exactly: no signature, no bands.

    Two sets of Jaccard similarity t share one of the n - ceil(t n) + 1 rarest shingles of either (prefix filtering:
    Chaudhuri, Ganti, Kaushik 2006), so only texts that do are compared, and each only until one is found.

    Returns:
        Share of the documents, and of their bytes, that are at least `threshold` similar to another.
    """
    sets = shingle_sets(texts)
    sizes = np.array([len(shingled) for shingled in sets], np.int64)
    owners = np.repeat(np.arange(len(sets)), sizes)
    flat = np.concatenate([*sets, np.zeros(0, np.uint64)])
    _, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
    rarest = np.lexsort((inverse, counts[inverse], owners))
    rank = np.arange(len(flat)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    prefix = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1
    chosen = rarest[rank < prefix[owners]]
    chosen = chosen[counts[inverse[chosen]] > 1]
    sharing: dict[int, list[int]] = defaultdict(list)
    shared: dict[int, list[int]] = defaultdict(list)
    for shingle, owner in zip(inverse[chosen].tolist(), owners[chosen].tolist(), strict=True):
        sharing[shingle].append(owner)
        shared[owner].append(shingle)
    similar: set[int] = set()
    for owner, its in shared.items():
        if owner not in similar:
            others = sorted({other for shingle in its for other in sharing[shingle]} - {owner})
            match = next((other for other in others if jaccard(sets[owner], sets[other]) >= threshold), None)
            similar |= {owner, match} if match is not None else set()
    lengths = [len(text.encode()) for text in texts]
    return len(similar) / max(1, len(texts)), sum(lengths[index] for index in similar) / max(1, sum(lengths))


def components(edges: pa.Table) -> pa.Table:
    """Every document that has an edge, as doc_id in order, and its cluster's keeper, the smallest id in it.

    The order of the edges does not matter. Each root is put below the least root that an edge joins it to, until
    nothing changes (Shiloach, Vishkin 1982).

    Args:
        edges: left, right.
    """
    ends = pa.chunked_array([*edges["left"].chunks, *edges["right"].chunks], pa.string())
    ids = pc.unique(ends)
    ids = ids.take(pc.sort_indices(ids))
    left, right = (pc.index_in(edges[name], ids).to_numpy().astype(np.int64) for name in ("left", "right"))
    root = np.arange(len(ids))
    while True:
        first, second = root[left], root[right]
        if np.array_equal(first, second):
            return pa.table({"doc_id": ids, "keeper": ids.take(pa.array(root))})
        least = np.minimum(first, second)
        np.minimum.at(root, first, least)
        np.minimum.at(root, second, least)
        while not np.array_equal(root, above := root[root]):
            root = above
