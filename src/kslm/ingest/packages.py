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
from typing import Any

from kslm.ingest.local import Spools
from kslm.ingest.rows import Origin, document_row
from kslm.lake.tables import DOCUMENTS, FILES
from kslm.sources import package_docs, tldr
from kslm.sources.records import Bad

_TITLE = re.compile(rb"^\.[ \t]*(?:Dt|TH)[ \t]+\"?([^\s\"]+)", re.MULTILINE)


def read_packages(path: Path, entry: dict[str, Any], origin: Origin, spools: Spools) -> Counter[str]:
    """A folder with one folder a package into bronze.documents and, a row each, bronze.files.

    Args:
        path: the folder.
        entry: what fetch says of the source; its `packages` gives each one's version, sha256, bytes and licence.
        origin: of the source as a whole.

    Returns:
        How many files were left out, by why ("no kind", "copies of a manual page", "given as HTML"), and "files".
    """
    counts: Counter[str] = Counter()
    for name, package in sorted(entry["packages"].items()):
        own = replace(origin, version=package["version"], licence=package["licence"], sha256=package["sha256"])
        row = {column: entry.get(column) for column in FILES.columns}
        row |= {"source": origin.source, "package": name, "path": str(path / name)}
        spools.add_once(FILES, row | {key: package[key] for key in ("version", "sha256", "bytes", "licence")})
        _read_package(path / name, name, own, spools, counts)
    return counts


def _read_package(root: Path, name: str, origin: Origin, spools: Spools, counts: Counter[str]) -> None:
    """One package's documents."""
    files = sorted(_files_below(root))
    doubled = package_docs.twins((stored, (root / stored).stat().st_size) for stored in files)
    copies = _copies(root, [one for one in files if package_docs.kind_of(package_docs.plain_path(one)) == "man"])
    seen: set[str] = set()
    counts["files"] += len(files)
    for stored in files:
        plain = package_docs.plain_path(stored)
        kind = package_docs.kind_of(plain)
        if kind is None or plain in doubled or stored in copies:
            why = "no kind" if kind is None else "given as HTML" if plain in doubled else "copies of a manual page"
            counts[why] += 1
            continue
        text = package_docs.read(root / stored, plain, kind)
        if isinstance(text, Bad):
            spools.quarantine(replace(text, path=f"{name}/{stored}"), origin)
        elif plain in seen:
            spools.quarantine(Bad.of(f"{name}/{stored}", 0, "the same document was read from another file"), origin)
        elif text:
            _add(document_row(f"{name}/{plain}", kind, text, origin), spools)
        seen.add(plain)


def _copies(root: Path, pages: list[str]) -> set[str]:
    """Pages whose stored bytes another page has as well, that one excepted."""
    groups: dict[bytes, list[str]] = defaultdict(list)
    for page in pages:
        try:
            groups[hashlib.sha256((root / page).read_bytes()).digest()].append(page)
        except OSError:
            continue  # reading it is what reports it
    found: set[str] = set()
    for group in groups.values():
        if len(group) > 1:
            title = _title(root / group[0])
            kept = next((page for page in group if page.rpartition("/")[2].lower().startswith(f"{title}.")), group[0])
            found.update(page for page in group if page != kept)
    return found


def _title(page: Path) -> str:
    """The name in a page's title line, in lower case, "" when there is none."""
    try:
        raw = page.read_bytes()
        found = _TITLE.search(gzip.decompress(raw) if page.suffix == ".gz" else raw)
    except (OSError, EOFError, zlib.error):
        return ""
    return found[1].decode("utf-8", "replace").lower() if found else ""


def read_tldr(path: Path, origin: Origin, spools: Spools) -> None:
    """English tldr pages below a folder into bronze.documents, as they are written."""
    for stored in sorted(_files_below(path)):
        if not stored.endswith(".md") or any(part.startswith("pages.") for part in stored.split("/")):
            continue
        try:
            text = package_docs.plain_text((path / stored).read_bytes(), stored)
        except OSError as error:
            text = Bad.of(stored, 0, f"cannot be read: {error.strerror or error}")
        if isinstance(text, Bad):
            spools.quarantine(text, origin)
            continue
        page = tldr.parse(text)
        if page.command and page.examples:
            _add(document_row(stored, "tldr", text, origin), spools)
        else:
            spools.quarantine(Bad.of(stored, 0, "not a tldr page: no command, or no example", text), origin)


def _add(row: dict[str, Any], spools: Spools) -> None:
    if spools.add_once(DOCUMENTS, row):
        spools.document_bytes += row["bytes"]


def _files_below(root: Path) -> Iterator[str]:
    """Paths of regular files below a folder, relative to it; links are passed over."""
    for folder, _, files in os.walk(root):
        for file in files:
            place = Path(folder, file)
            if place.is_file() and not place.is_symlink():
                yield place.relative_to(root).as_posix()
