"""Lists of a mirror that say anything at all: each ends in what it says, or in an error that says why not."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pysequoia
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kslm.errors import SourceError
from kslm.fetch.debian import Package
from kslm.fetch.mirror import package_of, paragraphs_by_name
from kslm.fetch.release import Release, verified

NAMES = ["Suite", "Codename", "Valid-Until", "SHA256", "Package", "Version", "Depends", "Size", "Source", "Filename"]
VALUES = [
    "trixie", "x", "1:2.0-1", "a (= 1) | b, c:any <!x>", "0", "-1", "9" * 30, "Sat, 11 Jul 2026 10:16:37 UTC",
    "99 Foo 0000 99:99:99", "a" * 64, ",,|(", "", "\u00df",
]  # fmt: skip
LINES = st.one_of(
    st.builds("{}: {}".format, st.sampled_from(NAMES), st.one_of(st.sampled_from(VALUES), st.text(max_size=20))),
    st.builds(" {} {} {}".format, st.sampled_from(VALUES), st.sampled_from(VALUES), st.text(max_size=9)),
    st.sampled_from(["", " ", "\t", "-----BEGIN PGP SIGNATURE-----", "#", ":", "- -"]),
    st.text(max_size=30),
)
TEXTS = st.lists(LINES, max_size=12).map("\n".join)


@cache
def key(folder: Path) -> tuple[pysequoia.Tsk, Path]:
    made = pysequoia.Tsk.generate("archive@example.org")
    path = folder / "keyring"
    path.write_bytes(bytes(made.extract_certificate()))
    return made, path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@given(text=TEXTS, cut=st.integers(0, 400), byte=st.binary(max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_release_is_read_or_refused(folder: Path, text: str, cut: int, byte: bytes) -> None:
    made, keyring = key(folder)
    raw = pysequoia.sign(made.signer(), text.encode(), mode=pysequoia.SignatureMode.CLEAR)
    for spoilt in (raw, raw[:cut] + byte + raw[cut:], raw[:cut], byte):
        try:
            found = verified(spoilt, keyring, "trixie", datetime.now(UTC))
        except SourceError as error:
            assert error.cause
        else:
            assert isinstance(found, Release)
            assert all(len(sha256) == 64 and size >= 0 for sha256, size in found.files.values())


@given(text=st.one_of(TEXTS.map(str.encode), st.binary(max_size=60)))
@settings(max_examples=150, deadline=None)
def test_a_list_of_packages_gives_packages_or_none(text: bytes) -> None:
    for name, paragraphs in paragraphs_by_name(text).items():
        for paragraph in paragraphs:
            package = package_of(paragraph)
            assert package is None or (isinstance(package, Package) and package.size >= 0 and name)


def test_a_sound_paragraph_is_read() -> None:
    paragraph = (
        b"Package: a\nSource: b (1)\nVersion: 1:2-3\nDepends: c (= 1) | d, e\nSize: 7\nSHA256: AB\nFilename: p/a\n"
    )
    assert package_of(paragraph) == Package("a", "b", "1:2-3", "p/a", 7, "ab", ("c", "e"))
    assert package_of(paragraph.replace(b"1:2-3", b"not a version")) is None
