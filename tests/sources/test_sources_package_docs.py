from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm import kinds
from kslm.sources import compressed, package_docs
from kslm.sources.kernel import tree as kernel_tree
from kslm.sources.records import Bad, Decoded

DOC = "usr/share/doc/p/"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("usr/share/man/man1/ls.1", "man"),
        ("usr/share/man/man3/Foo::Bar.3pm", "man"),
        ("usr/share/man/de/man1/ls.1", None),
        ("usr/share/man/man1/README", None),
        (DOC + "html/index.html", "html"),
        (DOC + "index.en.html", "html"),
        (DOC + "index.de.html", None),
        (DOC + "manual/pt-br/mod.html", None),
        (DOC + "html/en-US/part.html", "html"),
        (DOC + "guide.de.html/ch1.html", None),
        (DOC + "guide.html/ch1.html", "html"),
        (DOC + "examples/page.html", None),
        ("usr/share/debian-reference/ch01.en.html", "html"),
        (DOC + "README.Debian", "readme_debian"),
        (DOC + "README", "doc"),
        (DOC + "TLS_README", "doc"),
        (DOC + "NEWS.Debian", "doc"),
        (DOC + "tuning.txt", "doc"),
        (DOC + "faq.dtd", None),
        (DOC + "changelog.Debian", None),
        (DOC + "copyright", None),
        (DOC + "TODO.txt", None),
        (DOC + "AUTHORS", None),
        (DOC + "README.fr", None),
        (DOC + "RelNotes/1.0.txt", None),
        ("etc/ssh/sshd_config", "config"),
        ("lib/udev/hwdb.d/60-keyboard.hwdb", "hwdb"),
        ("lib/udev/hwdb.d/20-OUI.hwdb", None),
        ("usr/lib/systemd/catalog/systemd.catalog", "catalog"),
        ("usr/lib/systemd/catalog/systemd.de.catalog", None),
        ("usr/share/hwdata/pnp.ids", "pnp_ids"),
        ("usr/bin/README", None),
        ("README.txt", None),
    ],
)
def test_kinds_follow_from_paths(path: str, kind: str | None) -> None:
    assert package_docs.kind_of(path) == kind


def test_a_text_that_is_there_as_html_is_named() -> None:
    files = [
        (DOC + "html/TLS_README.html", 10), (DOC + "TLS_README.gz", 10), (DOC + "README", 10),
        (DOC + "html/whole.txt.gz", 20_000), (DOC + "html/part.txt", 20_000),
    ]  # fmt: skip
    assert package_docs.twins(files) == {DOC + "TLS_README", DOC + "html/whole.txt"}


def written(folder: Path, name: str, raw: bytes) -> Path:
    (folder / name).write_bytes(raw)
    return folder / name


def read(place: Path, path: str, kind: str) -> Decoded:
    raw = compressed.read(place, path)
    return Decoded("", (raw,)) if isinstance(raw, Bad) else kinds.decode(kind, raw, path)


def test_files_are_decoded_by_kind_whatever_their_compression(tmp_path: Path) -> None:
    source = ".TH LS 1\n.SH NAME\nls \\- list\n"
    page = written(tmp_path, "ls.1.gz", gzip.compress(source.encode()))
    assert read(page, "usr/share/man/man1/ls.1", "man") == (source, ())
    stub = written(tmp_path, "dir.1", b".so man1/ls.1\n")
    assert read(stub, "usr/share/man/man1/dir.1", "man") == ("", ())
    readme = written(tmp_path, "README", b"caf\xe9\r\nb\x08bold\x0cnext")
    assert read(readme, DOC + "README", "doc") == ("café\nbold\nnext", ())
    config = written(tmp_path, "x.conf", b"# the port\r\nPort 22\n")
    assert read(config, "etc/x.conf", "config") == ("# the port\nPort 22\n", ())
    pnp = written(tmp_path, "pnp.ids", b"DEL\tDell Inc.\n")
    assert read(pnp, "usr/share/hwdata/pnp.ids", "pnp_ids") == ("DEL\tDell Inc.\n", ())


@pytest.mark.parametrize(
    ("name", "raw", "kind", "reason"),
    [
        ("a.gz", gzip.compress(b"x" * 999, mtime=0)[:-9], "doc", "cannot be read: EOFError"),
        ("a.xz", b"no archive", "doc", "cannot be read: LZMAError"),
        ("a", b" \n", "doc", "empty file"),
        ("a", b"\x00\x01", "doc", "binary: no text"),
        ("a", b"\x01", "config", "binary: control characters"),
        ("a", b"k = 1\n-----BEGIN RSA PRIVATE KEY-----\n", "config", "holds a certificate or a key"),
        ("a", b"x" * (257 << 10), "config", "larger than 256 KiB"),
        ("a", b"# alias\n", "tldr", "not a tldr page: no command, or no example"),
    ],
)
def test_what_cannot_be_read_is_a_finding(tmp_path: Path, name: str, raw: bytes, kind: str, reason: str) -> None:
    text, (bad,) = read(written(tmp_path, name, raw), "etc/a", kind)
    assert (text, bad.path, bad.reason) == ("", "etc/a", reason)


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    text, (bad,) = read(tmp_path / "gone", "etc/gone", "config")
    assert (text, bad.reason) == ("", "cannot be read: FileNotFoundError")


FILES = [kind.name for kind in kinds.KINDS.values() if kind.decode]


@given(st.text() | st.sampled_from(["Kconfig", "Makefile", "Documentation/ABI/x", "a.rst", "a.dtsi", "etc/x"]))
def test_any_path_has_a_kind_that_is_read_or_none(path: str) -> None:
    assert package_docs.kind_of(path) in (*FILES, None)
    assert kernel_tree.kind_of(path) in (*FILES, "other")


@given(st.binary(), st.sampled_from(FILES))
def test_any_bytes_of_any_kind_are_text_or_a_finding(raw: bytes, kind: str) -> None:
    text, findings = kinds.decode(kind, raw, "usr/share/man/man1/x.1")
    assert text or findings or kind == "man" or not raw.strip(b"\xef\xbb\xbf\0\x1b\x08")
    assert "\x00" not in text
    assert text.encode().decode() == text
