"""Words that name no person and no machine: `words.txt`.

They are the commonest words of kernel documentation and manuals, and names of distributions, daemons, accounts and
log levels. A frame that may also hold an ordinary word ("server is", "for user session") is checked against them, and
so is a name before it is replaced wherever else it occurs.
"""

from __future__ import annotations

import re
from importlib.resources import files

_ORDINARY = frozenset(files("kslm.redact").joinpath("words.txt").read_text("utf-8").split())
# Interfaces, disks, ports and processors, which stand where a host would: eth0, sda1, cpu3, nvme0n1, kworker/3.
_DEVICE = re.compile(
    r"(?:(?:eth|wlan|wwan|usb|br|veth|docker|virbr|bond|team|dummy|tun|tap|wg|lo|vlan|ppp|can|ib|sd|hd|vd|xvd|sr|md|dm|loop"
    r"|nvme|mmcblk|tty|ttys|pts|cpu|core|ata|scsi|host|port|hub|phy|hci|pci|irq|card|gpu|node|rank|mon|osd|eng|vg|lv"
    r"|xhci|ehci|ohci|uhci|i2c|spi|gpio|hidraw|input|event|mmc|zram|ram|fd|pid|uid|id|version|ipv|utf|http|sha|md|x)"
    r"-?[0-9]{1,4}[a-z]?[0-9]{0,3}|[hsv]d[a-z]{1,2}[0-9]{0,3}|nvme[0-9]n[0-9](?:p[0-9]{1,2})?|(?:en|wl|ww)(?:[ops]\w{1,12}|x[0-9a-f]{12})|0x[0-9a-f]*|[0-9a-f]{8,}|v?[0-9.]+[a-z]?"
    r"|(?:pc|virt|pseries)-(?:(?:q35|i440fx)-)?[0-9.]+|x86[-_]64|amd64|i[3-6]86|arm64|aarch64|armv[0-9]\w*|riscv64|[0-9]+[a-z]{1,2})"
)


def is_ordinary(name: str) -> bool:
    """Whether a name is a word of the trade, a device or a number rather than somebody's own."""
    word = name.lower()
    stem = word.rstrip("0123456789")
    return (
        len(word) < 3
        or word in _ORDINARY
        or stem.rstrip("-_") in ("", "localhost")
        or _DEVICE.fullmatch(word) is not None
    )


def may_carry(name: str) -> bool:
    """Whether a name is distinctive enough to be replaced wherever it occurs as a word."""
    word = name.lower()
    return len(word) >= 4 and any(map(str.isalpha, word)) and not is_ordinary(word)
