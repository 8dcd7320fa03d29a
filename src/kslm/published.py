"""When a folder is complete: sealed last, verified before use.

A process may be killed while it writes, so a folder counts only if it holds a manifest.json that was written after
everything else. The manifest lists every file with its size and sha256, and carries a digest of itself, so that one
cut short is none. What replaces or removes a folder takes the manifest first: at any moment the folder is whole, or
does not count. No renames of folders: on a Volume each would copy them.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

MANIFEST = "manifest.json"
_SEAL = "seal"


class FileRecord(BaseModel):
    """One file of a folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bytes: int
    sha256: str


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of one file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def measure(folder: Path) -> dict[str, FileRecord]:
    """Every file below a folder but its manifest, by its path in it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return {
        path.relative_to(folder).as_posix(): FileRecord(bytes=path.stat().st_size, sha256=file_sha256(path))
        for path in paths
    }


def seal(folder: Path, record: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Declare a folder complete.

    Args:
        record: what the manifest says beside the files, as JSON; with `files`, these are not measured again.

    Returns:
        The manifest, without its seal.
    """
    manifest = dict(record or {})
    if "files" not in manifest:
        manifest["files"] = {name: file.model_dump() for name, file in measure(folder).items()}
    sealed = manifest | {_SEAL: _digest(manifest)}
    write_atomically(folder / MANIFEST, json.dumps(sealed, indent=1, sort_keys=True))
    return manifest


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """A folder's manifest without its seal; None where there is none, or it is not what was sealed."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        return manifest if manifest.pop(_SEAL) == _digest(manifest) else None
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


def faults(folder: Path, files: Mapping[str, FileRecord], *, hashes: bool = True) -> Iterator[tuple[str, str]]:
    """Files that are not as recorded: name and what is wrong.

    Args:
        hashes: compare contents too, which reads every byte.
    """
    for name, record in files.items():
        path = folder / name
        if not path.is_file():
            yield name, "the manifest lists it and it is missing"
        elif (size := path.stat().st_size) != record.bytes:
            yield name, f"{size:,} bytes on disk, {record.bytes:,} in the manifest"
        elif hashes and file_sha256(path) != record.sha256:
            yield name, "its sha256 is not the manifest's"


def whole(folder: Path, *, hashes: bool = True) -> dict[str, Any] | None:
    """The manifest of a folder that is as it was sealed; None of any other. See `faults`."""
    manifest = manifest_of(folder)
    try:
        files = {name: FileRecord.model_validate(record) for name, record in manifest["files"].items()}  # type: ignore[index]
    except (ValidationError, KeyError, TypeError, AttributeError):
        return None
    return None if any(faults(folder, files, hashes=hashes)) else manifest


def withdraw(folder: Path) -> None:
    """Declare a folder incomplete, before anything in it changes."""
    (folder / MANIFEST).unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Delete a folder."""
    withdraw(folder)
    shutil.rmtree(folder, ignore_errors=True)


def write_atomically(path: Path, text: str) -> None:
    """Write `text` as UTF-8 so that `path` holds either its old content or all of the new one.

    Where a mount has no rename it may be cut short, which a seal, and a report's JSON, show.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            temporary.replace(path)
        except OSError as error:
            if error.errno not in (errno.ENOSYS, errno.ENOTSUP):
                raise
            path.write_text(text, "utf-8")  # some mounts of object storage have no rename
    finally:
        temporary.unlink(missing_ok=True)


def _digest(manifest: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
