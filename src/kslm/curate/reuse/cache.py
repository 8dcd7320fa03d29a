"""Rows that curate keeps between runs: what is dear to make anew and cheap to look up.

A cache is a folder of rows that is sealed when it is complete (`kslm.published`) and says what made it. It is replaced
by another one beside it, so that a run that was killed leaves the old rows; rows that something else made, or that are
not as they were sealed, are as good as none.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from kslm import published

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
        return next((self.folder / side / _ROWS for side in _SIDES if self._serves(self.folder / side)), None)

    @contextmanager
    def replacing(self) -> Iterator[Path]:
        """Where to write all rows anew, a file or a folder; they count from the end of the block on."""
        used = self.rows
        old, new = (self.folder / side for side in (_SIDES if used and used.parent.name == "a" else reversed(_SIDES)))
        published.remove(new)
        new.mkdir(parents=True)
        yield new / _ROWS
        published.seal(new, {"made_by": self.made_by})
        published.remove(old)

    def load(self, schema: pa.Schema) -> pa.Table:
        """The rows; none of `schema` where there are none to be used."""
        rows = self.rows
        return pq.read_table(rows).cast(schema) if rows else schema.empty_table()

    def store(self, table: pa.Table) -> None:
        """Replace the rows."""
        with self.replacing() as path:
            pq.write_table(table, path)

    def _serves(self, side: Path) -> bool:
        manifest = published.whole(side, hashes=False)
        return manifest is not None and manifest.get("made_by") == self.made_by
