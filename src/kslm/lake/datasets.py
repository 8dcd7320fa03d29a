"""A table of the lake as a `datasets.Dataset`, for notebooks and for tuning with other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kslm.lake.lake import Lake

if TYPE_CHECKING:
    from datasets import Dataset


def to_dataset(lake: Lake, name: str, columns: Sequence[str] = (), where: str = "true") -> Dataset:
    """Rows of a table (`gold.corpus`), in no promised order; in a pinned lake, as that run left them.

    What the engine sends is the dataset itself: nothing is copied, and nothing written to the library's cache on disk.
    Needs the library `datasets`.

    Args:
        columns: those to take; by default all.
        where: a condition in SQL that rows fulfil.

    Limits: the rows are in memory; of a table that is larger, take columns, or some of the rows.

    Raises:
        DataError: no such table.
    """
    from datasets import Dataset

    return Dataset(lake[name].where(where).select(*(columns or "*")).toArrow())
