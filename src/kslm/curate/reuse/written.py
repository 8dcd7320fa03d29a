"""What the tables of silver and gold were last made of: one that holds just what it would be made equal to is left.

`Lake.make_equal` finds out by comparing every row. Here a table's rows are known by a name for all that they follow
from (`made_of`: hashes of the rows they are made from, and of the code), and the table as it was left by its newest
commit: whoever writes it afterwards, or removes it and makes another, makes another commit.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa

from kslm.curate.reuse.cache import Cache
from kslm.lake import Change, Lake, Table
from kslm.lake.arrow import arrow_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_WRITTEN = Table.of("scratch.written", "name", "name, newest, made_of, content_hash")


class Written:
    """The tables that curate writes.

    Args:
        cache: whose maker names the code.

    Attributes:
        versions, hashes: of the tables made equal so far, by name.
    """

    def __init__(self, lake: Lake, cache: Cache) -> None:
        self._lake, self._cache = lake, cache
        self._rows = {row["name"]: row for row in cache.load(arrow_schema(_WRITTEN)).to_pylist()}
        self.versions: dict[str, int] = {}
        self.hashes: dict[str, str] = {}

    def make_equal(self, table: Table, made_of: str, frame: Callable[[], DataFrame]) -> None:
        """Make the table equal to the frame, unless it is.

        Args:
            made_of: names all that the frame's rows follow from.
            frame: called where it is not known to be equal.
        """
        name, row = str(table), self._rows.get(str(table))
        if row and row["newest"] == commit(self._lake, table) and row["made_of"] == made_of:
            count = int(row["content_hash"].rpartition("-")[2])
            self._lake.changes[name] = Change(self._lake.version(table), unchanged=count)
        else:
            self._lake.make_equal(table, frame())
            content = self._lake.content_hash(table)
            newest = commit(self._lake, table)
            row = {"name": name, "newest": newest, "made_of": made_of, "content_hash": content}
            self._rows[name] = row
            self._cache.store(pa.Table.from_pylist([*self._rows.values()], arrow_schema(_WRITTEN)))
        self.versions[name], self.hashes[name] = self._lake.version(table), row["content_hash"]


def commit(lake: Lake, table: Table) -> str:
    """The table's newest commit with its time, which no other commit of any table of this name has; "" of none."""
    return json.dumps(lake.history(table)[:1], sort_keys=True, default=str) if lake.version(table) >= 0 else ""
