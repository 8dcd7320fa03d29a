"""Which driver: what the aliases of kernel modules say of PCI and USB devices; one definition for corpus and answers.

A module drives a device where one of its aliases names vendor and device. An alias that leaves either open says
something of a vendor or a class, and is no fact about one device (`because_of`). Modules that try out a bus with any
device that is put to it (`usbtest`) drive none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kslm.sources.kernel.modinfo import parse_pci_alias, parse_usb_alias

_TESTS = frozenset({"usbtest"})
_ANY = {"pci": "pci:v*d*sv*sd*bc*sc*i*", "usb": "usb:v*p*d*dc*dsc*dp*ic*isc*ip*in*"}


class Device(NamedTuple):
    """A PCI or USB device, by its ids in lower-case hexadecimal."""

    bus: str
    vendor: str
    device: str

    def __str__(self) -> str:
        return f"{self.vendor}:{self.device}"


class Driver(NamedTuple):
    """A module that drives a device.

    Attributes:
        partly: whether it drives some boards (PCI) or revisions (USB) of it only.
        alias: the one that says so.
    """

    device: Device
    module: str
    partly: bool
    alias: str


class General(NamedTuple):
    """An alias that names no one device; `vendor` is None where it takes any."""

    bus: str
    vendor: str | None
    module: str
    alias: str


def drivers(modules: Iterable[Mapping[str, Any]]) -> Iterator[Driver]:
    """Every pair of device and module, once, by the alias that limits it least.

    A USB alias limits a device by its release; classes beside vendor and device limit none.

    Args:
        modules: rows of bronze.modules.
    """
    for row in _that_drive(modules):
        aliases: dict[Device, tuple[bool, str]] = {}
        for alias in row["aliases"] or ():
            if named := _named(alias):
                device, partly = named
                aliases[device] = min(aliases.get(device, (partly, alias)), (partly, alias))
        for device, (partly, alias) in aliases.items():
            yield Driver(device, row["module"], partly, alias)


def drivers_of(modules: Iterable[Mapping[str, Any]]) -> dict[Device, dict[str, bool]]:
    """Device to its modules; the flag says that one drives some boards or revisions only."""
    by_device: dict[Device, dict[str, bool]] = defaultdict(dict)
    for driver in drivers(modules):
        by_device[driver.device][driver.module] = driver.partly
    return dict(by_device)


def modules_of(drivers: Mapping[str, bool]) -> list[str]:
    """The modules for all boards of a device; those for some boards where there are no others."""
    return sorted(module for module, partly in drivers.items() if not partly) or sorted(drivers)


def generals(modules: Iterable[Mapping[str, Any]]) -> Iterator[General]:
    """Every alias of the two buses that leaves vendor or device open."""
    for row in _that_drive(modules):
        for alias in row["aliases"] or ():
            if alias in _ANY.values() or _named(alias):
                continue
            if pci := parse_pci_alias(alias):
                yield General("pci", pci.vendor, row["module"], alias)
            elif usb := parse_usb_alias(alias):
                yield General("usb", usb.vendor, row["module"], alias)


def because_of(alias: str, device: Device, class_code: str | None) -> str | None:
    """Why a general alias would take a device: "class 0108", "vendor 8086"; None where it does not, or nobody can tell.

    Args:
        class_code: of a PCI device, if known: 2, 4 or 6 hexadecimal digits.
    """
    reasons = []
    if pci := parse_pci_alias(alias):
        if not pci.matches(device.vendor, device.device, class_code):
            return None
        reasons += [f"vendor {pci.vendor}"] if pci.vendor else []
        parts = (pci.base_class, pci.subclass, pci.prog_if)
        reasons += [f"class {''.join(filter(None, parts))}"] if pci.base_class else []
    elif (usb := parse_usb_alias(alias)) and usb.vendor == device.vendor and usb.product is None:
        reasons.append(f"vendor {usb.vendor}")
        reasons += [f"class {usb.device_class}"] if usb.device_class else []
        reasons += [f"an interface of class {usb.interface_class}"] if usb.interface_class else []
    return " and ".join(reasons) or None


def _that_drive(modules: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (row for row in modules if row["module"] not in _TESTS)


def _named(alias: str) -> tuple[Device, bool] | None:
    """The device that an alias names, and whether it holds for some boards or revisions of it only."""
    if (pci := parse_pci_alias(alias)) and pci.vendor and pci.device:
        return Device("pci", pci.vendor, pci.device), bool(pci.subvendor or pci.subdevice)
    if (usb := parse_usb_alias(alias)) and usb.vendor and usb.product:
        return Device("usb", usb.vendor, usb.product), usb.release is not None
    return None
