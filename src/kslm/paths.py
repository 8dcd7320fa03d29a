"""Where things live under KSLM_HOME: a local folder, or a Unity Catalog Volume mounted at /Volumes/....

Everything below is a plain POSIX path, so the same code serves both. A Volume takes files that are written once, from
start to end; what is written otherwise is made in `Home.scratch`, on local disk (`kslm.scratch`), and large files are
written to their final name, with a small manifest published last.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class HomePath(str):
    """A path relative to KSLM_HOME, with forward slashes; absolute outside of it. See `Home.relative` and `Home.at`."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(cls, core_schema.str_schema())


@dataclass(frozen=True)
class Home:
    """The layout of one KSLM_HOME.

    Attributes:
        root: the folder itself.
        local: where scratch shall lie (KSLM_SCRATCH); None: where `scratch` says.
    """

    root: Path
    local: Path | None = None

    @cached_property
    def scratch(self) -> Path:
        """Local disk for unfinished files and for copies that are mapped: cache/scratch/, or on a Volume a folder of
        the system's temporary one (TMPDIR), named after the user and the home.
        """
        if self.local:
            return self.local
        if not _is_volume(self.root):
            return self.cache / "scratch"
        name = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir(), f"kslm-{os.getuid()}-{name}")

    @property
    def on_volume(self) -> bool:
        """Whether the home takes only files written from start to end, so that scratch lies elsewhere."""
        return not self.scratch.is_relative_to(self.root)

    @property
    def landing(self) -> Path:
        """Fetched raw files, one folder a source."""
        return self.root / "landing"

    @property
    def lake(self) -> Path:
        """Delta tables: lake/<schema>/<table>/."""
        return self.root / "lake"

    @property
    def tokens(self) -> Path:
        """Shards: tokens/<fingerprint>/, with tokens/latest.json naming each profile's newest."""
        return self.root / "tokens"

    @property
    def checkpoints(self) -> Path:
        """Training state: checkpoints/<run>/."""
        return self.root / "checkpoints"

    @property
    def artefacts(self) -> Path:
        """Exported variants: artefacts/<run>/<variant>/."""
        return self.root / "artefacts"

    @property
    def cache(self) -> Path:
        """What may be deleted at any time: package lists, engine jars, scratch folders."""
        return self.root / "cache"

    @property
    def lock(self) -> Path:
        """Held for as long as one process works on this home."""
        return self.root / "kslm.lock"

    @property
    def index(self) -> Path:
        """Look-up indexes: index/<profile>/."""
        return self.root / "index"

    def at(self, path: str) -> Path:
        """Where a path lies that a record names: below the root, unless it is absolute."""
        return self.root / path

    def relative(self, path: Path) -> HomePath:
        """A path as a record names it: relative to the root where it lies below, so that a home can be moved."""
        return HomePath(path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path))

    def portable(self, uri: str) -> str:
        """An address without the root's own place in it, for what must not change when a home is moved."""
        return uri.replace(str(self.root), "<home>")

    def report(self, profile: str, stage: str) -> Path:
        """The published report of one stage of one profile."""
        return self.root / "reports" / profile / f"{stage}.json"

    def history(self, profile: str) -> Path:
        """Reports of past runs of a profile: <stage>-<start of output_id>.json, one for each content published."""
        return self.root / "reports" / profile / "history"


def _is_volume(root: Path) -> bool:
    """Whether a folder is on a Unity Catalog Volume, or on another mount of object storage through FUSE."""
    if root.is_relative_to("/Volumes"):
        return True
    mounts = {Path(part.mountpoint): part.fstype for part in psutil.disk_partitions(all=True)}
    found = next((mounts[folder] for folder in (root, *root.parents) if folder in mounts), "")
    return found == "fuse" or found.startswith("fuse.")
