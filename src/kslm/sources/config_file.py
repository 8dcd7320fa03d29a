"""Reader of a package's configuration files (/etc): kept whole, named by a first line `# /etc/ssh/sshd_config`.

The comments of a default configuration are its documentation, so nothing is taken out but, by `without_notice`, the
licence that its first comments state: the licence of a document is known otherwise. Refused, each with its reason:
what is no text, certificates and keys, and files over 256 KB (tables such as MIME types or key parameters, of which one
learns nothing). Text that is not UTF-8 is read as Latin-1. The first line is the reader's own, also above a `#!` line.
"""

from __future__ import annotations

import re

from kslm.sources.records import Bad

LARGEST = 256 << 10
_SECRET = re.compile(rb"-----BEGIN [A-Z0-9 ]*(?:CERTIFICATE|PRIVATE KEY|PUBLIC KEY|PGP|DH PARAMETERS)")
HEADER_LINES = 60
"""Where a licence stands, if anywhere."""
_HINTS = ("opyright", "icen", "(C)", "(c)", "SPDX-", "free software")
_LEGAL = re.compile(
    r"(?i)^copyright\b|\bcopyright (?:\(c\)|©|\d{4}|holders?\b)|^\(c\) |free software|redistribute (?:it|and/or)"
    r"|redistribution and use|\bwarrant(?:y|ies)\b|general public licen|licen[cs]ed under|^licen[cs]e:|SPDX-License"
    r"|received a copy of|distributed in the hope|apache license|^authors?:"
)
_COMMENT = re.compile(r"[ \t]*+(?:#|;|//|/?\*|\"|--)[#;*/ \t]*+(.*)")
_RULER = re.compile(r"[-=*#_/ \t]*+")
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def read(raw: bytes, path: str) -> str | Bad:
    """The file's text below its name.

    Args:
        raw: the file, uncompressed.
        path: absolute path on the machine where it is installed, without a compression suffix.
    """
    if not raw.strip():
        return Bad.of(path, 0, "empty file")
    if len(raw) > LARGEST:
        return Bad(path, 0, f"larger than {LARGEST >> 10} KiB", len(raw))
    if _BINARY.search(raw):
        return Bad.of(path, 0, "binary: control characters", raw)
    if secret := _SECRET.search(raw):
        return Bad(path, secret.start(), "holds a certificate or a key", len(raw))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return f"# {path}\n" + text.replace("\r\n", "\n").rstrip() + "\n"


def without_notice(text: str) -> str:
    """A file's text, as `read` gives it, without the statement of its licence among the comments of its first lines.

    From the first line of a paragraph of comments that speaks of it, the rest of the paragraph goes; and rulers and
    empty comments, where nothing is left between them.
    """
    if not any(hint in text for hint in _HINTS):
        return text
    lines = text.split("\n", HEADER_LINES)
    header, rest = lines[1:HEADER_LINES], lines[HEADER_LINES:]
    remaining: list[str] = []
    legal = removed = False
    for line in header:
        comment = _COMMENT.fullmatch(line)
        words = comment[1] if comment else ""
        blank = _RULER.fullmatch(words) is not None
        legal = bool(comment) and not blank and (legal or _LEGAL.search(words) is not None)
        removed = removed or legal
        if not legal and not (removed and blank and (comment or not line.strip()) and _is_bare(remaining)):
            remaining.append(line)
    return "\n".join([lines[0], *remaining, *rest]) if removed else text


def _is_bare(lines: list[str]) -> bool:
    """Whether the last line so far is a ruler, empty, or none at all."""
    last = lines[-1] if lines else ""
    comment = _COMMENT.fullmatch(last)
    return _RULER.fullmatch(comment[1] if comment else last) is not None
