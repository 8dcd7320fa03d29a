"""Which versions of the tables a past run read and wrote, from what it left: a stage's report or a shards' manifest.

Every run's reports are kept in reports/<profile>/history/, and a manifest of shards names the versions of the tables
its tokens were made of. A version can be read for as long as vacuum's retention keeps its files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kslm.errors import DataError


def versions_in(path: Path) -> dict[str, int]:
    """Table name to version, as a report (`ingest`, `curate`) or a shards' manifest.json records them.

    Raises:
        DataError: no such file, or it names no versions.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
        versions = _versions(record)
    except FileNotFoundError:
        raise DataError(
            f"no report or manifest at {path}",
            remedy="kslm corpus history lists the reports of past runs; shards have theirs in tokens/*/manifest.json",
        ) from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"unreadable report or manifest {path}", cause=str(error)) from None
    if not versions:
        raise DataError(
            f"{path} names no versions of tables",
            cause="it is the report of a stage that has none",
            remedy="name a report of ingest or curate, or a shards' manifest.json",
        )
    return versions


def _versions(record: dict[str, Any]) -> dict[str, int]:
    outputs, lineage = record.get("outputs", {}), record.get("lineage", {})
    versions = {**outputs.get("inputs", {}), **outputs.get("tables", {}), **lineage.get("tables", {})}
    if "table" in lineage:
        versions[lineage["table"]] = lineage["version"]
    return {str(name): int(version) for name, version in versions.items()}
