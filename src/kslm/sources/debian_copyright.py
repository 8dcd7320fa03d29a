"""Reader of a Debian package's copyright file: under which licence the package is, as an SPDX expression.

Grammar: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ ("DEP-5"), deb822 paragraphs. The `License`
field of the `Files: *` paragraph is the package's; without one, all paragraphs' licences hold together (AND). Its first
line is short names joined by "and" and "or", where a comma binds weaker than both, and "with ... exception".

Irregularities: short names are Debian's own (`GPL-2+`, `Expat`, `GFDL-NIV-1.3+`) and spelt freely; one without an SPDX
identifier becomes `LicenseRef-debian-<name>`. Files older than the format are prose, recognised by the phrases of well
known licences and by the paths of `/usr/share/common-licenses/`; several found hold together.

Limits: a licence of single files beside `Files: *` is not told; prose says rarely which part a licence is of.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Any

from kslm.sources.licences import licensing, normalised

PERL = "Artistic-1.0-Perl OR GPL-1.0-or-later"
PUBLIC_DOMAIN = "LicenseRef-public-domain"
_SHORT = {
    "expat": "MIT",
    "mit/expat": "MIT",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd-4": "BSD-4-Clause",
    "2-clause-bsd": "BSD-2-Clause",
    "3-clause-bsd": "BSD-3-Clause",
    "apache": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "artistic": "Artistic-1.0-Perl",
    "artistic-1": "Artistic-1.0-Perl",
    "artistic-2": "Artistic-2.0",
    "boost-1.0": "BSL-1.0",
    "bsd-2-clause-freebsd": "BSD-2-Clause-Views",
    "bsd-2-clause-netbsd": "BSD-2-Clause",
    "cc0": "CC0-1.0",
    "ibm": "IPL-1.0",
    "mit-x11": "X11",
    "mpl-2": "MPL-2.0",
    "openssh": "SSH-OpenSSH",
    "openldap-2.8": "OLDAP-2.8",
    "pd": PUBLIC_DOMAIN,
    "perl": PERL,
    "psf-2": "PSF-2.0",
    "public-domain": PUBLIC_DOMAIN,
    "publicdomain": PUBLIC_DOMAIN,
    "zlib/libpng": "Zlib",
}
_GNU = re.compile(
    r"(?P<family>agpl|lgpl|gpl|gfdl|fdl)(?P<niv>-niv|-no-invariants)?(?:[- ]?v?(?P<number>\d(?:\.\d)?)(?:\.0)?)?"
    r"(?P<later>\+|-or-later|-only)?(?P<niv2>-niv|-no-invariants)?(?P<later2>\+|-or-later|-only)?"
)
_EXCEPTIONS = {
    "autoconf": "Autoconf-exception-generic",
    "autoconf-2.0": "Autoconf-exception-2.0",
    "autoconf-3.0": "Autoconf-exception-3.0",
    "bison": "Bison-exception-2.2",
    "bison-2.2": "Bison-exception-2.2",
    "classpath": "Classpath-exception-2.0",
    "font": "Font-exception-2.0",
    "gcc": "GCC-exception-3.1",
    "libtool": "Libtool-exception",
    "linux-syscall-note": "Linux-syscall-note",
}
_JOINT = re.compile(r"\s+(and(?:/or)?|or)\s+|\s+and(?=\s|$)", re.IGNORECASE)
_LIST_COMMA = re.compile(r"\s*,\s*(?:(and|or)\s+)?", re.IGNORECASE)
_WITH = re.compile(r"\s+with\s+", re.IGNORECASE)

_STATEMENT = re.compile(r"(?:GNU )?(Lesser |Library |Affero )?General Public Licen[sc]e", re.IGNORECASE)
_VERSION = re.compile(r"\bversions? (\d(?:\.\d)?)|\bv(\d(?:\.\d)?)\b", re.IGNORECASE)
_LATER = re.compile(r"(?:any|or)\s+(?:\(at your (?:option|discretion)\)\s+)?(?:any\s+)?(?:later|newer)", re.IGNORECASE)
_COMMON = re.compile(r"/usr/share/common-licenses/([A-Z][A-Za-z]*)(?:-(\d+(?:\.\d+)?))?")
_FAMILIES = {"": "GPL", "lesser ": "LGPL", "library ": "LGPL", "affero ": "AGPL"}
_PHRASES: tuple[tuple[str, str], ...] = (
    ("permission is hereby granted, free of charge, to any person obtaining a copy", "MIT"),
    ("permission to use, copy, modify, and distribute this software for any purpose", "ISC"),
    ("permission to use, copy, modify, and/or distribute this software for any purpose", "ISC"),
    ("apache license, version 2.0", "Apache-2.0"),
    ("ibm public license", "IPL-1.0"),
    ("mozilla public license, version 2.0", "MPL-2.0"),
    ("same terms as perl", PERL),
)
_BSD = "redistribution and use in source and binary forms"
_REACH = 300  # characters around the name of a licence in which its version is stated


def licence_of(text: str) -> str | None:
    """The package's licence as an SPDX expression, simplified; None if the file does not tell. Never raises."""
    licences = _stated(text)
    if licences is None:
        licences = _recognised(" ".join(text.split()))
    return normalised(" AND ".join(f"({licence})" for licence in sorted(licences)))


