"""Reader of kernel modules: the .modinfo section says which devices a module drives, what it is, needs and takes.

Layout: the ELF specification, chapters "ELF Header" and "Sections"; .modinfo itself is a list of NUL-terminated
`key=value` strings (include/linux/moduleinfo.h in the kernel), and modules.builtin.modinfo is the same with
`module.key=value`. No external tool is needed, so a module of any architecture can be read anywhere. Every offset in a
file is checked before it is followed.

Device aliases are the ones modprobe matches by glob: `pci:v00008086d00001533sv*sd*bc*sc*i*`,
`usb:v1D6Bp0002d*dc*dsc*dp*ic*isc*ip*in*`.
"""

from __future__ import annotations

import gzip
import lzma
import os
import re
import struct
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from kslm.sources.records import SAMPLE_BYTES, Bad, KernelModule

LARGEST_MODULE = 256 << 20
_BUILTIN = "modules.builtin.modinfo"
_MODULE_FILE = re.compile(r"(.+)\.ko(\.xz|\.zst|\.gz)?$")
_OPENERS: dict[str, Callable[..., Any]] = {".xz": lzma.open, ".gz": gzip.open, ".zst": zstandard.open}
# By ELF class: offset and format of e_shoff, offset of e_shentsize (e_shnum and e_shstrndx follow), section header.
_ELF_LAYOUT = {1: (0x20, "I", 0x2E, "10I"), 2: (0x28, "Q", 0x3A, "IIQQQQIIQQ")}
_BYTE_ORDER = {1: "<", 2: ">"}

_TYPE = r"(array of )?(hexint|u?int|bool|charp|string|u?short|u?long|ullong|byte|bint|invbool)"
_TYPE_AT_END = re.compile(rf"\s*\({_TYPE}\)\s*\Z")
_TAKES = dict.fromkeys(("bool", "bint", "invbool"), "yes or no") | dict.fromkeys(("charp", "string"), "text")
_WHOLE = "a whole number"
_UNENDED = (")", "]", "'", '"')
# A line that begins a point of a list: `0 = off`, `-1: as found`, `auto -- all`, `Bit 0 ...`.
_POINT = re.compile(r"[^a-z]|\S+\s*(?:=|:|-+>?)\s")

_ID8, _ID4, _ID2 = (rf"([0-9A-F]{{{digits}}}|\*)" for digits in (8, 4, 2))
_PCI = re.compile(rf"pci:v{_ID8}d{_ID8}sv{_ID8}sd{_ID8}bc{_ID2}sc{_ID2}i{_ID2}\*?")
_USB = re.compile(
    rf"usb:v{_ID4}p{_ID4}d([][0-9A-F*-]{{1,20}}?)dc{_ID2}dsc{_ID2}dp{_ID2}ic{_ID2}isc{_ID2}ip{_ID2}in{_ID2}\*?"
)


class ModuleError(ValueError):
    """A kernel module that cannot be read; str() is a reason for quarantine."""


@dataclass(frozen=True)
class PciAlias:
    """One PCI alias. Ids are lower-case hexadecimal (4 digits, class parts 2), None where the alias takes any."""

    vendor: str | None
    device: str | None
    subvendor: str | None
    subdevice: str | None
    base_class: str | None
    subclass: str | None
    prog_if: str | None

    @property
    def every_board(self) -> bool:
        """Whether vendor and device alone decide."""
        limits = (self.subvendor, self.subdevice, self.base_class, self.subclass, self.prog_if)
        return bool(self.vendor and self.device) and limits == (None,) * 5

    def matches(
        self,
        vendor: str,
        device: str,
        class_code: str | None = None,
        *,
        subvendor: str | None = None,
        subdevice: str | None = None,
    ) -> bool:
        """Whether the alias takes this device.

        Args:
            vendor, device, subvendor, subdevice: 4 hexadecimal digits.
            class_code: 2, 4 or 6 hexadecimal digits: base class, subclass, programming interface.

        What is not given cannot contradict the alias; but an alias that goes by class, naming no device, takes nothing
        whose class is unknown.
        """
        if class_code is None and not (self.vendor and self.device) and self.base_class:
            return False
        code = (class_code or "").lower()
        pairs = (
            (self.vendor, vendor.lower()),
            (self.device, device.lower()),
            (self.subvendor, subvendor and subvendor.lower()),
            (self.subdevice, subdevice and subdevice.lower()),
            (self.base_class, code[:2]),
            (self.subclass, code[2:4]),
            (self.prog_if, code[4:6]),
        )
        return all(not wanted or not given or wanted == given for wanted, given in pairs)


@dataclass(frozen=True)
class UsbAlias:
    """One USB alias. Ids are lower-case hexadecimal, None where the alias takes any.

    `release` is the glob over the device release (bcdDevice) as written; `interface_class` the class of an interface.
    """

    vendor: str | None
    product: str | None
    release: str | None
    device_class: str | None
    device_subclass: str | None
    device_protocol: str | None
    interface_class: str | None
    interface_subclass: str | None
    interface_protocol: str | None
    interface_number: str | None


def parse_pci_alias(alias: str) -> PciAlias | None:
    """The parts of a `pci:` alias, or None for anything else."""
    match = _PCI.fullmatch(alias)
    if match is None:
        return None
    return PciAlias(*(None if part == "*" else part[-4:].lower() for part in match.groups()))


def parse_usb_alias(alias: str) -> UsbAlias | None:
    """The parts of a `usb:` alias, or None for anything else."""
    match = _USB.fullmatch(alias)
    return UsbAlias(*(None if part == "*" else part.lower() for part in match.groups())) if match else None


