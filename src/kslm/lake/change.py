"""What a write did to a table, counted by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Change:
    """Rows that one `Lake.make_equal` touched, by key; `version` is the table's afterwards.

    A row whose volatile columns alone differ counts as unchanged; one that differs only in which edition of its source
    it is of (version, hash of the file, line), as `restamped`. The counts say what became different, not what was
    rewritten: the files of a table that changed at all are written anew.
    """

    version: int
    inserted: int = 0
    updated: int = 0
    restamped: int = 0
    deleted: int = 0
    unchanged: int = 0

    @property
    def any(self) -> bool:
        """Whether the table's content is another one now."""
        return bool(self.inserted or self.updated or self.restamped or self.deleted)

    def __str__(self) -> str:
        return f"+{self.inserted:,} ~{self.updated:,} −{self.deleted:,}"


def as_outputs(changes: Mapping[str, Change]) -> dict[str, dict[str, int]]:
    """The counts as a report's outputs hold them: by table, without the version, which stands beside them."""
    return {
        name: {count: value for count, value in asdict(change).items() if count != "version"}
        for name, change in sorted(changes.items())
    }


def as_metrics(stage: str, changes: Mapping[str, Change]) -> dict[str, float]:
    """`<stage>/<table>/inserted`, `updated`, `restamped`, `deleted` and `unchanged`; the table without its layer."""
    return {
        f"{stage}/{name.partition('.')[2]}/{count}": float(value)
        for name, counts in as_outputs(changes).items()
        for count, value in counts.items()
    }
