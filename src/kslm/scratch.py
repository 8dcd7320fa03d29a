"""Local disk for what a Volume refuses, and publishing from there.

A Unity Catalog Volume is object storage behind a mount: files are written once, from start to end. Appending, writing
in the middle, chmod, links, locks, shared memory maps and renames of folders are refused or costly, so whatever does
such things works below `Home.scratch`, and what it made is copied into the home and sealed there. The same code runs on
a disk, where scratch lies in the home's cache and publishing is a rename of each file.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kslm import published
from kslm.errors import DataError
from kslm.paths import Home


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """An empty folder for unfinished work: what a killed run left is removed first, and all of it at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def move(file: Path, target: Path) -> None:
    """Bring a finished file from scratch to where it stays; its permissions are the new place's own."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(file, target, copy_function=shutil.copyfile)


def publish(built: Path, target: Path, record: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Make `target` hold what was built in scratch, and seal it; `built` is used up.

    Args:
        record: what the manifest says beside the files; see `published.seal`.

    Returns:
        The manifest, without its seal.
    """
    record = dict(record or {})
    # Measured where it was built: hashing a Volume's files would read all of them back.
    record.setdefault("files", {name: file.model_dump() for name, file in published.measure(built).items()})
    published.remove(target)
    for name in record["files"]:
        move(built / name, target / name)
    manifest = published.seal(target, record)
    shutil.rmtree(built)
    return manifest


def at_hand(home: Home, folder: Path) -> Path:
    """Where a sealed folder can be mapped and read at random: itself on a disk, a verified local copy on a Volume.

    A folder without a seal is returned as it is: whoever reads it says what is wrong with it.

    Copies whose originals are gone are removed when another is made beside them.

    Limits: two processes that make the same copy at the same moment may disturb each other; the next call finds it.

    Raises:
        DataError: what was copied is not what the manifest lists.
    """
    manifest = published.manifest_of(folder) if home.on_volume and folder.is_relative_to(home.root) else None
    if manifest is None:
        return folder
    copy = home.scratch / "copies" / folder.relative_to(home.root)
    had = published.whole(copy, hashes=False)
    if had is None or had["files"] != manifest["files"]:
        _copy(folder, copy, manifest)
    elif had != manifest:
        published.seal(copy, manifest)
    return copy


def _copy(folder: Path, copy: Path, manifest: Mapping[str, Any]) -> None:
    for other in copy.parent.glob("*/"):
        if not (folder.parent / other.name).exists():
            published.remove(other)
    published.remove(copy)
    copy.mkdir(parents=True)
    for name in manifest["files"]:
        if (folder / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, copy / name)
    published.seal(copy, manifest)
    if published.whole(copy) is None:
        published.remove(copy)
        raise DataError(
            f"{folder} disagrees with its {published.MANIFEST}",
            remedy="run the stage that made it again, with --force",
        )
