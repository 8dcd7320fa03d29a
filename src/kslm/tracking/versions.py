"""The versions of the registered model, and the way back to the one that served before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kslm import published
from kslm.errors import DataError, KslmError
from kslm.settings import Settings
from kslm.tracking.registry import CHAMPION, PREVIOUS, Registry

FIGURES = ("perplexity", "decode_tokens_per_second", "size_mb")
"""Tags of a version that say how good it is."""


@dataclass(frozen=True)
class Version:
    """One registered variant, newest versions first.

    Attributes:
        aliases: champion, challenger, previous; sorted.
        tags: its figures, its gates, and under `rejected` why it may not be served.
    """

    version: str
    aliases: tuple[str, ...]
    created: datetime
    run_id: str
    tags: dict[str, str]


def versions(settings: Settings) -> list[Version]:
    """All versions of the registered model, newest first; none where it does not exist."""
    registry = Registry(settings)
    # Unity Catalog's search leaves aliases out, and tags: both are read version by version.
    found = registry.client.search_model_versions(f"name = '{registry.name}'")
    full = [registry.client.get_model_version(registry.name, each.version) for each in found]
    entries = [
        Version(
            version=str(each.version),
            aliases=tuple(sorted(each.aliases)),
            created=datetime.fromtimestamp(each.creation_timestamp / 1000, UTC),
            run_id=each.run_id or "",
            tags=dict(each.tags),
        )
        for each in full
    ]
    return sorted(entries, key=lambda entry: int(entry.version), reverse=True)


def rows(found: list[Version]) -> list[dict[str, Any]]:
    """One row a version, for a table; figures as numbers."""
    return [
        {"version": each.version, "aliases": ", ".join(each.aliases), "variant": each.tags.get("variant", "")}
        | {name: float(each.tags[name]) if name in each.tags else None for name in FIGURES}
        | {"created": f"{each.created:%Y-%m-%d %H:%M}", "rejected": each.tags.get("rejected", "")}
        for each in found
    ]


def roll_back(settings: Settings) -> str:
    """Make `previous` the champion again, and the champion `previous`; returns the new champion's version.

    Done twice, nothing has changed. The champion is moved first: who is stopped in between still has a good one.

    Raises:
        KslmError: there is no previous version.
        DataError: its files are not those that were released; nothing is moved.
    """
    registry = Registry(settings)
    current, previous = registry.aliased(CHAMPION), registry.aliased(PREVIOUS)
    if previous is None:
        raise KslmError(
            f"{registry.name} has no version to go back to",
            cause=f"none carries the alias {PREVIOUS!r}: at most one has been promoted",
            remedy="release another model: kslm run",
        )
    if published.whole(registry.files(previous)) is None:
        raise DataError(
            f"version {previous} of {registry.name} is not as it was released",
            cause=f"its files do not match their {published.MANIFEST}",
            remedy="release that model again: kslm release --force",
        )
    registry.client.set_registered_model_alias(registry.name, CHAMPION, previous)
    if current is not None and current != previous:
        registry.client.set_registered_model_alias(registry.name, PREVIOUS, current)
    return previous
