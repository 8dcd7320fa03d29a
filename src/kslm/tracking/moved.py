"""A home that was moved, or copied: MLflow's local store holds absolute addresses, which follow it here."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from kslm.settings import Settings

ARTIFACTS = "mlartifacts"
"""Folder of all artifacts of a local store, below the home."""

_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
_SECONDS = 30.0


def follow(settings: Settings) -> None:
    """Make a store below the home name the home where it lies now, in one transaction; nothing else is changed.

    Where the home lay is read off the place of the profile's experiment. Stores elsewhere are left alone, and so are
    addresses that were never in the home.
    """
    root = settings.home.root
    database = Path(settings.tracking_uri.removeprefix("sqlite:///"))
    if not (database.is_relative_to(root) and database.is_file()):
        return
    with closing(sqlite3.connect(database, timeout=_SECONDS)) as store, store:
        if (written := _root_of(store, settings.experiment)) is None or written == root.as_uri():
            return
        store.execute("BEGIN IMMEDIATE")
        for table, column in _ADDRESSES:
            store.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",
                (f"{root.as_uri()}/", len(written) + 2, len(written) + 1, f"{written}/"),
            )
        _datasets(store, Path(url2pathname(urlsplit(written).path)), root)


def _root_of(store: sqlite3.Connection, experiment: str) -> str | None:
    """The home's address as the experiment's place has it; None where there is no such experiment, or no such place."""
    if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'experiments'").fetchone():
        return None
    row = store.execute("SELECT artifact_location FROM experiments WHERE name = ?", (experiment,)).fetchone()
    address = row[0] if row else ""
    return (
        address.removesuffix(f"/{ARTIFACTS}") if address.startswith("file:") and address.endswith(ARTIFACTS) else None
    )


def _datasets(store: sqlite3.Connection, written: Path, root: Path) -> None:
    """The tables that runs were trained on, by their folder in the lake."""
    for identity, text in store.execute("SELECT dataset_uuid, dataset_source FROM datasets").fetchall():
        source = json.loads(text)
        path = Path(source.get("path", ""))
        if path.is_relative_to(written):
            source["path"] = str(root / path.relative_to(written))
            store.execute(
                "UPDATE datasets SET dataset_source = ? WHERE dataset_uuid = ?", (json.dumps(source), identity)
            )
