"""Reader of a package's configuration files (/etc): kept whole, named by a first line `# /etc/ssh/sshd_config`.

The comments of a default configuration are its documentation, so nothing is taken out. Refused, each with its reason:
what is no text, certificates and keys, and files over 256 KB (tables such as MIME types or key parameters, of which one
learns nothing). Text that is not UTF-8 is read as Latin-1. The first line is the reader's own, also above a `#!` line.
"""

from __future__ import annotations

import re

from kslm.sources.records import Bad

LARGEST = 256 << 10
_SECRET = re.compile(rb"-----BEGIN [A-Z0-9 ]*(?:CERTIFICATE|PRIVATE KEY|PUBLIC KEY|PGP|DH PARAMETERS)")
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
    if found := _SECRET.search(raw):
        return Bad(path, found.start(), "holds a certificate or a key", len(raw))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return f"# {path}\n" + text.replace("\r\n", "\n").rstrip() + "\n"
