"""Questions about PCI and USB ids: what they name, and which modules drive them.

A device is answered with a driver only where a module names its vendor and device: what a module matches by class alone
is no fact about one device. Where the modules that name a device are several, the answer names all of them. Of a PCI
device one of them is to be loaded, since a driver takes the whole of it; of a USB device, whose drivers take an
interface each, all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import xxhash

from kslm.instruct.question import Provenance, questions
from kslm.knowledge.drivers import Device, modules_of
from kslm.knowledge.entities import Entities, Row
from kslm.knowledge.hardware import BUS, PARTS, Attribution, Hardware
from kslm.texts import Text, listed, sentence

TOOL = {"pci": "lspci -nn", "usb": "lsusb"}
LONGEST_LIST = 8
"""Ids, modules or parameters that an answer lists before it only counts the rest."""

MOST_FIRMWARE = 2
"""Firmware files that the answer about a device names: of more, some are for other devices of the module."""

_CLASSES = {"class": "class", "subclass": "subclass", "prog_if": "programming interface"}


def names(rows: Iterable[Row], bus: str, hardware: Hardware, entities: Entities, origin: Attribution) -> Iterator[Text]:
    """What each vendor, device, subsystem and class of one id table is."""
    for row in sorted(rows, key=lambda row: int(row["line"])):
        vendor = row["vendor"]
        if row["level"] in _CLASSES:
            yield from _class(row, bus, _of_row(row, bus, f"{bus}:class", origin))
        elif row["level"] == "vendor":
            yield from _vendor(row, bus, _of_row(row, bus, f"{bus}:{vendor}", origin))
        elif row["level"] in ("device", "subsystem"):
            device = Device(bus, vendor, row["device"])
            provenance = _of_row(row, bus, entities.of_device(device), origin)
            if row["level"] == "device":
                yield from _device(device, row["name"], hardware, provenance)
                continue
            board = Device(bus, row["subvendor"], row["subdevice"])
            # Some boards have a device's id, whose name may be held out.
            if board not in hardware.names or entities.of_device(board) == provenance.group:
                yield from _subsystem(board, device, row["name"], hardware, provenance)


def _of_row(row: Row, bus: str, group: str, origin: Attribution) -> Provenance:
    return Provenance(f"bronze.{bus}_ids", row["row_id"], row["version"], group, origin.source, origin.licence)


def _class(row: Row, bus: str, provenance: Provenance) -> Iterator[Text]:
    name, level = row["name"], _CLASSES[row["level"]]
    code = ":".join(row[part] for part in ("vendor", "device", "subvendor") if row[part])
    return questions(
        *("device_class", provenance, f"class/{bus}/{code}", sentence(f"{BUS[bus]} {level} {code} is {name}")),
        context=f"{code}: {name}",
        asked={"bus": BUS[bus], "code": code, "level": level, "tool": TOOL[bus]},
    )


def _vendor(row: Row, bus: str, provenance: Provenance) -> Iterator[Text]:
    name, vendor = row["name"], row["vendor"]
    return questions(
        *("vendor", provenance, f"vendor/{bus}/{vendor}", sentence(f"{BUS[bus]} vendor {vendor} is {name}")),
        context=f"{vendor}: {name}",
        action=f"{TOOL[bus].split()[0]} -d {vendor}:",
        asked={"bus": BUS[bus], "vendor": vendor, "tool": TOOL[bus]},
    )


def _device(device: Device, name: str, hardware: Hardware, provenance: Provenance) -> Iterator[Text]:
    bus = BUS[device.bus]
    parts = [sentence(f"{bus} device {device} is {name}")]
    vendor = hardware.vendors.get((device.bus, device.vendor))
    parts.extend([sentence(f"Its vendor is {vendor}")] if vendor else [])
    modules = sorted(hardware.drivers.get(device, ()))
    parts.extend([f"The kernel drives {_part(device, hardware)}it with: {listed(modules)}."] if modules else [])
    return questions(
        *("device_name", provenance, f"identify/{bus}/{device}", " ".join(parts)),
        context=f"{device}: {name}",
        action=_look(device),
        asked={"bus": bus, "device": str(device), "tool": TOOL[device.bus]},
        told={"name": name, "vendor": vendor or "", "modules": ",".join(modules)},
    )


def _subsystem(board: Device, device: Device, name: str, hardware: Hardware, provenance: Provenance) -> Iterator[Text]:
    parts = [sentence(f"Subsystem {board} of {hardware.described(device)} is {name}")]
    maker = hardware.vendors.get((device.bus, board.vendor))
    parts.extend([sentence(f"The board's vendor, {board.vendor}, is {maker}")] if maker else [])
    return questions(
        *("subsystem", provenance, f"subsystem/{device}/{board}", " ".join(parts)),
        context=f"{device} {board}: {name}",
        action=f"lspci -nnv -d {device}",
        asked={"subsystem": str(board), "device": str(device)},
    )


def drivers(hardware: Hardware, modules: Mapping[str, Row], entities: Entities, origin: Attribution) -> Iterator[Text]:
    """Which modules drive each device that a module names.

    Args:
        modules: rows of bronze.modules by name.
    """
    for device in sorted(hardware.drivers):
        driving = modules_of(hardware.drivers[device])
        bus = BUS[device.bus]
        provenance = _module_provenance(driving, entities.of_device(device), modules, origin)
        verb = "modules drive" if len(driving) > 1 else "module drives"
        scope = _part(device, hardware)
        by = hardware.vendors.get((device.bus, device.vendor))
        parts = [f"The {listed(driving)} {verb} {scope}{hardware.described(device)}{f' ({by})' if by else ''}."]
        partly = sorted(module for module, some in hardware.drivers[device].items() if some)
        others = sorted({*partly}.difference(driving))
        parts.extend([f"Some {PARTS[device.bus]} of it are for {listed(others)}."] if others else [])
        parts.extend(_about(driving, modules, device.bus))
        name, vendor = hardware.names.get(device), hardware.vendors.get((device.bus, device.vendor))
        asked = {"bus": bus, "device": str(device), "tool": TOOL[device.bus]}
        kind = "device_driver"
        if name and vendor:
            kind = "device_driver_named"
            asked |= {"vendor": vendor, "name": name, "line": _line(device, vendor, name)}
        context = f"{hardware.described(device)}; modules: {', '.join(driving)}"
        action = _loading(driving, modules, device.bus) or _look(device)
        path = f"driver/{bus}/{device}"
        told = {"modules": ",".join(sorted({*driving}.difference(partly))), "modules_partly": ",".join(partly)}
        yield from questions(
            kind, provenance, path, " ".join(parts), context=context, action=action, asked=asked, told=told
        )


def drivers_by_name(
    hardware: Hardware, modules: Mapping[str, Row], entities: Entities, origin: Attribution
) -> Iterator[Text]:
    """Which modules drive the devices of one vendor and name; such devices share a split group."""
    same: dict[tuple[str, str, str], list[Device]] = defaultdict(list)
    for device in sorted(hardware.drivers):
        name, vendor = hardware.names.get(device), hardware.vendors.get((device.bus, device.vendor))
        if name and vendor:
            same[device.bus, vendor, name].append(device)
    for (bus, vendor, name), devices in same.items():
        group = entities.of_device(devices[0])
        if any(entities.of_device(device) != group for device in devices):
            continue  # two vendors may share a name, and then these are not one thing
        driving = sorted({module for device in devices for module in modules_of(hardware.drivers[device])})
        ids = listed([*map(str, devices[:LONGEST_LIST]), *_more(len(devices) - LONGEST_LIST)])
        scope = f"some {PARTS[bus]} of " if all(_partly(device, hardware) for device in devices) else ""
        verb = "modules drive" if len(driving) > 1 else "module drives"
        parts = [f"The {listed(driving)} {verb} {scope}the {vendor} {name} ({BUS[bus]} {ids})."]
        parts.extend(_about(driving, modules, bus))
        provenance = _module_provenance(driving, group, modules, origin)
        place = xxhash.xxh3_64_hexdigest(f"{vendor}\0{name}".encode())
        yield from questions(
            *("name_driver", provenance, f"name/{BUS[bus]}/{place}", " ".join(parts)),
            context=f"{vendor} {name}: {ids}; modules: {', '.join(driving)}",
            action=_loading(driving, modules, bus) or f"{TOOL[bus].split()[0]} -d {devices[0].vendor}:",
            asked={"bus": BUS[bus], "vendor": vendor, "name": name},
            told={"modules": ",".join(driving)},
        )


def _module_provenance(
    driving: Sequence[str], group: str, modules: Mapping[str, Row], origin: Attribution
) -> Provenance:
    version = modules[driving[0]]["version"]
    return Provenance("bronze.modules", ",".join(driving), version, group, origin.source, origin.licence)


def _about(driving: Sequence[str], modules: Mapping[str, Row], bus: str) -> Iterator[str]:
    """What a module calls itself, which firmware it may ask for, and how to load it."""
    first = modules[driving[0]]
    if len(driving) == 1 and first["description"]:
        yield f"{driving[0]}: {sentence(first['description'])}"
    if len(driving) == 1 and first["firmware"]:
        files = list(first["firmware"])
        yield (
            f"It may ask for firmware: {listed(files)}."
            if len(files) <= MOST_FIRMWARE
            else f"Which firmware it asks for depends on the device; all of it: modinfo -F firmware {driving[0]}."
        )
    load = _loading(driving, modules, bus)
    if load and len(driving) > 1 and bus == "usb":
        several = "both" if len(driving) == 2 else "all of them"
        yield f"Each drives one of its interfaces or revisions, and the kernel loads {several}. By hand: {load}"
    elif load:
        yield f"Load {'one of them' if len(driving) > 1 else 'it'} with: {load}"
    else:
        yield "It is built into the kernel, so there is nothing to load."


def _loading(driving: Sequence[str], modules: Mapping[str, Row], bus: str) -> str | None:
    loadable = [module for module in driving if not modules[module]["builtin"]]
    if bus == "usb" and len(loadable) > 1:
        return f"modprobe -a {' '.join(loadable)}"
    return f"modprobe {loadable[0]}" if loadable else None


def _partly(device: Device, hardware: Hardware) -> bool:
    return all(hardware.drivers[device].values())


def _part(device: Device, hardware: Hardware) -> str:
    return f"some {PARTS[device.bus]} of " if _partly(device, hardware) else ""


def _look(device: Device) -> str:
    return f"lspci -nnk -d {device}" if device.bus == "pci" else f"lsusb -v -d {device}"


def _line(device: Device, vendor: str, name: str) -> str:
    """How the device is listed by lspci or lsusb, at a place that its id decides."""
    place = xxhash.xxh3_64_intdigest(str(device).encode())
    if device.bus == "usb":
        return f"Bus {1 + place % 4:03d} Device {2 + place // 4 % 9:03d}: ID {device} {vendor} {name}"
    return f"{place % 8:02x}:00.0: {vendor} {name} [{device}]"


def _more(count: int) -> list[str]:
    return [f"{count} more"] if count > 0 else []
