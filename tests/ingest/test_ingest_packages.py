"""Packages and tldr pages: which files become documents, of which version and licence, and what is said of the rest."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import kslm.ingest
import kslm.lake
from kslm.ingest.local import Spools
from kslm.ingest.packages import read_packages, read_tldr
from kslm.ingest.rows import Origin
from kslm.lake.tables import DOCUMENTS, FILES, QUARANTINE
from kslm.outputs import FetchedPackage, FetchedSource, LeftOut
from kslm.paths import HomePath
from landed import fetched, write_fetched

PAGE = b'.TH OPEN 2 "2026" "GNU"\n.SH NAME\nopen \\- open a file\n'
FILES_OF = {
    "alpha": {
        "usr/share/man/man2/creat.2.gz": gzip.compress(PAGE, mtime=0),
        "usr/share/man/man2/open.2.gz": gzip.compress(PAGE, mtime=0),
        "usr/share/man/man2/stub.2": b".so man2/open.2\n",
        "usr/share/man/de/man2/open.2.gz": gzip.compress(PAGE),
        "usr/share/doc/alpha/README.Debian": b"How it differs.\n",
        "usr/share/doc/alpha/README.Debian.gz": gzip.compress(b"Another text.\n"),
        "usr/share/doc/alpha/GUIDE.txt": b"The guide.\n",
        "usr/share/doc/alpha/html/GUIDE.html": b"<h1>Guide</h1><p>The guide.",
        "usr/share/doc/alpha/html/index.html": b'<a href="GUIDE.html">The guide of alpha</a>',
        "usr/share/doc/alpha/changelog.gz": b"never looked at",
        "usr/share/doc/alpha/copyright": b"License: MIT\n",
        "etc/alpha.conf": b"port = 1\n",
        "etc/ssl/alpha.pem": b"-----BEGIN CERTIFICATE-----\n",
    },
    "beta": {"usr/lib/systemd/catalog/systemd.catalog": b"-- " + b"0" * 32 + b"\nSubject: s\n\ntext\n"},
}
SOURCE = FetchedSource(
    kind="packages", licence="GPL-2.0-only", package=None, version="list", origin="test", path="landing/list",
    sha256="whole", bytes=9, fetched_at="2026-11-21T10:00:00", members="landing/packages",
    packages={
        "alpha": FetchedPackage(version="1.0-1", sha256="a1", bytes=5, licence="MIT"),
        "beta": FetchedPackage(version="2.0-1", sha256="b2", bytes=4, licence="LGPL-2.1-or-later"),
    },
    unreadable=(LeftOut(path="gamma", reason="no candidate in the machine's package lists: left out"),),
)  # fmt: skip
TLDR = {
    "linux/ip.md": b"# ip\n\n> Addresses.\n\n- List:\n\n`ip a`\n",
    "common/alias.md": b"# alias\n\nnothing to see\n",
    "pages.de/linux/ip.md": b"# ip\n\n> Adressen.\n\n- Liste:\n\n`ip a`\n",
}
ORIGIN = Origin("packages", "list", "GPL-2.0-only", "whole", "2026-11-21T10:00:00")


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def members(tmp_path: Path) -> Path:
    for package, files in FILES_OF.items():
        write(tmp_path / "members" / package, files)
    (tmp_path / "members" / "alpha" / "etc" / "link.conf").symlink_to("alpha.conf")
    return tmp_path / "members"


def read(tmp_path: Path, members: Path):
    spools = Spools(tmp_path / "spools")
    counts = read_packages(members, SOURCE, ORIGIN, spools)
    return counts, *(pq.read_table(spools.close(table)).to_pylist() for table in (DOCUMENTS, QUARANTINE, FILES))


def test_files_become_documents_by_kind(tmp_path, members) -> None:
    _, documents, _, _ = read(tmp_path, members)
    assert [(row["path"], row["kind"], row["text"]) for row in documents] == [
        ("alpha/etc/alpha.conf", "config", "port = 1\n"),
        ("alpha/usr/share/doc/alpha/README.Debian", "readme_debian", "How it differs.\n"),
        ("alpha/usr/share/doc/alpha/html/GUIDE.html", "html", "<h1>Guide</h1><p>The guide."),
        ("alpha/usr/share/doc/alpha/html/index.html", "html", '<a href="GUIDE.html">The guide of alpha</a>'),
        ("alpha/usr/share/man/man2/open.2", "man", PAGE.decode()),
        ("beta/usr/lib/systemd/catalog/systemd.catalog", "catalog", "-- " + "0" * 32 + "\nSubject: s\n\ntext\n"),
    ]
    assert {(row["version"], row["licence"]) for row in documents} == {("1.0-1", "MIT"), ("2.0-1", "LGPL-2.1-or-later")}


def test_what_is_left_out_is_counted_or_a_finding(tmp_path, members) -> None:
    counts, _, quarantine, _ = read(tmp_path, members)
    left_out = {"no kind": 3, "copies of a manual page": 1, "given as HTML": 1, "references to another manual page": 1}
    assert counts == {"files": 14} | left_out
    assert [(row["path"], row["reason"], row["sha256"]) for row in quarantine] == [
        ("alpha/etc/ssl/alpha.pem", "holds a certificate or a key", "a1"),
        ("alpha/usr/share/doc/alpha/README.Debian.gz", "the same document was read from another file", "a1"),
    ]


def test_each_package_is_a_row_of_files(tmp_path, members) -> None:
    _, _, _, files = read(tmp_path, members)
    assert [(row["package"], row["version"], row["sha256"], row["bytes"], row["licence"]) for row in files] == [
        ("alpha", "1.0-1", "a1", 5, "MIT"),
        ("beta", "2.0-1", "b2", 4, "LGPL-2.1-or-later"),
    ]
    assert {(row["source"], row["kind"]) for row in files} == {("packages", "packages")}


def test_tldr_pages_are_kept_as_written(tmp_path) -> None:
    spools = Spools(tmp_path / "spools")
    read_tldr(write(tmp_path / "pages", TLDR), ORIGIN, spools)
    documents, quarantine = (pq.read_table(spools.close(table)).to_pylist() for table in (DOCUMENTS, QUARANTINE))
    assert [(row["path"], row["kind"], row["text"]) for row in documents] == [
        ("linux/ip.md", "tldr", TLDR["linux/ip.md"].decode()),
    ]
    assert [row["path"] for row in quarantine] == ["common/alias.md"]


def test_the_stage_reads_both(settings, home, members) -> None:
    sources = fetched(home)
    members.rename(home / "landing" / "packages")
    write(home / "landing" / "pages", TLDR)
    tldr = {"kind": "tldr", "members": HomePath("landing/pages"), "licence": "CC-BY-4.0"}
    write_fetched(home, {"debian": SOURCE, "tldr": sources["manuals"].model_copy(update=tldr)})
    report = kslm.ingest.run(settings)
    with kslm.lake.open(settings) as lake:
        kinds = {row["kind"] for row in lake.read(DOCUMENTS).collect()}
        files = {(row["source"], row["package"], row["path"]) for row in lake.read(FILES).collect()}
        left = {row["path"] for row in lake.read(QUARANTINE).collect()}
    assert kinds == {"config", "readme_debian", "html", "man", "catalog", "tldr"}
    assert files == {
        ("debian", "alpha", "landing/packages/alpha"),
        ("debian", "beta", "landing/packages/beta"),
        ("tldr", None, "landing/man"),
    }
    assert "gamma" in left
    assert any(note.startswith("debian: of 14 files not ingested: 1 copies") for note in report.notes)
