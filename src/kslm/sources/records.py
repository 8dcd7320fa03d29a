"""The records every reader yields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

SAMPLE_BYTES = 200


@dataclass(frozen=True)
class Bad:
    """An input, or a piece of one, that could not be read: a row of bronze.quarantine.

    Attributes:
        path: the file's path inside its source.
        offset: position of the trouble: bytes for binary input, line number (from 1) for text.
        reason: what is wrong, in a few words that group well ("not UTF-8: decoded with replacement").
        size: bytes set aside; 0 when the input was kept all the same.
        sample: the first bytes of it, decoded with replacement, at most SAMPLE_BYTES characters.
    """

    path: str
    offset: int
    reason: str
    size: int = 0
    sample: str = ""

    @classmethod
    def of(cls, path: str, offset: int, reason: str, raw: bytes | str = b"") -> Bad:
        """Build one from the raw input."""
        encoded = raw.encode("utf-8", "replace") if isinstance(raw, str) else raw
        sample = encoded[:SAMPLE_BYTES].decode("utf-8", "replace").replace("\x00", "\ufffd")
        return cls(path, offset, reason, len(encoded), sample)


class Decoded(NamedTuple):
    """A file's text, and what was wrong with the file; "" where there is none to keep.

    Without a text the findings say why it is set aside, unless it only refers to another file.
    """

    text: str
    findings: tuple[Bad, ...] = ()


@dataclass(frozen=True)
class DeviceId:
    """One row of pci.ids or usb.ids.

    `level` is vendor, device, subsystem (PCI) or interface (USB), class, subclass, prog_if; the id columns that a level
    does not have are None. Ids are lower-case hexadecimal without 0x, as in the file.
    """

    level: str
    vendor: str | None
    device: str | None
    subvendor: str | None
    subdevice: str | None
    name: str
    line: int


@dataclass(frozen=True)
class KernelModule:
    """One kernel module, from its .modinfo section or modules.builtin.modinfo."""

    module: str
    path: str
    builtin: bool
    description: str | None
    licence: str | None
    aliases: tuple[str, ...] = ()
    firmware: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()


class ConfigSymbol(NamedTuple):
    """What bronze.config_symbols says of an entry of a Kconfig file.

    Attributes:
        requires: all it is known to depend on, as one expression; "" where that is nothing.
        module: name of the module, where the help text gives it.
        line, name, kind, prompt, help, offered, selects, menus, is_choice: as in `kconfig.ConfigEntry`.
    """

    line: int
    name: str
    kind: str
    prompt: str | None
    help: str | None
    requires: str
    offered: str | None
    selects: Sequence[str]
    menus: Sequence[str]
    module: str | None
    is_choice: bool


@dataclass(frozen=True)
class LogEvent:
    """One event of a system log.

    Attributes:
        line: line number of its first line (from 1).
        format: dmesg, dmesg_raw, rfc3164, journald_json ...: a name of kslm.sources.logs.formats.GRAMMARS or FRAMED.
        time: ISO 8601 where the log gives a date, seconds since boot as "+12.345678" where it does not, else None.
        facility, severity: syslog names ("kern", "err"), where given.
        time_inferred: the year, or the whole time, is not in the line but follows from others or from the file's time.
        host: as written; redacted before it is stored.
    """

    line: int
    format: str
    message: str
    time: str | None = None
    facility: str | None = None
    severity: str | None = None
    host: str | None = None
    tag: str | None = None
    pid: int | None = None
    time_inferred: bool = False


@dataclass(frozen=True)
class SnapshotSection:
    """One section of a phase-1 system snapshot.

    Attributes:
        section: the canonical key (cpu_information ...), or "unknown".
        title: as written in the file.
        index: position in the file, from 0; a repeated section has several rows.
        fields: parsed values, flat.
        text: the raw text of the section.
    """

    section: str
    title: str
    index: int
    timestamp: str | None
    fields: tuple[tuple[str, str], ...]
    text: str
