"""Upkeep of the tables' files: small ones merged, and those deleted that only old versions need."""

from __future__ import annotations

from dataclasses import dataclass

from kslm.errors import KslmError
from kslm.lake import Lake, Size
from kslm.lake.lake import RETENTION_HOURS
from kslm.lake.tables import ALL


@dataclass(frozen=True)
class Upkeep:
    """One table's files before and after."""

    table: str
    before: Size
    after: Size


def maintain(lake: Lake, *, retention_hours: int = RETENTION_HOURS) -> list[Upkeep]:
    """Compact and vacuum every table; contents stay.

    The tables of a past run can be opened for as long as `retention_hours` keeps its versions' files. 0 keeps the
    newest version only, and breaks whatever reads an older one at that moment.

    Raises:
        KslmError: there are no tables.
    """
    done = []
    for table in ALL:
        if lake.version(table) < 0:
            continue
        before = lake.size(table)
        lake.optimize(table)
        lake.vacuum(table, retention_hours)
        done.append(Upkeep(str(table), before, lake.size(table)))
    if not done:
        raise KslmError("there are no tables here", remedy="kslm ingest makes the first ones")
    return done
