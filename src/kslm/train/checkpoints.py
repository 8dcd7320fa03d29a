"""Which checkpoints are whole, and which are kept.

A process may be killed while it writes a checkpoint, and the Trainer recognises checkpoints by their names alone. So
each is sealed: once every file is written, a last one lists their sizes and sha256. A folder without a seal, or one
that disagrees with it, does not count and is removed. To delete a checkpoint its seal goes first, so a half-deleted one
does not count either. No renames: on a Volume each would copy the folder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from kslm.published import write_atomically

SEAL = "checksums.json"


def seal(folder: Path) -> None:
    """Declare a folder complete as it is now."""
    files = {path.name: _measure(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name != SEAL}
    write_atomically(folder / SEAL, json.dumps(files, indent=1))


def is_whole(folder: Path) -> bool:
    """Whether the folder is sealed and holds what its seal says, to the byte."""
    try:
        files = json.loads((folder / SEAL).read_text("utf-8"))
        return bool(files) and all(_measure(folder / name) == measure for name, measure in files.items())
    except (OSError, ValueError, AttributeError):
        return False


def sealed_sha256(folder: Path, name: str) -> str:
    """A file's sha256, as its folder's seal records it."""
    return str(json.loads((folder / SEAL).read_text("utf-8"))[name]["sha256"])


def remove(folder: Path) -> None:
    """Delete a checkpoint so that, at any moment, it is whole or does not count."""
    (folder / SEAL).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def step_of(folder: Path) -> int:
    """The optimizer step in a checkpoint's name."""
    return int(folder.name.removeprefix("checkpoint-"))


def listed(run: Path) -> list[Path]:
    """Checkpoint folders of a run, whole or not, by ascending step."""
    folders = [path for path in run.glob("checkpoint-*") if path.name.removeprefix("checkpoint-").isdigit()]
    return sorted(folders, key=step_of)


def latest_whole(run: Path) -> Path | None:
    """The newest whole checkpoint."""
    return next((path for path in reversed(listed(run)) if is_whole(path)), None)


def discard_broken(run: Path) -> list[str]:
    """Remove checkpoints that are not whole; returns their names."""
    broken = [path for path in listed(run) if not is_whole(path)]
    for path in broken:
        remove(path)
    return [path.name for path in broken]


def rotate(run: Path, keep: int, best: Path | None) -> None:
    """Keep the newest `keep` checkpoints and the best."""
    for path in listed(run)[:-keep]:
        if path != best:
            remove(path)


def _measure(path: Path) -> dict[str, int | str]:
    with path.open("rb") as stream:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
