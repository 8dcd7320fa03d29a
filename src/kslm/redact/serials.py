"""Serial numbers of devices, world-wide names of disks, and identifiers that are no UUID in full.

Whatever "serial" or "S/N" introduces counts if it holds digits. Links in /dev/disk/by-id end in a serial number, and
tools that list disks or phones (nvme, adb, multipath) print one in a column. Identifiers stay in published text, where
they are constants and examples.
"""

from __future__ import annotations

import re

from kslm.redact.frames import Accept, Frame, detectors

_SERIAL = r"(?P<serial>\.?[a-z0-9][\w.:-]{3,63})(?![\w/])"
_SHORT_UUID = "[0-9a-f]{4}-[0-9a-f]{4}|[0-9a-f]{8}-[0-9a-f]{2}|[0-9a-f]{16}|[0-9a-f]{32}"
_UART = re.compile(r"(?:8250|16[4-9]50)\w{0,2}|tty\w+", re.IGNORECASE)
# What the kernel gives as the serial number of a root hub: the controller's address.
_BUS_ADDRESS = re.compile(
    r"[0-9a-f]{4,5}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|.{1,60}\.auto|[0-9a-f]{6,16}\.[\w-]{2,32}", re.IGNORECASE
)

_FRAMES = (
    ("serial", r"serial(?:[ _-]?(?:number|num|nr|no|n|id)\b\.?|_short|no)?[\"'\])]{0,2}\s{0,48}(?:[:=]\s{0,20}|is )"
     rf"[\"'\[]?{_SERIAL}"),
    ("s/n", rf"s/n[:=#. ]{{1,3}}{_SERIAL}"),
    ("serial", r"iserial[ \t]{1,40}[0-9]{1,3} (?P<serial>\S{4,64})"),
    ("serial", r"serial(?: no\.?[:=]?| number[:=]?|(?<=, serial)) (?P<label>/?[a-z0-9][a-z0-9/-]{5,32})(?![\w.])"),
    ("vmware-", r"(?P<serial>vmware-[0-9a-f]{2}(?:[ -][0-9a-f]{2}){2,15})"),
    (":0", r"usb-(?<!\wusb-)(?P<serial>[\w.]{1,48}_[0-9a-z]{8,32})-[0-9]:[0-9]"),
    ("by-id/", r"by-id/(?P<serial>[\w.:+-]{8,128})"),
)  # fmt: skip
_MACHINE_FRAMES: tuple[Frame, ...] = (
    ("/journal/", r"/journal/(?P<uuid>[0-9a-f]{32})(?!\w)"),
    (" ", r"^ {1,4}-?[0-9]{1,4} (?P<uuid>[0-9a-f]{32}) ", rb"^ +-? [a-f]* "),
    # As systemd escapes it in names of units.
    ("\\x2d", r"(?P<uuid>[0-9a-f]{8}(?:\\x2d[0-9a-f]{4}){3}\\x2d[0-9a-f]{12})(?!\w)"),
    ("\\x2d", r"uuid-(?P<uuid>[0-9a-f]{4}\\x2d[0-9a-f]{4})(?!\w)"),
    # World-wide names that a registered maker gives begin with 5.
    ("0x5", r"0x(?P<uuid>5[0-9a-f]{15})(?!\w)"),
    ("nguid", r"nguid[ \t]{0,8}[:=][ \t]{0,8}(?P<uuid>[0-9a-f]{32})(?!\w)"),
    ("eui64", r"eui64[ \t]{0,8}[:=][ \t]{0,8}(?P<uuid>[0-9a-f]{16})(?!\w)"),
    ("vfat", r"vfat[ \t]{1,32}(?:fat[0-9]{2}[ \t]{1,32})?(?:\S{1,16}[ \t]{1,32})?(?P<uuid>[0-9a-f]{4}-[0-9a-f]{4})"
     r"(?!\w)"),
    ("ntfs", r"ntfs[ \t]{1,32}(?:\S{1,16}[ \t]{1,32})?(?P<uuid>[0-9a-f]{16})(?!\w)"),
    # Addresses of network cards written without colons.
    ("8000.", r"8000\.(?P<mac>[0-9a-f]{12})(?![\w.])"),
    ("dev_", r"dev_(?P<mac>[0-9a-f]{2}(?:_[0-9a-f]{2}){5})(?![0-9a-z])"),
    ("bluez_", r"bluez_\w{1,12}\.(?P<mac>[0-9a-f]{2}(?:_[0-9a-f]{2}){5})(?![0-9a-z])"),
    ("ifname=", r"ifname=[\w-]{1,15}:(?P<mac>[0-9a-f]{2}(?::[0-9a-f]{2}){5})(?![0-9a-z:])"),
    ("equipment id", r"equipment id[ \t]{0,20}:[ \t]{0,4}(?P<serial>[0-9]{14,17})(?![0-9])"),
    ("serial", r"serial number (?P<uuid>[0-9a-f]{2}(?:-[0-9a-f]{2}){7})(?![\w-])"),
    ("wwn", r"wwn[ :=]{1,3}0x(?P<uuid>[0-9a-f]{16})(?!\w)"),
    ("uuid", r"uuid(?:=|/|(?<=by-uuid)/|[a-z]{0,8}[\"']?[ \t]{0,16}[:=][ \t]{0,4}|-(?<=uuid-))[\"'\[]?"
     rf"(?P<uuid>{_SHORT_UUID})(?![\w-]|\.[0-9])"),
    ("machine", r"machine[ _-]id[\"']?[=:\" ]{1,3}(?P<uuid>[0-9a-f]{32})(?!\w)"),
    ("boot", r"boot(?:[ _-]id)?[\"']?[=:\" ]{1,3}(?P<uuid>[0-9a-f]{32})(?!\w)"),
    ("tag", rf"(?:asset|service)[ _-]?tag[\"']?[ \t]{{0,20}}[:=][ \t]{{0,4}}[\"']?{_SERIAL}"),
    ("/media/", r"/media/(?:[\w.-]{1,32}/)?(?P<uuid>[0-9a-f]{4}-[0-9a-f]{4}|[0-9a-f]{16})(?![\w-])"),
    ("ww", r"ww[pn]?[nid][ \w]{0,24}[ :=]{1,3}(?:0x|naa\.|eui\.)?"
     r"(?P<uuid>[0-9a-f]{16,33}|[0-9a-f][- ][0-9a-f]{6}[- ][0-9a-f]{9})(?!\w)", rb"ww[pn]?[nid][ \w]*[ :=]"),
    ("imei", r"imei(?:sv|[ _]?[0-9])?[\"'\]]?[ \t]{0,20}[ :=][ \t]{0,4}[\"'\[]?(?P<serial>[0-9]{14,17})(?![0-9])"),
    ("sn", rf"sn(?<!\wsn)[ \t]{{0,16}}[:=#][ \t]{{0,4}}{_SERIAL}", rb"sn\s*[:=#]"),
    ("serial ", r"serial (?P<label>[a-z0-9][a-z0-9-]{6,32})(?![\w.])"),
    ("guid", r"guid[\"']?[ \t]{0,8}[:= ][ \t]{0,8}(?P<uuid>[0-9]{16,20})(?![0-9a-z])"),
    ("unit id", r"unit id[ \t]{0,8}:[ \t]{0,16}0x(?P<uuid>[0-9a-f]{16,32})(?!\w)"),
    ("naa.", r"naa\.(?P<uuid>[0-9a-f]{16}|[0-9a-f]{32})(?!\w)"),
    ("eui.", r"eui\.(?P<uuid>[0-9a-f]{16}|[0-9a-f]{32})(?!\w)"),
    ("_name", r"(?:port|node)_name[ \t]{0,4}[:=][ \t]{0,4}0x(?P<uuid>[0-9a-f]{16})(?!\w)"),
    ("serial", r"(?:model|type) \S{1,32}(?: \S{1,32})? serial (?P<serial>[a-z0-9-]{4,32})(?![\w.])"),
    ("/dev/nvme", r"^/dev/nvme[0-9]{1,3}n[0-9]{1,3}[ \t]{1,16}(?:/dev/ng\S{1,12}[ \t]{1,16})?"
     r"(?P<serial>[\w-]{6,32})[ \t]"),
    *((state, rf"(?:^|: )(?P<serial>[\w.-]{{6,32}})[ \t]{{1,32}}{state}(?=$|[ \t][^\n]{{0,120}}(?:product|model"
     rf"|usb|transport_id):)")
      for state in ("device", "unauthorized", "offline", "recovery", "fastboot")),
    *((word, r"(?:(?<![\w-])|(?<=scsi-)|(?<=path-))(?P<uuid>3[0-9a-f]{32})(?![0-9a-z])")
      for word in ("path", "wwid", "dm-", "load table", "scsi-")),
    *((f"{bus}-", rf"{bus}-(?<![\w/-]{bus}-)[a-z0-9][\w.+-]{{2,64}}_(?P<link>[a-z0-9][a-z0-9-]{{5,32}})(?!\w)")
      for bus in ("ata", "nvme", "usb", "scsi", "virtio", "mmc")),
    ("iccid", r"iccid[\"'\]]?[ \t]{0,20}[:=][ \t]{0,4}[\"'\[]?(?P<serial>[0-9a-f]{11,20})(?![0-9a-f])"),
    ("imsi", r"imsi[\"'\]]?[ \t]{0,20}[:=][ \t]{0,4}[\"'\[]?(?P<serial>[0-9]{11,16})(?![0-9])"),
)  # fmt: skip