def read_module(raw: bytes, path: str) -> KernelModule:
    """Read one uncompressed module, 32 or 64 bits, of either byte order.

    Raises:
        ModuleError: not ELF, cut short, or without a .modinfo section.
    """
    name = _MODULE_FILE.match(path.rpartition("/")[2])
    fields: dict[str, list[str]] = defaultdict(list)
    for entry in _modinfo(raw).split(b"\0"):
        key, equals, value = entry.decode("utf-8", "replace").partition("=")
        if equals:
            fields[key].append(value)
    return _module(name[1] if name else fields.get("name", [path])[0], path, False, fields)


def read_builtin(raw: bytes, path: str) -> list[KernelModule]:
    """Modules that are part of the kernel image, from modules.builtin.modinfo, sorted by name."""
    modules: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for entry in raw.split(b"\0"):
        key, equals, value = entry.decode("utf-8", "replace").partition("=")
        module, dot, key = key.partition(".")
        if equals and dot:
            modules[module][key].append(value)
    return [_module(name, path, True, fields) for name, fields in sorted(modules.items())]


def read_folder(path: Path) -> Iterator[KernelModule | Bad]:
    """Every module below a folder, compressed or not, and the built-in ones, in order of path.

    Links are skipped: they lead to modules that are met anyway. A file that cannot be read becomes a Bad.
    """
    for folder, folders, files in os.walk(path):
        folders.sort()
        for file in sorted(files):
            place = Path(folder, file)
            if place.is_symlink() or not (file == _BUILTIN or _MODULE_FILE.match(file)):
                continue
            name = place.relative_to(path).as_posix()
            try:
                raw = _unpacked(place)
                yield from read_builtin(raw, name) if file == _BUILTIN else [read_module(raw, name)]
            except ModuleError as error:
                yield Bad(name, 0, str(error), place.stat().st_size)
            except (OSError, EOFError, lzma.LZMAError, zlib.error, zstandard.ZstdError) as error:
                yield Bad(name, 0, f"cannot be read: {type(error).__name__}", 0, str(error)[:SAMPLE_BYTES])


def parameter(text: str) -> tuple[str, str]:
    """What a parameter does, on one line, and what it takes, in words: ("Debug level", "a whole number").

    Either is "" where the module does not say it; a type that the module makes itself stays part of the first.

    Args:
        text: value of KernelModule.parameters.
    """
    description, takes = text.strip(), ""
    while match := _TYPE_AT_END.search(description):
        description = description[: match.start()].rstrip()
        takes = takes or _taken(match[2], listed=bool(match[1]))
    lines = description.split("\n")
    joined = lines[0].strip()
    for line in filter(str.strip, lines[1:]):
        set_off = (line[:1].isspace() or line[:1].isdigit()) and _POINT.match(line.strip())
        ended = not joined[-1:].isalnum() and joined[-1:] not in _UNENDED
        joined += f"{'; ' if set_off and not ended else ' '}{line.strip()}"
    return " ".join(joined.split()), takes


def _taken(kind: str, *, listed: bool) -> str:
    wording = _TAKES.get(kind, _WHOLE)
    if not listed:
        return wording
    return {"text": "a list of texts", _WHOLE: "a list of whole numbers"}.get(wording, "a list of yes or no")


def _unpacked(place: Path) -> bytes:
    with _OPENERS.get(place.suffix, open)(place, "rb") as stream:
        raw: bytes = stream.read(LARGEST_MODULE + 1)
    if len(raw) > LARGEST_MODULE:
        raise ModuleError(f"larger than {LARGEST_MODULE >> 20} MiB")
    return raw


def _modinfo(raw: bytes) -> bytes:
    """Content of an ELF file's .modinfo section."""
    if len(raw) < 64 or raw[:4] != b"\x7fELF" or raw[4] not in _ELF_LAYOUT or raw[5] not in _BYTE_ORDER:
        raise ModuleError("not an ELF file")
    order = _BYTE_ORDER[raw[5]]
    table_at, table_format, counts_at, header_format = _ELF_LAYOUT[raw[4]]
    (table,) = struct.unpack_from(order + table_format, raw, table_at)
    entry_size, count, names_index = struct.unpack_from(order + "3H", raw, counts_at)
    header = struct.Struct(order + header_format)
    if entry_size < header.size or names_index >= count or table + entry_size * count > len(raw):
        raise ModuleError("ELF file cut short or damaged: section table out of bounds")
    headers = [header.unpack_from(raw, table + entry_size * index) for index in range(count)]
    names = headers[names_index][4]
    for section in headers:
        name, start, size = names + section[0], section[4], section[5]
        if raw[name : name + 9] == b".modinfo\0":
            if start + size > len(raw):
                raise ModuleError("ELF file cut short or damaged: .modinfo out of bounds")
            return raw[start : start + size]
    raise ModuleError("no .modinfo section")


def _module(name: str, path: str, builtin: bool, fields: dict[str, list[str]]) -> KernelModule:
    types = dict(entry.partition(":")[::2] for entry in fields.get("parmtype", ()))
    parameters = dict.fromkeys(types, "") | dict(entry.partition(":")[::2] for entry in fields.get("parm", ()))
    return KernelModule(
        module=name.replace("-", "_"),
        path=path,
        builtin=builtin,
        description=_joined(fields.get("description", ())),
        licence=_joined(fields.get("license", ())),
        aliases=tuple(fields.get("alias", ())),
        firmware=tuple(fields.get("firmware", ())),
        depends=tuple(other for entry in fields.get("depends", ()) for other in entry.split(",") if other),
        parameters=tuple(
            (parameter, f"{text} ({types[parameter]})".strip() if parameter in types else text)
            for parameter, text in parameters.items()
        ),
    )


def _joined(values: Iterable[str]) -> str | None:
    return "; ".join(dict.fromkeys(" ".join(value.split()) for value in values)) or None