def spdx_of(synopsis: str) -> str | None:
    """A Debian licence synopsis as an SPDX expression, or None for an empty one.

    >>> spdx_of("GPL-2+ or Artistic, and Expat")
    '(GPL-2.0-or-later OR Artistic-1.0-Perl) AND MIT'
    """
    pieces = _LIST_COMMA.split(" ".join(synopsis.split()))
    groups = [(word, _group(piece)) for word, piece in zip([None, *pieces[1::2]], pieces[::2], strict=True)]
    groups = [(word, group) for word, group in groups if group]
    if not groups:
        return None
    if len(groups) == 1:
        return groups[0][1]
    words = {(word or "").lower() for word, _ in groups[1:]} - {""}
    joint = " OR " if words == {"or"} else " AND "  # a list's last word speaks for its commas
    return joint.join(f"({group})" if " " in group else group for _, group in groups)


def _group(text: str) -> str:
    """Names joined by "and" and "or", of which "and" binds tighter, as it does in SPDX."""
    parts = _JOINT.split(text)
    out = ""
    for name, word in zip(parts[::2], [*parts[1::2], None], strict=True):
        if not (spdx := _name(name)):
            continue
        out += f"({spdx})" if " OR " in spdx and len(parts) > 1 else spdx
        out += f" {'AND' if word and word.lower() == 'and' else 'OR'} " if word else ""
    return re.sub(r"\s+(?:AND|OR)\s*$", "", out)


def _name(text: str) -> str:
    """One short name, perhaps with an exception."""
    text = text.strip(" ()[].;:'\"")
    if text.lower() in ("", "and", "or", "with"):
        return ""
    name, *exception = _WITH.split(text, maxsplit=1)
    if exception:
        wanted = re.sub(r"[- ]exceptions?$", "", exception[0].strip().lower()).replace(" ", "-")
        spdx = _identifier(name)
        if spdx and " " not in spdx and wanted in _EXCEPTIONS:
            return f"{spdx} WITH {_EXCEPTIONS[wanted]}"
        return _reference(text)
    return _identifier(name) or _reference(name)


def _identifier(name: str) -> str | None:
    """The SPDX identifier, or small expression, of a short name."""
    key = re.sub(r"\s+", "-", name.strip().lower())
    if key in _SHORT:
        return _SHORT[key]
    if key in _identifiers():
        return _identifiers()[key]
    gnu = _GNU.fullmatch(key)
    if not gnu:
        return None
    family = gnu["family"].upper().replace("FDL", "GFDL").replace("GGFDL", "GFDL")
    number, later = gnu["number"], gnu["later"] or gnu["later2"]
    if number is None:  # "under the GPL" means any of its versions
        number, later = {"GPL": "1", "LGPL": "2", "AGPL": "3", "GFDL": "1.1"}[family], "+"
    number = number if "." in number else f"{number}.0"
    niv = "-no-invariants" if gnu["niv"] or gnu["niv2"] else ""
    spdx = f"{family}-{number}{niv}-{'or-later' if later in ('+', '-or-later') else 'only'}"
    return _identifiers().get(spdx.lower())


def _reference(name: str) -> str:
    slug = re.sub(r"[^a-z0-9.]+", "-", re.sub(r"(?<=\d)\+", "-plus", name.lower())).strip("-.")[:60].rstrip("-.")
    return f"LicenseRef-debian-{slug}" if slug else ""


def _stated(text: str) -> set[str] | None:
    """Licences of a machine-readable file; None if it is not one."""
    if "ormat:" not in text[:2000] and "ormat-Specification:" not in text[:2000]:
        return None
    from debian.copyright import Copyright

    logging.getLogger("debian.copyright").setLevel(logging.ERROR)  # it warns of every unusual spelling
    try:
        paragraphs: list[Any] = list(Copyright(sequence=text.splitlines(True), strict=False).all_files_paragraphs())
        licences = [(part.files, part.license.synopsis) for part in paragraphs if part.license is not None]
    except Exception:  # its parser promises no set of errors for a damaged file
        return None
    whole = [synopsis for files, synopsis in licences if "*" in files]
    expressions = {spdx_of(synopsis) for synopsis in (whole[:1] or [synopsis for _, synopsis in licences])}
    return {spdx for spdx in expressions if spdx} or None


def _recognised(prose: str) -> set[str]:
    """Licences that a file in prose names or quotes; `prose` has single spaces."""
    lower = prose.lower()
    licences = {spdx for phrase, spdx in _PHRASES if phrase in lower}
    if _BSD in lower:
        clauses = "2"
        if "endorse or promote" in lower:
            clauses = "4" if "all advertising materials mentioning" in lower else "3"
        licences.add(f"BSD-{clauses}-Clause")
    families = set()
    for match in _STATEMENT.finditer(prose):
        around = prose[max(0, match.start() - _REACH) : match.end() + _REACH]
        family = _FAMILIES[(match[1] or "").lower()]
        version = _VERSION.search(around, max(0, match.start() - _REACH) and _REACH) or _VERSION.search(around)
        spdx = (
            _identifier(f"{family}-{version[1] or version[2]}{'+' * bool(_LATER.search(around))}") if version else None
        )
        if spdx:
            families.add(family)
            licences.add(spdx)
    for match in _COMMON.finditer(prose):
        family = match[1].upper()
        if family in families or (family == "BSD" and _BSD in lower):
            continue
        spdx = _identifier(f"{match[1]}-{match[2]}" if match[2] else match[1])
        if spdx:
            licences.add(spdx)
    if not licences and "public domain" in lower:
        licences.add(PUBLIC_DOMAIN)
    return licences


@cache
def _identifiers() -> dict[str, str]:
    """SPDX identifiers by their lower-case spelling, exceptions left out."""
    known = licensing().known_symbols
    return {key.lower(): key for key, symbol in known.items() if not symbol.is_exception and "LicenseRef" not in key}