def _is_serial(value: str, before: str) -> bool:
    digits = sum(map(str.isdigit, value))
    if digits < 2 or digits == len(value) < 4 or before.startswith("@"):
        return False
    return not _UART.fullmatch(value) and not _BUS_ADDRESS.fullmatch(value)


def _is_label(value: str, _before: str) -> bool:
    """A serial number without a colon before it: what a maker prints on a label, and no word or device name."""
    digits = sum(map(str.isdigit, value))
    return (
        digits >= 2 and value.upper() == value and digits < len(value.replace("/", "")) and not _UART.fullmatch(value)
    )


def _is_link(value: str, before: str) -> bool:
    """What ends the name of a link in /dev/disk/by-id."""
    return _is_label(value, before) or (len(value) >= 8 and value.isdigit())


def _always(_value: str, _before: str) -> bool:
    return True


_ACCEPT: dict[str, Accept] = {
    "serial": _is_serial,
    "label": _is_label,
    "link": _is_link,
    "uuid": _always,
    "mac": _always,
}


def _is_published_serial(value: str, before: str) -> bool:
    """A serial number that is no number in hexadecimal, standard or example (ISO7816, 0123456789)."""
    plain = value.lower()
    digits = "".join(filter(str.isdigit, plain))
    return (
        len(digits) >= 5 and not plain.startswith("0x") and digits not in "01234567890123" and _is_serial(value, before)
    )


PUBLISHED = detectors(_FRAMES, {"serial": _is_published_serial, "label": _is_label})
MACHINE = (*detectors(_FRAMES, _ACCEPT), *detectors(_MACHINE_FRAMES, _ACCEPT))
