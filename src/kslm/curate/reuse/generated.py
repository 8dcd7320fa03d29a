"""The candidates of texts that are generated, kept between runs.

A question is some three hundred characters, so what its redaction and judgement cost is not its length but that there
are more than a hundred thousand of them, nearly all the same as in the last run. A text that is the same in all but
version and licence, which pass through unread, has the same candidates. Where nothing that texts are generated from
has changed, they are not even generated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from kslm.curate.records import CANDIDATES, STAMPS, TEXTS
from kslm.curate.refine.candidates import BATCH_BYTES, Limits, refine, rows
from kslm.curate.reuse.cache import Cache
from kslm.lake import Lake
from kslm.lake.arrow import batches_of
from kslm.lake.digest import row_digests
from kslm.lake.tables import Table
from kslm.texts import Text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

GENERATED = Table.of("scratch.generated", "digest", f"{CANDIDATES.ddl}, digest")
"""Candidates, each with the digest of its text without STAMPS."""
DIGESTED = Table.of("scratch.digested", "digest", f"{TEXTS.ddl}, digest")
_READ = [name for name in TEXTS.columns if name not in STAMPS]


def refine_generated(
    lake: Lake, generate: Callable[[], DataFrame], cache: Cache, limits: Limits, *, follows_from: str, scratch: Path
) -> tuple[Path, int]:
    """Make the cache hold the candidates of the texts, and work only on those whose candidates it does not hold yet.

    Args:
        generate: gives the columns of TEXTS; not called where the cache follows from the same.
        follows_from: names everything that the texts are generated from.
        scratch: folder for files that the engine reads.

    Returns:
        Where the candidates are, and how many texts were worked on.
    """
    path = cache.rows
    if path and cache.follows_from == follows_from:
        return path, 0
    lake.write_parquet(generate().mapInArrow(_digested, DIGESTED.ddl), scratch / "texts")
    texts = fresh = lake.read_parquet(DIGESTED, scratch / "texts")
    frames = []
    if path:
        before = lake.read_parquet(GENERATED, path)
        frames.append(_stamped(texts, before))
        fresh = texts.join(before.select("digest").distinct(), "digest", "left_anti")
    count = fresh.count()
    if count or not frames:
        made = fresh.select(*DIGESTED.columns).repartition(lake.partitions)
        frames.append(lake.map(made, partial(_refined, limits=limits), GENERATED.ddl))
    return cache.fill(lake, GENERATED, frames, follows_from), count


def _stamped(texts: DataFrame, before: DataFrame) -> DataFrame:
    """Candidates that serve, with version and licence of today's text."""
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    stamps = texts.select("digest", *(F.col(name).alias(f"new_{name}") for name in STAMPS))
    changed = {name: F.col(f"new_{name}").alias(name) for name in STAMPS}
    joined = stamps.join(before, "digest")
    return joined.select(*(changed.get(name, F.col(name)) for name in GENERATED.columns))


def _digested(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of TEXTS to rows of DIGESTED; for mapInArrow."""
    for batch in batches:
        digests = [f"{digest:032x}" for digest in row_digests(batch, _READ)]
        yield batch.append_column("digest", pa.array(digests, pa.string()))


def _refined(batches: Iterable[pa.RecordBatch], *, limits: Limits) -> Iterator[pa.RecordBatch]:
    """Rows of DIGESTED to rows of GENERATED; for mapInArrow."""
    texts = (row for batch in batches for row in rows(batch))
    digested = ((row.pop("digest"), Text(**row)) for row in texts)
    candidates = ((*candidate, digest) for digest, text in digested for candidate in refine(text, limits))
    return batches_of(GENERATED, candidates, BATCH_BYTES)
