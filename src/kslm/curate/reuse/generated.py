"""The candidates of texts that this process generates, kept between runs.

A question is some three hundred characters, so what its redaction and judgement cost is not its length but that there
are more than a hundred thousand of them, nearly all the same as in the last run. A text that is the same in all but
version and licence, which pass through unread, has the same candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from kslm.curate.records import CANDIDATES, TEXTS
from kslm.curate.refine.candidates import Limits, refine, rows
from kslm.curate.reuse.cache import Cache
from kslm.lake.arrow import arrow_schema, to_batch
from kslm.lake.digest import row_digests
from kslm.texts import Text

STAMPS = ("version", "licence")
"""Columns that candidates have from their text as they are."""
_DIGEST = pa.binary(16)
_SCHEMA = arrow_schema(CANDIDATES).append(pa.field("digest", _DIGEST))
_BATCH_ROWS = 2000


def refine_generated(texts: pa.RecordBatch, cache: Cache, limits: Limits) -> tuple[Path, int]:
    """Make the cache hold the candidates of these texts, and work only on those whose candidates it does not hold yet.

    Args:
        texts: the columns of TEXTS.

    Returns:
        Where the candidates are, and how many texts were worked on.
    """
    read = [name for name in TEXTS.columns if name not in STAMPS]
    digests = [digest.to_bytes(16, "big") for digest in row_digests(texts, read)]
    known = pa.array(digests, _DIGEST)
    before = cache.load(_SCHEMA)
    serves = _stamped(before.filter(pc.is_in(before["digest"], known)), texts, known)
    had = {*serves["digest"].to_pylist()}
    fresh = [row for row, digest in enumerate(digests) if digest not in had]
    if fresh or not serves.equals(before) or cache.rows is None:
        cache.store(pa.concat_tables([serves, pa.Table.from_batches(_made(texts, digests, fresh, limits), _SCHEMA)]))
    path = cache.rows
    assert path is not None
    return path, len(fresh)


def _stamped(candidates: pa.Table, texts: pa.RecordBatch, digests: pa.Array) -> pa.Table:
    """Candidates with version and licence of today's text."""
    place = pc.index_in(candidates["digest"], digests)
    for name in STAMPS:
        column = candidates.schema.get_field_index(name)
        candidates = candidates.set_column(column, candidates.schema.field(name), texts.column(name).take(place))
    return candidates


def _made(texts: pa.RecordBatch, digests: list[bytes], fresh: list[int], limits: Limits) -> Iterator[pa.RecordBatch]:
    """Candidates of some of the texts, each with the digest of its text."""
    for start in range(0, len(fresh), _BATCH_ROWS):
        chosen = fresh[start : start + _BATCH_ROWS]
        texts_ = (Text(**row) for row in rows(texts.take(pa.array(chosen))))
        candidates = [
            (candidate, digests[at])
            for at, text in zip(chosen, texts_, strict=True)
            for candidate in refine(text, limits)
        ]
        batch = to_batch([candidate for candidate, _ in candidates], CANDIDATES)
        yield batch.append_column("digest", pa.array([digest for _, digest in candidates], _DIGEST))
