"""What has landed of one source: a small note, written last, that makes it whole.

The note is named by a hash of the request (the source as the profile declares it), so that profiles with different cuts
of one source live side by side. It lists every file made and its size; as long as they are there, nothing is fetched.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from kslm.fetch.unpack import Unpacked, folder_files
from kslm.outputs import FetchedSource, LeftOut
from kslm.paths import Home, HomePath
from kslm.profile import Source
from kslm.published import write_atomically

# Raised when the layout of what is unpacked changes, so that older folders are made anew.
LAYOUT = 2


@dataclass(frozen=True)
class SourceFolder:
    """Where one source lands, below a home's landing folder, and where it is made before."""

    home: Home
    name: str

    @property
    def path(self) -> Path:
        """What has landed: written once, from start to end."""
        return self.home.landing / self.name

    @property
    def scratch(self) -> Path:
        """Unfinished downloads and copies, on local disk."""
        return self.home.scratch / "fetch" / self.name


@dataclass(frozen=True)
class Content:
    """What a local file or folder holds: its hash, its bytes, and the names that could not be read."""

    sha256: str
    bytes: int
    unreadable: tuple[str, ...] = ()


@dataclass
class Landed:
    """One source, ready for ingest.

    Attributes:
        entry: what the report says of it, with absolute paths.
        files: path and size of each file that has to be there.
        notes: sentences for the report.
        transferred: bytes that came over the network for it, this time; not saved.
        reused: whether it was there already; not saved.
    """

    entry: FetchedSource
    files: list[tuple[str, int]]
    notes: list[str] = field(default_factory=list)
    transferred: int = 0
    reused: bool = False


def request_of(source: Source) -> str:
    """Identity of what is asked for: the kind, places, cut and bounds."""
    wanted = source.model_dump(mode="json", exclude={"optional", "collect", "licence"}) | {"layout": LAYOUT}
    return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:16]


def load(folder: SourceFolder, request: str) -> Landed | None:
    """The landed source, if its note is there and its files are whole."""
    home = folder.home
    try:
        note = json.loads((folder.path / f"source-{request}.json").read_text("utf-8"))
        entry = placed(FetchedSource.model_validate(note["entry"]), home.at)
        landed = Landed(entry, [(str(home.at(path)), int(size)) for path, size in note["files"]], list(note["notes"]))
        whole = all(Path(path).stat().st_size == size for path, size in landed.files) and Path(entry.members).exists()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    landed.reused = True
    return landed if whole else None


def discard(folder: SourceFolder) -> None:
    """Remove each folder that no note refers to, unfinished ones too: logs copied before, which hold personal data."""
    shutil.rmtree(folder.scratch, ignore_errors=True)
    referred = set()
    for note in folder.path.glob("source-*.json"):
        try:
            referred.add(folder.home.at(json.loads(note.read_text("utf-8"))["entry"]["members"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    for child in folder.path.iterdir():
        if child.is_dir() and not any(members.is_relative_to(child) for members in referred):
            shutil.rmtree(child, ignore_errors=True)


def save(folder: SourceFolder, request: str, landed: Landed) -> None:
    """Publish the source: from here on it is whole. Its paths are relative to the home, which may be moved."""
    home = folder.home
    note = {
        "entry": placed(landed.entry, lambda path: home.relative(Path(path))).model_dump(mode="json"),
        "files": [(home.relative(Path(path)), size) for path, size in landed.files],
        "notes": landed.notes,
    }
    write_atomically(folder.path / f"source-{request}.json", json.dumps(note, sort_keys=True))


def placed(entry: FetchedSource, place: Callable[[str], Path | HomePath]) -> FetchedSource:
    """The entry with its paths put through `place`."""
    paths = {"path": entry.path, "members": entry.members, "index": entry.index}
    return entry.model_copy(update={name: HomePath(place(path)) for name, path in paths.items() if path})


def landed_from(
    source: Source, content: Content, unpacked: Unpacked, *, path: Path, origin: str, version: str, files: list[Path]
) -> Landed:
    """The record of a source that is complete on disk; `files` are those whose absence means fetching again."""
    entry = FetchedSource(
        kind=source.kind,
        licence=source.licence,
        package=unpacked.package,
        version=version,
        origin=origin,
        path=HomePath(path),
        sha256=content.sha256,
        bytes=content.bytes,
        fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
        members=HomePath(unpacked.members),
        index=HomePath(unpacked.index) if unpacked.index else None,
    )
    landed = Landed(entry, [(str(file), file.stat().st_size) for file in files])
    if content.unreadable:
        some = some_of(content.unreadable)
        landed.notes.append(f"{len(content.unreadable)} files of {path} may not be read and are left out: {some}")
    return landed


def unchanged(before: Landed, sha256: str, origin: str) -> bool:
    """Whether a place looked at again still holds what has landed from it."""
    return (before.entry.sha256, before.entry.origin) == (sha256, origin)


def left_out_notes(what: Path | str, left_out: Sequence[LeftOut]) -> list[str]:
    """A sentence for each reason, with how many and some of the names."""
    names = defaultdict(list)
    for omission in left_out:
        names[omission.reason].append(omission.path)
    return [f"{len(paths)} of {what}: {reason}: {some_of(paths)}" for reason, paths in sorted(names.items())]


def some_of(names: Sequence[str]) -> str:
    """The first few names."""
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")


def key_of(source: Source, sha256: str) -> str:
    """Name of the folder for this content and this cut."""
    cut = json.dumps([LAYOUT, source.kind, source.include, source.exclude, sha256])
    return hashlib.sha256(cut.encode()).hexdigest()[:16]


def all_or_nothing(target: Path, make: Callable[[], Unpacked]) -> Unpacked:
    """Fill an empty folder; on failure nothing of it stays, so that a full disk gets its space back."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    try:
        return make()
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def files_below(folder: Path) -> list[Path]:
    """The regular files below a folder, in order of their names."""
    return [path for _, path in folder_files(folder)]
