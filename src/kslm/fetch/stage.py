"""The stage: each source of the profile from the first of its places that works, landed once and then reused.

A source that has landed is not fetched again, with or without a network, until the profile asks for something else, its
files are gone, or the local path it came from holds something else. Asked to refresh (`kslm fetch --force`), the places
are looked at again for newer versions: the candidate of apt or of the mirror, the URL, the path; what has not changed
stays, and what cannot be looked at is kept with a note. Killed at any moment, the stage goes on where it stopped:
downloads resume, and an unpacked folder without its note is made again.
"""

from __future__ import annotations

import errno
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from kslm.errors import KslmError, SourceError
from kslm.fetch import landing, packages, places
from kslm.fetch.apt import Apt
from kslm.fetch.debian import Debian
from kslm.fetch.landing import Landed, SourceFolder, landed_from, request_of
from kslm.fetch.log_copy import take
from kslm.fetch.mirror import Mirror
from kslm.fetch.places import name_of
from kslm.fetch.unpack import Unpacked
from kslm.outputs import Fetched
from kslm.profile import Place, Source
from kslm.report import QUIET, Progress, Report, Task
from kslm.settings import Settings

OWN_MACHINE = "LicenseRef-own-machine"


def run(settings: Settings, progress: Progress = QUIET) -> Report[Fetched]:
    """Land every source of the profile, this machine's snapshot where asked for, and the user's own logs.

    Raises:
        SourceError: a required source cannot be had; each place tried is named with its cause.
        KslmError: the disk is full.
    """
    begin = time.perf_counter()
    work = _Work(settings, _debian(settings), progress)
    landed: dict[str, Landed] = {}
    notes: list[str] = []
    for name, source in _wanted(settings).items():
        try:
            if source.places:
                landed[name] = work.land(name, source)
        except SourceError as error:
            if not source.optional:
                raise
            notes.append(f"optional source {name} left out: {error.cause}")
        try:
            if source.collect:
                landed[f"{name}_collected"] = work.collect(f"{name}_collected", source)
        except KslmError as error:
            if not source.optional:
                raise
            notes.append(f"no snapshot of this machine: {error.problem}. {error.cause}")
    notes += [f"{name}: {note}" for name, record in landed.items() for note in record.notes]
    fresh = sum(record.entry.bytes for record in landed.values() if not record.reused)
    return Report(
        stage="fetch",
        output_id=_identity(settings, landed),
        metrics={
            "fetch/sources": len(landed),
            "fetch/reused": sum(record.reused for record in landed.values()),
            "fetch/bytes": sum(record.entry.bytes for record in landed.values()),
            "fetch/transferred_bytes": sum(record.transferred for record in landed.values()),
            "fetch/mb_per_s": fresh / 1e6 / max(time.perf_counter() - begin, 1e-9),
        },
        outputs=Fetched(
            sources={
                name: landing.placed(record.entry, lambda path: settings.home.relative(Path(path)))
                for name, record in landed.items()
            }
        ),
        notes=notes,
    )


def _debian(settings: Settings) -> Debian:
    """The mirror that the environment names, or else the machine's own apt."""
    env, scratch = settings.env, settings.home.scratch
    if env.debian_mirror is None:
        return Apt(scratch / "apt")
    keyring = env.debian_keyring and env.debian_keyring.expanduser()
    return Mirror(scratch / "mirror", env.debian_mirror, env.debian_suite, keyring)


def _wanted(settings: Settings) -> dict[str, Source]:
    """The profile's sources, and one more for each path of the user's."""
    sources = dict(settings.profile.sources)
    for number, path in enumerate(settings.logs):
        place = Place(path=str(path.expanduser().absolute()))
        sources[f"logs_user_{number}"] = Source(kind="logs", licence=OWN_MACHINE, places=(place,))
    return sources


