"""What belongs together: modules, the devices they drive and the folders they are built from.

The split keeps an entity whole. The unit for drivers is the source folder: a module belongs to the folder it is built
in, a PCI or USB device to the folders of its modules, and so does a device of the same vendor and name. Folders that
share a device (radeon, amdgpu and radeonfb, say) are joined. So an id with its driver or its name is in one split,
whichever table or file a text about it came from.

What still leaks: a driver spread over sibling folders, Documentation not named after its module, Kconfig symbols
whose help does not name the module, and ids written in comments of another driver.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from kslm.sources.modinfo import parse_pci_alias, parse_usb_alias

Row = Mapping[str, Any]

_MODULE_CALLED = re.compile(r"module\s+(?:will\s+be|is)\s+(?:called|named)\s+[\"'`]*([A-Za-z0-9_-]+)")


class Device(NamedTuple):
    """A PCI or USB device, by its ids in lower-case hexadecimal."""

    bus: str
    vendor: str
    device: str

    def __str__(self) -> str:
        return f"{self.vendor}:{self.device}"


@dataclass(frozen=True)
class Entities:
    """The split groups of one set of tables; small enough to travel with a function to every worker."""

    modules: dict[str, str]
    """Module to group."""
    folders: dict[str, str]
    """Source folder that modules are built in, to group."""
    devices: dict[Device, str]
    """Device with a driver, or with the vendor and name of one, to group."""

    def of_device(self, device: Device) -> str:
        """A device's group; a device without a driver belongs to its vendor."""
        return self.devices.get(device) or f"{device.bus}:{device.vendor}"

    def of_source(self, path: str) -> str:
        """Group of a file of the kernel tree.

        Drivers group by folder, so that all comments about one driver stay together; documentation goes with the
        module it is named after, and everything else is a group of its own.
        """
        pure = PurePosixPath(path)
        folder = str(pure.parent)
        if folder in self.folders:
            return self.folders[folder]
        if folder.startswith(("drivers/", "sound/")):
            return folder
        if path.startswith("Documentation/"):
            return self.modules.get(module_name(pure.stem)) or path
        return path

    def of_symbol(self, path: str, help_text: str) -> str:
        """Group of a Kconfig symbol: the module its help names, else the file's folder."""
        found = _MODULE_CALLED.search(help_text)
        named = self.modules.get(module_name(found[1])) if found else None
        return named or self.of_source(path)


def module_name(name: str) -> str:
    """The kernel writes `-` in file names and `_` in module names; compare them as the latter."""
    return name.replace("-", "_")


def driven_devices(aliases: Iterable[str]) -> Iterator[tuple[Device, bool]]:
    """Devices named by module aliases, and whether the alias holds for some boards only.

    Aliases that name no vendor or no device (class matches) are left out. A USB alias may narrow the device release.
    """
    for alias in aliases:
        if (pci := parse_pci_alias(alias)) and pci.vendor and pci.device:
            yield Device("pci", pci.vendor, pci.device), bool(pci.subvendor or pci.subdevice)
        elif (usb := parse_usb_alias(alias)) and usb.vendor and usb.product:
            yield Device("usb", usb.vendor, usb.product), usb.release is not None


def drivers_of(modules: Iterable[Row]) -> dict[Device, dict[str, bool]]:
    """Device to its modules; the flag says that the module drives some boards of it only."""
    drivers: dict[Device, dict[str, bool]] = defaultdict(dict)
    for row in modules:
        for device, partly in driven_devices(row["aliases"] or ()):
            drivers[device][row["module"]] = partly and drivers[device].get(row["module"], True)
    return dict(drivers)


def device_names(rows: Iterable[Row], bus: str) -> dict[Device, str]:
    """Names of the devices in one id table."""
    return {Device(bus, row["vendor"], row["device"]): row["name"] for row in rows if row["level"] == "device"}


def source_folder(path: str) -> str:
    """The kernel's folder of a module file: `lib/modules/6.12.1/kernel/drivers/net/tun.ko` is of `drivers/net`."""
    folder = str(PurePosixPath(path).parent)
    return re.sub(r"^(?:.*?/)??kernel/(?=[a-z])", "", folder, count=1) if "kernel/" in folder else folder


def build(modules: Iterable[Row], names: Mapping[Device, str]) -> Entities:
    """Group modules, folders and devices.

    Args:
        modules: rows of bronze.modules.
        names: device names of all buses.
    """
    modules = list(modules)
    homes = {row["module"]: _home(row) for row in modules}
    joined = _Union()
    drivers = drivers_of(modules)
    by_name: dict[tuple[str, str, str], str] = {}
    for device in sorted(drivers):
        folders = sorted({homes[module] for module in drivers[device]})
        for other in folders[1:]:
            joined.join(folders[0], other)
        if device in names:
            known = by_name.setdefault((device.bus, device.vendor, names[device]), folders[0])
            joined.join(known, folders[0])
    devices = {device: joined.root(homes[next(iter(found))]) for device, found in drivers.items()}
    for device, name in names.items():
        if device not in devices and (device.bus, device.vendor, name) in by_name:
            devices[device] = joined.root(by_name[device.bus, device.vendor, name])
    return Entities(
        modules={module_name(module): joined.root(home) for module, home in homes.items()},
        folders={home: joined.root(home) for home in homes.values() if not home.startswith("module:")},
        devices=devices,
    )


def _home(row: Row) -> str:
    folder = source_folder(row["path"] or "")
    return folder if folder.startswith(("drivers/", "sound/")) else f"module:{row['module']}"


class _Union:
    """Union-find whose representative is the smallest name, whatever the order of joins."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, node: str) -> str:
        while (parent := self._parent.get(node, node)) != node:
            node = parent
        return node

    def join(self, left: str, right: str) -> None:
        first, second = sorted((self.root(left), self.root(right)))
        self._parent[second] = first
