"""The id tables and the modules, joined: what devices are called, and which modules drive them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kslm.knowledge.drivers import Device
from kslm.knowledge.entities import Row

BUS = {"pci": "PCI", "usb": "USB"}
"""The name of a bus in texts."""
PARTS = {"pci": "boards", "usb": "revisions"}
"""What of a device an alias may be limited to, by bus: a PCI alias to a subsystem, a USB alias to releases."""


class Attribution(NamedTuple):
    """Where the facts of one source come from."""

    source: str
    licence: str
    version: str | None = None


class Hardware(NamedTuple):
    """The id tables and modules, as needed to make texts."""

    vendors: Mapping[tuple[str, str], str]
    """Bus and vendor id to name."""
    names: Mapping[Device, str]
    drivers: Mapping[Device, Mapping[str, bool]]
    """Device to modules; the flag says that a module drives some boards of it only."""

    def described(self, device: Device) -> str:
        """`PCI device 8086:1533 I210 Gigabit Network Connection`, as far as it is known."""
        return f"{BUS[device.bus]} device {device} {self.names.get(device, '')}".rstrip()


def vendor_names(rows: Iterable[Row], bus: str) -> dict[tuple[str, str], str]:
    """Names of the vendors in one id table."""
    return {(bus, row["vendor"]): row["name"] for row in rows if row["level"] == "vendor"}
