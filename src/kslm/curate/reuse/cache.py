"""Rows that curate keeps between runs: what is dear to make anew and cheap to look up.

A cache is a folder of rows that is sealed when it is complete (`kslm.published`) and says what made it. It is replaced
by another one beside it, so that a run that was killed leaves the old rows; rows that something else made, or that are
not as they were sealed, are as good as none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from kslm import published
from kslm.lake import Lake
from kslm.lake.arrow import arrow_schema
from kslm.lake.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SIDES = ("a", "b")
_ROWS = "rows.parquet"


@dataclass(frozen=True)
class Cache:
    """One cache.

    Attributes:
        folder: nothing else is in it.
        made_by: names what the rows follow from, besides what they are looked up by.
    """

    folder: Path
    made_by: str

    @property
    def rows(self) -> Path | None:
        """The Parquet file, or folder of such, that holds the rows; None where there are none to be used."""
        return self._side / _ROWS if self._side else None

    @property
    def follows_from(self) -> str | None:
        """What the rows were said to follow from when they were written; None where there are none to be used."""
        manifest = published.manifest_of(self._side) if self._side else None
        return manifest.get("follows_from") if manifest else None

    @contextmanager
    def replacing(self, follows_from: str = "") -> Iterator[Path]:
        """Where to write all rows anew, a file or a folder; they count from the end of the block on.

        Args:
            follows_from: names what the rows were made of, for whoever asks before making them again.
        """
        used = self._side
        old, new = (self.folder / side for side in (_SIDES if used and used.name == "a" else reversed(_SIDES)))
        published.remove(new)
        new.mkdir(parents=True)
        yield new / _ROWS
        published.seal(new, {"made_by": self.made_by, "follows_from": follows_from})
        published.remove(old)

    def fill(self, lake: Lake, table: Table, frames: Sequence[DataFrame], follows_from: str = "") -> Path:
        """Replace the rows by those of the frames together; returns where they are.

        Args:
            table: whose columns the frames have.
            follows_from: see `replacing`.
        """
        with self.replacing(follows_from) as path:
            if frames:
                lake.write_parquet(reduce(lambda left, right: left.union(right), frames), path)
            if not path.exists():  # one engine writes nothing where there are no rows
                pq.write_table(arrow_schema(table).empty_table(), path)
        return path

    def load(self, schema: pa.Schema) -> pa.Table:
        """The rows; none of `schema` where there are none to be used."""
        rows = self.rows
        return pq.read_table(rows).cast(schema) if rows else schema.empty_table()

    def store(self, table: pa.Table) -> None:
        """Replace the rows."""
        with self.replacing() as path:
            pq.write_table(table, path)

    @property
    def _side(self) -> Path | None:
        return next((self.folder / side for side in _SIDES if self._serves(self.folder / side)), None)

    def _serves(self, side: Path) -> bool:
        manifest = published.whole(side, hashes=False)
        return manifest is not None and manifest.get("made_by") == self.made_by
