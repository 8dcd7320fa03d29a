"""Small tables that curate keeps in the cache between runs: what is dear to make anew and cheap to look up.

Each is one Parquet file, replaced when it is complete, that names what made it. A table that another recipe made, or
that cannot be read, is as good as none.

The generated texts are kept this way (`generated`). A question is some three hundred characters, so what its
redaction and judgement cost is not its length but that there are more than a hundred thousand of them, nearly all the
same as in the last run. A row that is the same to the last byte has the same candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kslm.curate.records import CANDIDATES, TEXTS, to_batch
from kslm.curate.refine.steps import Limits, refine, rows
from kslm.lake.arrow import arrow_schema
from kslm.lake.digest import row_digests
from kslm.texts import Text

_RECIPE = b"kslm.recipe"
_DIGEST = pa.binary(16)
_BATCH_ROWS = 2000


def load(path: Path, recipe: str, schema: pa.Schema) -> pa.Table:
    """The table at `path`; an empty one of `schema` where there is none made by `recipe`."""
    with suppress(OSError, ValueError):  # pa.ArrowInvalid is a ValueError
        if (pq.read_schema(path).metadata or {}).get(_RECIPE) == recipe.encode():
            return pq.read_table(path).replace_schema_metadata(None).cast(schema)
    return schema.empty_table()


def store(path: Path, recipe: str, table: pa.Table) -> None:
    """Write the table, with what made it; a reader sees all of it or what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    pq.write_table(table.replace_schema_metadata({_RECIPE: recipe.encode()}), partial)
    partial.replace(path)


def generated(texts: pa.RecordBatch, path: Path, recipe: str, limits: Limits) -> int:
    """Make `path` hold the candidates of generated texts, and work only on those whose candidates it does not hold yet.

    Args:
        texts: the columns of TEXTS.
        recipe: what the candidates depend on besides the rows.

    Returns:
        How many texts were worked on.
    """
    schema = arrow_schema(CANDIDATES).append(pa.field("digest", _DIGEST))
    digests = [digest.to_bytes(16, "big") for digest in row_digests(texts, list(TEXTS.columns))]
    before = load(path, recipe, schema)
    serves = before.filter(pc.is_in(before["digest"], pa.array(digests, _DIGEST)))
    had = {*serves["digest"].to_pylist()}
    fresh = [row for row, digest in enumerate(digests) if digest not in had]
    if fresh or len(serves) < len(before) or not path.exists():
        made = pa.Table.from_batches(_made(texts, digests, fresh, limits), schema)
        store(path, recipe, pa.concat_tables([serves, made]))
    return len(fresh)


def _made(texts: pa.RecordBatch, digests: list[bytes], fresh: list[int], limits: Limits) -> Iterator[pa.RecordBatch]:
    """Candidates of some of the texts, each with the digest of its text."""
    for start in range(0, len(fresh), _BATCH_ROWS):
        chosen = fresh[start : start + _BATCH_ROWS]
        texts_ = (Text(**row) for row in rows(texts.take(pa.array(chosen))))
        made = [(one, digests[at]) for at, text in zip(chosen, texts_, strict=True) for one in refine(text, limits)]
        batch = to_batch([one for one, _ in made], CANDIDATES)
        yield batch.append_column("digest", pa.array([digest for _, digest in made], _DIGEST))
