"""What has landed of one source: a small note, written last, that makes it whole.

The note is named by a hash of the request (the source as the profile declares it), so that profiles with different cuts
of one source live side by side. It lists every file made and its size; as long as they are there, nothing is fetched.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kslm.profile import Source
from kslm.report import write_atomically

# Raised when the layout of what is unpacked changes, so that older folders are made anew.
LAYOUT = 2


@dataclass
class Landed:
    """One source, ready for ingest.

    Attributes:
        entry: what the report says of it.
        files: path and size of each file that has to be there.
        notes: sentences for the report.
        transferred: bytes that came over the network for it, this time; not saved.
        reused: whether it was there already; not saved.
    """

    entry: dict[str, Any]
    files: list[tuple[str, int]]
    notes: list[str] = field(default_factory=list)
    transferred: int = 0
    reused: bool = False


def request_of(source: Source) -> str:
    """Identity of what is asked for: the kind, places, cut and bounds."""
    wanted = source.model_dump(mode="json", exclude={"optional", "collect", "licence"}) | {"layout": LAYOUT}
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]


def load(folder: Path, request: str) -> Landed | None:
    """The landed source, if its note is there and its files are whole."""
    try:
        note = json.loads((folder / f"source-{request}.json").read_text("utf-8"))
        landed = Landed(note["entry"], [(str(path), int(size)) for path, size in note["files"]], list(note["notes"]))
        whole = all(Path(path).stat().st_size == size for path, size in landed.files)
        whole = whole and Path(landed.entry["members"]).exists()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    landed.reused = True
    return landed if whole else None


def discard(folder: Path) -> None:
    """Remove each folder that no note refers to: logs copied before, which hold personal data."""
    kept = set()
    for note in folder.glob("source-*.json"):
        try:
            kept.add(Path(json.loads(note.read_text("utf-8"))["entry"]["members"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    for child in folder.iterdir():
        if child.is_dir() and not any(members.is_relative_to(child) for members in kept):
            shutil.rmtree(child, ignore_errors=True)


def save(folder: Path, request: str, landed: Landed) -> None:
    """Publish the source: from here on it is whole."""
    note = {"entry": landed.entry, "files": landed.files, "notes": landed.notes}
    write_atomically(folder / f"source-{request}.json", json.dumps(note, sort_keys=True))
