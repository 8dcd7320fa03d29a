"""A Debian suite's signed list of lists: its InRelease, believed only as far as a key in the keyring vouches for it.

The signature is checked by Sequoia (pysequoia), not by a program, because gpgv is no more on every machine than apt is.
What is read is the text that Sequoia gives back as signed, never the file around it. Format: Debian's repository format
(wiki.debian.org/DebianRepository/Format): deb822 fields, and below `SHA256:` one line a file: hash, bytes, name.

Limits: that a mirror holds back a newer release is noticed only where the release says `Valid-Until`; Debian's stable
suites do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from kslm.errors import SourceError

_FILE = re.compile(r"^ ([0-9a-f]{64})[ \t]+([0-9]{1,15})[ \t]+(\S+)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Release:
    """What was signed: each file's SHA-256 and bytes by its name, and whether it lies under its hash, too."""

    files: dict[str, tuple[str, int]]
    by_hash: bool


def verified(raw: bytes, keyring: Path, suite: str, now: datetime) -> Release:
    """Read a suite's InRelease.

    Args:
        raw: the file, as it was downloaded.
        keyring: OpenPGP certificates, binary or armored; one valid signature by any of them is asked for, as apt does.
        suite: what was asked for; the release has to say that it is that, by suite or codename.
        now: the time by which it must not have expired.

    Raises:
        SourceError: it is not signed by a key in the keyring, is another suite's, has expired, or says nothing.
    """
    text = _signed_text(raw, keyring).decode("utf-8", "replace")
    names = {_field(text, "Suite"), _field(text, "Codename")}
    if suite not in names:
        said = " and ".join(sorted(filter(None, names))) or "nothing"
        raise _refused(f"it is of {said}, not of {suite}", "set KSLM_DEBIAN_SUITE to what the mirror has")
    if until := _field(text, "Valid-Until"):
        try:
            end = parsedate_to_datetime(until)
        except (ValueError, OverflowError):
            raise _refused(f"its Valid-Until is no date: {until[:60]!r}") from None
        if now > (end if end.tzinfo else end.replace(tzinfo=UTC)):
            raise _refused(f"it was valid until {until}", "set KSLM_DEBIAN_MIRROR to a mirror that is kept up to date")
    files = {name: (sha256, int(size)) for sha256, size, name in _FILE.findall(text)}
    if not files:
        raise _refused("it lists no file by SHA-256")
    return Release(files, by_hash=_field(text, "Acquire-By-Hash") == "yes")


def _signed_text(raw: bytes, keyring: Path) -> bytes:
    from pysequoia import Cert, verify

    wanted = "set KSLM_DEBIAN_KEYRING to the archive's keys: debian-archive-keyring.gpg of the package of that name"
    try:
        certificates = Cert.split_bytes(keyring.read_bytes())
    except OSError as error:
        raise SourceError(
            f"cannot read the keyring {keyring}", cause=error.strerror or str(error), remedy=wanted
        ) from None
    except (RuntimeError, ValueError) as error:
        raise SourceError(f"cannot use the keyring {keyring}", cause=_first_line(error), remedy=wanted) from None
    try:
        signed = verify(raw, store=lambda _: certificates)
    except (RuntimeError, ValueError) as error:
        raise _refused(f"no signature by a key in {keyring} ({_first_line(error)})", wanted) from None
    if not signed.valid_sigs or signed.bytes is None:
        raise _refused(f"no signature by a key in {keyring}", wanted)
    return signed.bytes


def _field(text: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*?)[ \t]*$", text, re.MULTILINE)
    return found[1] if found else ""


def _refused(cause: str, remedy: str = "") -> SourceError:
    return SourceError("the mirror's InRelease cannot be trusted", cause=cause, remedy=remedy)


def _first_line(error: Exception) -> str:
    """Sequoia's reason, without the stack that it puts below."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
