"""Reader of pci.ids and usb.ids: the public lists of PCI and USB vendors, devices, subsystems and classes.

Both share one grammar, in which leading tabs are the only structure (https://pci-ids.ucw.cz/v2.2/pci.ids and
http://www.linux-usb.org/usb.ids describe it in their first lines):

    VVVV  vendor             C CC  class            HUT PP  HID usage page  (USB, and other lists of two levels)
    <tab>DDDD  device        <tab>SS  subclass      <tab>UUU  HID usage
    <tab><tab>SSSS SSSS  PCI subsystem    or   <tab><tab>II  USB interface    or   <tab><tab>PP  prog-if

A row's place is known only from the rows above it, so a damaged line must not shift what follows: a line outside the
grammar is set aside and the vendor above it stays in force. A device line that lost its tab looks exactly like a
vendor; it is recognised by the order of the ids around it (both files are sorted). Two such lines in a row, or one in
an unsorted file, are read as vendors.

Names are NFKC-normalised with runs of blanks folded: real files hold no-break spaces and doubled blanks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal

from kslm.sources.records import SAMPLE_BYTES, Bad, DeviceId

Bus = Literal["pci", "usb"]

# Names of the lists at the end of usb.ids: of their rows, and of the rows below those.
_LISTS = {
    "C": ("class", "subclass"),
    "AT": ("audio_terminal", None),
    "HID": ("hid_descriptor", None),
    "R": ("hid_item", None),
    "BIAS": ("physical_bias", None),
    "PHY": ("physical_item", None),
    "HUT": ("hid_usage_page", "hid_usage"),
    "L": ("language", "dialect"),
    "HCC": ("country", None),
    "VT": ("video_terminal", None),
}
_LINE = re.compile(r"(?P<tabs>\t{0,2})(?P<ids>[!-~]{1,8}(?: [!-~]{1,8})?)(?: {2,}| *\t *)(?P<name>\S.*)")
_VENDOR_LINE = re.compile(rb"^([0-9a-fA-F]{4})  ", re.MULTILINE)
_DEVICE_LINE = re.compile(r"\t([0-9a-fA-F]{4})  ")
_HEX4 = re.compile(r"[0-9a-f]{4}")
_HEX = re.compile(r"[0-9a-f]{1,4}")
_SUBSYSTEM = re.compile(r"([0-9a-f]{4}) ([0-9a-f]{4})")
_LONGEST_NAME = 1000


def parse(raw: bytes, bus: Bus, path: str) -> Iterator[DeviceId | Bad]:
    """Read one pci.ids or usb.ids file.

    Rows outside vendors and devices use the same four id columns, outermost first: a class row has its class in
    `vendor`, a subclass row its subclass in `device`, a prog_if or USB interface row the third id in `subvendor`. The
    lists at the end of usb.ids follow suit (level hid_usage: usage page in `vendor`, usage in `device`). Level and id
    columns together are unique.

    Yields:
        DeviceId for each row; Bad with size 0 where nothing was lost but something was wrong (not UTF-8; an id given
        twice: the first name is kept, and rows below either belong to it); Bad with its size for a line set aside.
    """
    reader = _Reader(bus, path, [int(match[1], 16) for match in _VENDOR_LINE.finditer(raw)])
    lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for index, line in enumerate(lines):
        if line.strip() and not line.lstrip().startswith(b"#"):
            yield from reader.read(line, index + 1, lines[index + 1] if index + 1 < len(lines) else b"")


class _Reader:
    """Where in the file the reader is: the section and the rows that the next row belongs to."""

    def __init__(self, bus: Bus, path: str, vendor_order: list[int]) -> None:
        self.bus = bus
        self.path = path
        self.vendor_order = vendor_order
        self.vendors_passed = 0
        self.section: str | None = None
        self.outer: str | None = None
        self.inner: str | None = None
        self.seen: set[tuple[str | None, ...]] = set()

    def read(self, raw: bytes, number: int, following: bytes) -> Iterator[DeviceId | Bad]:
        try:
            line = raw.decode()
        except UnicodeDecodeError:
            line = raw.decode("latin-1")
            yield self._note(number, "not UTF-8: read as Latin-1", line)
        match = _LINE.fullmatch(line.rstrip())
        name = " ".join(unicodedata.normalize("NFKC", match["name"][: _LONGEST_NAME + 1]).split()) if match else ""
        if match is None or not name:
            yield Bad.of(self.path, number, "line outside the grammar", raw)
        elif len(match["name"]) > _LONGEST_NAME or not name.isprintable():
            yield Bad.of(self.path, number, "name too long or not printable", raw)
        elif match["tabs"]:
            row = self._inner_row(len(match["tabs"]), match["ids"].lower(), name, number)
            yield self._once(row) if row else Bad.of(self.path, number, "row with no place here", raw)
        else:
            yield self._outer_row(match["ids"], name, number, raw, following)

    def _once(self, row: DeviceId) -> DeviceId | Bad:
        """The row, or a note when its id has been named before."""
        key = (row.level, row.vendor, row.device, row.subvendor, row.subdevice)
        if key in self.seen:
            return self._note(row.line, f"{row.level} given twice: first name kept", row.name)
        self.seen.add(key)
        return row

    def _outer_row(self, ids: str, name: str, number: int, raw: bytes, following: bytes) -> DeviceId | Bad:
        """A line without tabs: a vendor, or a row of one of the lists, which ends the vendors."""
        letters, _, code = ids.rpartition(" ")
        code = code.lower()
        if letters in _LISTS and _HEX.fullmatch(code):
            level = _LISTS[letters][0]
        elif not letters and _HEX4.fullmatch(code):
            level = "vendor"
            self.vendors_passed += 1
            if self._is_device_without_tab(code, following):
                return Bad.of(self.path, number, "device line without its tab", raw)
        else:
            return Bad.of(self.path, number, "line outside the grammar", raw)
        self.section, self.outer, self.inner = letters, code, None
        return self._once(DeviceId(level, code, None, None, None, name, number))

    def _inner_row(self, depth: int, ids: str, name: str, number: int) -> DeviceId | None:
        """A line with one or two tabs, or None when no row of its shape can stand here."""
        if self.section is None:
            return None
        if depth == 1:
            level = "device" if self.section == "" else _LISTS[self.section][1]
            self.inner = ids if (_HEX if self.section else _HEX4).fullmatch(ids) else None
            return DeviceId(level, self.outer, ids, None, None, name, number) if level and self.inner else None
        if self.inner is None:
            return None
        subsystem = _SUBSYSTEM.fullmatch(ids)
        if subsystem and self.section == "" and self.bus == "pci":
            return DeviceId("subsystem", self.outer, self.inner, subsystem[1], subsystem[2], name, number)
        level = {("", "usb"): "interface", ("C", self.bus): "prog_if"}.get((self.section, self.bus))
        return (
            DeviceId(level, self.outer, self.inner, ids, None, name, number) if level and _HEX.fullmatch(ids) else None
        )

    def _is_device_without_tab(self, code: str, following: bytes) -> bool:
        """Whether this "vendor" breaks the vendors' order and keeps the devices' order."""
        if self.section != "" or self.outer is None or self.vendors_passed >= len(self.vendor_order):
            return False
        here, above = int(code, 16), int(self.outer, 16)
        below = self.vendor_order[self.vendors_passed]
        if here == above or above >= below or above < here < below:
            return False
        next_device = _DEVICE_LINE.match(following[:8].decode("latin-1"))
        after_last = self.inner is not None and int(self.inner, 16) < here
        return after_last and (next_device is None or here < int(next_device[1], 16))

    def _note(self, number: int, reason: str, text: str) -> Bad:
        return Bad(self.path, number, reason, 0, text.strip()[:SAMPLE_BYTES])
