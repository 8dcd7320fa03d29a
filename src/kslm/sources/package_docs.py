"""What a file of a Debian package is to the corpus, by its path alone, and how its documents are decoded.

    kind            files
    man             /usr/share/man/man?/* in man(7) or mdoc(7)
    html            *.html, *.htm, *.xhtml below /usr/share
    readme_debian   README.Debian below /usr/share/doc: what differs in Debian, and how to set the package up
    doc             README*, NEWS*, FAQ*, HOWTO*, *_README, *.txt, *.md, *.rst below /usr/share/doc
    config          below /etc, but for links, certificates and compiled files
    hwdb, catalog, pnp_ids   udev's database, systemd's message catalogue, the registry of PnP makers

Left out, as of no kind: changelogs, copyright files, AUTHORS, TODO, THANKS and other records of work; examples and
tests; translations, which a folder (`man/de/`, `pt-br/`) or the file's name (`index.de.html`, `systemd.it.catalog`)
tells; hwdb files that repeat the identity lists. Compression suffixes (.gz, .xz; Debian has no other) are no part of a
name. `twins` names the text documents that a package also has as HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kslm.sources import catalog, hwdb
from kslm.sources.records import Bad, Decoded

# A whole manual as one text, beside the same in HTML.
_MANUAL_BYTES = 64 << 10
_SUFFIX = re.compile(r"\.(?:gz|xz)$")
_MAN = re.compile(r"(?:^|/)man/man[0-9nl]/([^/]+)\.([0-9][0-9A-Za-z]*|[nl])$")
_LANGUAGES = re.compile(
    "a[fmrz]|ast|b[egnsr]|c[asy]|d[aez]|e[lotsu]|f[air]|g[alu]|h[eiruy]|i[adst]|k[akmnouy]|ja|l[tvoa]|m[glkrsy]|n[beln]|"
    "nds|no|oc|p[alst]|r[ou]|s[iklqrvw]|t[aeghlrt]|u[gkrz]|vi|wa|xh|yi|z[hu]"
)
_LOCALE = re.compile(r"([a-z]{2,3})(?:[_-][A-Za-z]{2,4})?(?:@[a-z]+)?")
_HTML = re.compile(r"\.x?html?$")
_DOC = re.compile(
    r"(?:README|NEWS|FAQ|HOWTO|OVERVIEW|INTRO|GUIDE|TUTORIAL|USAGE|SECURITY|INSTALLATION)(?:[._-].*)?|.*_README|"
    r".+\.(?:txt|md|rst)", re.IGNORECASE,
)  # fmt: skip
_NO_TEXT = re.compile(
    r"\.(?:dtd|xml|sgml|pdf|ps|dvi|png|jpe?g|gif|svg|odt|tar|zip|bz2|sh|pl|py|c|h|tex|texi|info|css|js|db)$"
)
_RECORDS = re.compile(
    r"(?:changelog|changes|copyright|copying|licen[cs]e|authors|credits|thanks|maintainers|contributors|contributing|"
    r"code_of_conduct|todo|history|release[_-]?notes|readme\.source|copyright-notices|requirements|"
    r"cmakelists|robots|timingdata)(?:[._-].*)?", re.IGNORECASE,
)  # fmt: skip
_ASIDE = frozenset(("RelNotes", "examples", "example", "tests", "test", "locale", "images", "contrib"))


def kind_of(path: str) -> str | None:
    """The kind of a file, None when it is of none.

    Args:
        path: below the package's root, without a leading slash and without a compression suffix (see `plain_path`).
    """
    folders, _, name = path.rpartition("/")
    parts = folders.split("/")
    if parts[0] == "etc":
        return "config"
    if name.endswith(".hwdb"):
        return "hwdb" if hwdb.wanted(name) else None
    if name.endswith(".catalog"):
        return "catalog" if catalog.is_english(name) and parts[-1] == "catalog" else None
    if parts[:2] != ["usr", "share"] or any(map(_is_foreign, parts[2:])):
        return None
    if name == "pnp.ids" or parts[2:3] == ["man"]:
        return "pnp_ids" if name == "pnp.ids" else ("man" if _MAN.search(path) else None)
    return _doc_kind(parts[2:], name)


def _doc_kind(parts: list[str], name: str) -> str | None:
    """The kind of a file below /usr/share that is no manual page."""
    stem, dot, extension = name.rpartition(".")
    language = stem.rpartition(".")[2] if dot else ""
    if _HTML.search(name):
        aside = _ASIDE.intersection(parts[2:]) or _RECORDS.fullmatch(stem)
        return None if aside or (language != stem and _is_foreign(language)) else "html"
    if parts[:1] != ["doc"]:
        return None
    if name.startswith("README.Debian"):
        return "readme_debian"
    if _RECORDS.fullmatch(name) or _NO_TEXT.search(name) or _ASIDE.intersection(parts[2:]):
        return None
    if _is_foreign(extension) or (language != stem and _is_foreign(language)):
        return None
    return "doc" if _DOC.fullmatch(name) else None


def _is_foreign(word: str) -> bool:
    """Whether a folder (`de`, `guide.de.html`) or a suffix is of a language, and not of English."""
    locale = _LOCALE.fullmatch(_HTML.sub("", word).rpartition(".")[2])
    return locale is not None and _LANGUAGES.fullmatch(locale[1]) is not None


def plain_path(path: str) -> str:
    """A path without its compression suffix."""
    return _SUFFIX.sub("", path)


def twins(paths: Iterable[tuple[str, int]]) -> set[str]:
    """Of one package's files (stored path, bytes stored), the plain paths of texts that it has as HTML too.

    That is a text named as an HTML page of the package (`TLS_README` and `TLS_README.html`), and one of over 64 KB (as
    stored: 16 KB compressed) in a folder with HTML pages: the whole manual as one file.
    """
    files = [(plain_path(path), path, size) for path, size in paths]
    kinds = {path: kind_of(path) for path, _, _ in files}
    pages = {_HTML.sub("", path.rpartition("/")[2]) for path, kind in kinds.items() if kind == "html"} - {"README"}
    folders = {path.rpartition("/")[0] for path, kind in kinds.items() if kind == "html"}
    texts = set()
    for path, stored, size in files:
        folder, _, name = path.rpartition("/")
        large = size > (_MANUAL_BYTES if stored == path else _MANUAL_BYTES // 4)
        if kinds[path] == "doc" and (name.removesuffix(".txt") in pages or (large and folder in folders)):
            texts.add(path)
    return texts


def decode(raw: bytes, path: str) -> Decoded:
    """A text document: UTF-8, else Latin-1; line ends made uniform, form feeds and printers' overstrikes undone."""
    if raw.count(0) or raw.startswith((b"%PDF", b"%!PS")):
        return Decoded("", (Bad.of(path, 0, "binary: no text", raw),))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    if "\x08" in text:
        text = re.sub(r"[^\n]\x08", "", text).replace("\x08", "")
    return Decoded(text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n").replace("\x1b", ""))