def _identity(settings: Settings, landed: dict[str, Landed]) -> str:
    """Hash of what landed and of the cut that ingest will read."""
    whole = hashlib.sha256()
    for name in sorted(landed):
        source = settings.profile.sources.get(name)
        cut = [source.include, source.exclude] if source else []
        entry = landed[name].entry
        licences = [[package, of.licence] for package, of in sorted(entry.packages.items())]
        row = [name, entry.kind, entry.sha256, entry.version, entry.licence, cut]
        whole.update(repr(row + licences).encode())
    return whole.hexdigest()


@dataclass
class _Work:
    settings: Settings
    debian: Debian
    progress: Progress

    def land(self, name: str, source: Source) -> Landed:
        """The source as it has landed before, or from the first place that works."""
        folder, request = SourceFolder(self.settings.home, name), request_of(source)
        before = landing.load(folder, request)
        refresh = before is not None and self.settings.refresh
        if before is not None and not refresh and not self._changed(before, source):
            if source.kind == "logs":
                landing.discard(folder)
            return self._with_licences(before, source)
        obtain = packages.obtain if source.kind == "packages" else places.obtain
        causes: list[str] = []
        for place in source.places:
            try:
                with self.progress.task(f"fetching {name}", unit="B") as task:
                    known = before if refresh else None
                    landed = obtain(place, source, folder, self.debian, task=task, before=known)
                    if landed is not before:
                        if causes:
                            landed.notes.append(f"from {name_of(place)}, because {'; '.join(causes)}")
                        landing.save(folder, request, landed)
                    if source.kind == "logs":
                        landing.discard(folder)
                return self._with_licences(landed, source)
            except SourceError as error:
                causes.append(f"{name_of(place)}: {error.cause or error.problem}")
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise self._disk_full(name, error) from error
                causes.append(f"{name_of(place)}: {error}")
        if before is not None and refresh:
            before.notes.append(f"kept as it had landed, because {'; '.join(causes)}")
            return self._with_licences(before, source)
        raise SourceError(
            f"source {name} cannot be had from any of its places",
            cause="".join(f"\n  - {cause}" for cause in causes),
            remedy=f"connect to the network once and run the same command again; or get the file elsewhere and put "
            f"`- path: /where/it/is` first in sources.{name}.places of the profile",
        )

    def collect(self, name: str, source: Source) -> Landed:
        """A redacted snapshot of this machine, taken once: a new one each run would make every stage stale."""
        from kslm.collect import collect

        folder, request = SourceFolder(self.settings.home, name), request_of(source)
        before = landing.load(folder, request)
        if before is not None:
            return before
        with self.progress.task("collecting a snapshot of this machine"):
            folder.path.mkdir(parents=True, exist_ok=True)
            try:
                path = collect(folder.path)
                content = places.content_of(source, path)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise self._disk_full(name, error) from error
                raise SourceError("cannot take a snapshot of this machine", cause=str(error)) from error
            landed = landed_from(
                source, content, Unpacked(path), path=path, origin="collected:this machine", version="1", files=[path]
            )
            landing.save(folder, request, landed)
        return landed

    @staticmethod
    def _with_licences(landed: Landed, source: Source) -> Landed:
        """Licences as the profile and the readers of today have them: they are not part of what was fetched."""
        landed.entry.licence = source.licence
        if source.kind == "packages":
            packages.state_licences(landed.entry, source)
        return landed

    def _changed(self, landed: Landed, source: Source) -> bool:
        """Whether the local path a source came from holds something else now; one gone leaves what has landed."""
        origin = landed.entry.origin
        if not origin.startswith("file:"):
            return False
        path = Path(origin.removeprefix("file:"))
        try:
            if not path.exists():
                return False
            if source.kind == "logs":
                now = take(source, path, None, home=self.settings.home, task=Task()).sha256
            elif source.kind == "packages":
                now = packages.content_of(source, path).sha256
            else:
                now = places.content_of(source, path).sha256
        except OSError:
            return True
        return now != landed.entry.sha256

    def _disk_full(self, name: str, error: OSError) -> KslmError:
        return KslmError(
            f"source {name}: the disk holding {self.settings.home.root} is full",
            cause=str(error),
            remedy="free space, or name a folder on another disk with KSLM_HOME, and run the same command again",
        )
