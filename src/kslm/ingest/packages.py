"""Documents of Debian packages and tldr pages into bronze, one row a file, in order of path.

A row says of which version and under which licence its package is, not the list as a whole. What is left out as of no
kind is counted, for the stage's note; what cannot be read is a finding. Manual pages that are copies of one another
(FreeBSD ships its links that way: 2,223 of 3,565 files) count as links: the copy named like the page's own title is
read, else the first.

One process reads them all: some 15 s for the packages of a full corpus, less than a pool of processes takes to pay off
beside the engine's.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kslm.ingest.local import Spools, decoded
from kslm.ingest.rows import Origin, document_row, file_row
from kslm.kinds import MAN, TLDR
from kslm.lake.tables import FILES
from kslm.outputs import FetchedSource
from kslm.sources import package_docs
from kslm.sources.records import Bad

_TITLE = re.compile(rb"^\.[ \t]*(?:Dt|TH)[ \t]+\"?([^\s\"]+)", re.MULTILINE)


def read_packages(path: Path, source: FetchedSource, origin: Origin, spools: Spools) -> Counter[str]:
    """A folder with one folder a package into bronze.documents and, a row each, bronze.files.

    Args:
        path: the folder.
        source: what fetch says of it.
        origin: of the source as a whole.

    Returns:
        How many files were left out, by why ("no kind", "copies of a manual page", "given as HTML", "references to
        another manual page"), and "files".
    """
    counts: Counter[str] = Counter()
    for name, package in sorted(source.packages.items()):
        own = replace(origin, version=package.version, licence=package.licence, sha256=package.sha256)
        row = file_row(source, origin) | {"package": name, "path": f"{source.members}/{name}"}
        spools.add_once(FILES, row | package.model_dump(include={"version", "sha256", "bytes", "licence"}))
        _read_package(path / name, name, own, spools, counts)
    return counts


def _read_package(root: Path, name: str, origin: Origin, spools: Spools, counts: Counter[str]) -> None:
    """One package's documents."""
    files = sorted(_files_below(root))
    doubled = package_docs.twins((stored, (root / stored).stat().st_size) for stored in files)
    copies = _copies(root, [file for file in files if package_docs.kind_of(package_docs.plain_path(file)) == MAN.name])
    seen: set[str] = set()
    counts["files"] += len(files)
    for stored in files:
        plain = package_docs.plain_path(stored)
        kind = package_docs.kind_of(plain)
        if kind is None or plain in doubled or stored in copies:
            why = "no kind" if kind is None else "given as HTML" if plain in doubled else "copies of a manual page"
            counts[why] += 1
            continue
        text, findings = decoded(root / stored, f"{name}/{stored}", kind)
        if text and plain in seen:
            findings = (*findings, Bad.of(f"{name}/{stored}", 0, "the same document was read from another file"))
        elif text:
            spools.add_document(document_row(f"{name}/{plain}", kind, text, origin))
        elif not findings:
            counts["references to another manual page"] += 1
        for finding in findings:
            spools.quarantine(finding, origin)
        seen.add(plain)


def _copies(root: Path, pages: list[str]) -> set[str]:
    """Pages whose stored bytes another page has as well, that one excepted."""
    groups: dict[bytes, list[str]] = defaultdict(list)
    for page in pages:
        try:
            groups[hashlib.sha256((root / page).read_bytes()).digest()].append(page)
        except OSError:
            continue  # reading it is what reports it
    copies: set[str] = set()
    for group in groups.values():
        if len(group) > 1:
            title = _title(root / group[0])
            read = next((page for page in group if page.rpartition("/")[2].lower().startswith(f"{title}.")), group[0])
            copies.update(page for page in group if page != read)
    return copies


def _title(page: Path) -> str:
    """The name in a page's title line, in lower case, "" when there is none."""
    try:
        raw = page.read_bytes()
        title = _TITLE.search(gzip.decompress(raw) if page.suffix == ".gz" else raw)
    except (OSError, EOFError, zlib.error):
        return ""
    return title[1].decode("utf-8", "replace").lower() if title else ""


def read_tldr(path: Path, origin: Origin, spools: Spools) -> None:
    """English tldr pages below a folder into bronze.documents, as they are written."""
    for stored in sorted(_files_below(path)):
        if not stored.endswith(".md") or any(part.startswith("pages.") for part in stored.split("/")):
            continue
        text, findings = decoded(path / stored, stored, TLDR.name)
        if text:
            spools.add_document(document_row(stored, TLDR.name, text, origin))
        for finding in findings:
            spools.quarantine(finding, origin)


def _files_below(root: Path) -> Iterator[str]:
    """Paths of regular files below a folder, relative to it; links are passed over."""
    for folder, _, files in os.walk(root):
        for file in files:
            place = Path(folder, file)
            if place.is_file() and not place.is_symlink():
                yield place.relative_to(root).as_posix()
