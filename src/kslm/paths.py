"""Where things live under KSLM_HOME: a local folder, or a Unity Catalog Volume mounted at /Volumes/....

Everything below is a plain POSIX path, so the same code serves both. On a Volume a rename costs a server-side copy, so
large files are written to their final name and a small manifest is published last.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The layout of one KSLM_HOME."""

    root: Path

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

    def report(self, profile: str, stage: str) -> Path:
        """The published report of one stage of one profile."""
        return self.root / "reports" / profile / f"{stage}.json"

    def history(self, profile: str) -> Path:
        """Reports of past runs of a profile: <stage>-<start of output_id>.json, one for each content published."""
        return self.root / "reports" / profile / "history"
