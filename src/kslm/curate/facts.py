"""Sentences and question/answer pairs made from the tables, so that every fact in them is one somebody recorded.

A document is made per vendor and split group rather than per line: neighbouring devices stay together, and a vendor
whose devices have drivers in several folders has a document for each, so that none is divided by the split. Phrasings
are few and chosen by a hash of the fact, so the same fact is always asked the same way.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import xxhash

from kslm.curate.entities import Device, Entities, Row, module_name
from kslm.curate.records import Text

UNKNOWN_DEVICES = 200
"""Pairs that teach the answer for an id in no table."""

_BUS = {"pci": "PCI", "usb": "USB"}
_DRIVER = (
    "Which driver does {bus} {device} need?",
    "Which kernel module drives {bus} device {device}?",
    "I have a {bus} device with id {device}. Which driver does it use?",
    "How do I load the driver for {bus} device [{device}]?",
)
_IDENTIFY = (
    "What is {bus} device {device}?",
    "Which hardware has the {bus} id {device}?",
    "What does [{device}] mean in the output of ls{lower}?",
)
_MODULE = ("What is the {module} kernel module?", "What does the {module} driver do?")


class Origin(NamedTuple):
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
        return f"{_BUS[device.bus]} device {device} {self.names.get(device, '')}".rstrip()


def vendor_names(rows: Iterable[Row], bus: str) -> dict[tuple[str, str], str]:
    """Names of the vendors in one id table."""
    return {(bus, row["vendor"]): row["name"] for row in rows if row["level"] == "vendor"}


def id_texts(rows: Sequence[Row], bus: str, hardware: Hardware, entities: Entities, origin: Origin) -> Iterator[Text]:
    """One document for each vendor and split group of an id table, and one for each device class.

    Vendors without devices share documents, by the first two digits of their ids: a line each is too short for one.
    """
    lines: dict[tuple[str, str], list[str]] = defaultdict(list)
    classes: dict[str, list[str]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["line"]):
        name = row["name"]
        if row["level"] == "vendor":
            lines.setdefault((row["vendor"], f"{bus}:{row['vendor']}"), [])
        elif row["level"] in ("device", "subsystem", "interface") and row["vendor"] and row["device"]:
            device = Device(bus, row["vendor"], row["device"])
            place = lines[row["vendor"], entities.of_device(device)]
            if row["level"] == "device":
                place.append(_sentence(f"{_BUS[bus]} device {device} is {name}"))
            elif row["level"] == "subsystem":
                place.append(_sentence(f"Subsystem {_subsystem(row)} of {_BUS[bus]} device {device} is {name}"))
        elif row["level"] in ("class", "subclass", "prog_if") and row["vendor"]:
            code = ":".join(row[part] for part in ("vendor", "device", "subvendor") if row[part])
            classes[row["vendor"]].append(_sentence(f"{_BUS[bus]} {row['level'].replace('_', '-')} {code} is {name}"))
    bare: dict[str, list[str]] = defaultdict(list)
    with_devices = {vendor for (vendor, _), found in lines.items() if found}
    for (vendor, group), found in lines.items():
        title = _sentence(f"{_BUS[bus]} vendor {vendor} is {hardware.vendors.get((bus, vendor), 'not named')}")
        if not found:
            if vendor not in with_devices:
                bare[vendor[:2]].append(title)
            continue
        text = "\n".join([title, *found])
        yield _card(
            text, f"{bus}_ids/{vendor}", path=f"{vendor}#{group}", kind=f"{bus}_ids", group=group, origin=origin
        )
    for prefix, found in bare.items():
        path = f"vendors {prefix}"
        group = f"{bus}:{path}"
        yield _card("\n".join(found), f"{bus}_ids/{path}", path=path, kind=f"{bus}_ids", group=group, origin=origin)
    for code, found in classes.items():
        path, group = f"class {code}", f"{bus}:class"
        yield _card("\n".join(found), f"{bus}_ids/{path}", path=path, kind=f"{bus}_ids", group=group, origin=origin)


def module_texts(modules: Iterable[Row], hardware: Hardware, entities: Entities, origin: Origin) -> Iterator[Text]:
    """A card for each module: what it is, what it needs, and the devices it drives."""
    devices: dict[str, list[tuple[Device, bool]]] = defaultdict(list)
    for device, found in hardware.drivers.items():
        for module, partly in found.items():
            devices[module].append((device, partly))
    for row in modules:
        name = row["module"]
        description = f": {row['description']}" if row["description"] else ""
        lines = [_sentence(f"The {name} kernel module{description}")]
        lines.append(
            f"The {name} module is built into the kernel." if row["builtin"] else f"Load it with: modprobe {name}"
        )
        lines.extend([f"Its licence is {row['licence']}."] if row["licence"] else [])
        lines.extend([f"It depends on {_listed(row['depends'])}."] if row["depends"] else [])
        lines.extend(f"It may request the firmware {file}." for file in row["firmware"] or ())
        parameters = sorted(dict(row["parameters"] or {}).items())
        lines.extend(
            f"Its parameter {key}: {value}" if value else f"It has a parameter {key}." for key, value in parameters
        )
        for device, partly in sorted(devices[name]):
            scope = "some boards of " if partly else ""
            lines.append(f"The {name} kernel module drives {scope}{hardware.described(device)}.")
        text = "\n".join(lines)
        group = _module_group(name, entities)
        yield _card(text, f"modules/{name}", path=name, kind="modules", group=group, origin=origin)


def device_questions(hardware: Hardware, entities: Entities, origins: Mapping[str, Origin]) -> Iterator[Text]:
    """For each device with a driver: which driver it needs and, where it has a name, what it is."""
    for device, found in sorted(hardware.drivers.items()):
        group, bus, origin = entities.of_device(device), _BUS[device.bus], origins[device.bus]
        asked = {"bus": bus, "device": device, "lower": device.bus}
        modules = sorted(module for module, partly in found.items() if not partly) or sorted(found)
        scope = "some boards of " if all(found.values()) else ""
        verb, which = ("modules drive", "one of them") if len(modules) > 1 else ("module drives", "it")
        answer = (
            f"The {_listed(modules)} {verb} {scope}{hardware.described(device)}. "
            f"Load {which} with: modprobe {modules[0]}"
        )
        yield _pair(_chosen(_DRIVER, device).format(**asked), answer, f"driver/{bus}/{device}", group, origin)
        name, vendor = hardware.names.get(device), hardware.vendors.get((device.bus, device.vendor))
        if name and vendor:
            answer = f"{_sentence(f'{bus} device {device} is {name}')} {_sentence(f'Its vendor is {vendor}')}"
            yield _pair(_chosen(_IDENTIFY, device).format(**asked), answer, f"identify/{bus}/{device}", group, origin)


def module_questions(modules: Iterable[Row], entities: Entities, origin: Origin) -> Iterator[Text]:
    """What a module is, and which firmware it asks for."""
    for row in modules:
        name, group = row["module"], _module_group(row["module"], entities)
        if row["description"]:
            question = _chosen(_MODULE, name).format(module=name)
            answer = f"The {name} kernel module: {_sentence(row['description'])}"
            yield _pair(question, answer, f"module/{name}", group, origin)
        if row["firmware"]:
            answer = f"The {name} module may request {_listed(row['firmware'])}."
            yield _pair(f"Which firmware does the {name} module need?", answer, f"firmware/{name}", group, origin)


def unknown_questions(hardware: Hardware, origin: Origin, seed: int) -> Iterator[Text]:
    """Ids in no table, half of them of a known vendor, and the answer to give."""
    rng = random.Random(seed)
    vendors = sorted(vendor for bus, vendor in hardware.vendors if bus == "pci")
    known = {(device.vendor, device.device) for device in (*hardware.names, *hardware.drivers)}
    seen: set[str] = set()
    while vendors and len(seen) < UNKNOWN_DEVICES:
        vendor = rng.choice(vendors) if len(seen) % 2 else f"{rng.randrange(1, 0xFFFF):04x}"
        device = Device("pci", vendor, f"{rng.randrange(1, 0xFFFF):04x}")
        if (device.vendor, device.device) in known or str(device) in seen:
            continue
        seen.add(str(device))
        templates = _DRIVER if rng.random() < 0.5 else _IDENTIFY
        question = _chosen(templates, device).format(bus="PCI", device=device, lower="pci")
        yield _pair(question, f"Unknown device [{device}]", f"unknown/{device}", f"unknown:{device}", origin)


def symbol_question(name: str, prompt: str | None, help_text: str) -> str:
    """The pair for one Kconfig symbol; `name` without CONFIG_."""
    title = f"CONFIG_{name}: {prompt}. " if prompt else ""
    return pair(f"What does CONFIG_{name} do?", title + " ".join(help_text.split()))


def page_question(page: str, description: str) -> str:
    """The pair for one manual page, `page` written as ls(1)."""
    return pair(f"What is {page}?", f"{page}: {_sentence(description)}")


def pair(question: str, answer: str) -> str:
    """A question and its answer, as every instruction is written."""
    return f"Question: {question}\nAnswer: {answer}"


def _pair(question: str, answer: str, key: str, group: str, origin: Origin) -> Text:
    text, place = pair(question, answer), (origin.source, key, "question", "instructions", group)
    return Text(f"questions/{key}", *place, origin.version, origin.licence, text)


def _card(text: str, parent: str, *, path: str, kind: str, group: str, origin: Origin) -> Text:
    return Text(parent, origin.source, path, kind, "hardware", group, origin.version, origin.licence, text)


def _module_group(name: str, entities: Entities) -> str:
    return entities.modules[module_name(name)]


def _chosen(templates: Sequence[str], key: object) -> str:
    return templates[xxhash.xxh3_64_intdigest(str(key).encode()) % len(templates)]


def _subsystem(row: Row) -> str:
    return f"{row['subvendor']}:{row['subdevice']}"


def _sentence(text: str) -> str:
    folded = " ".join(text.split())
    return folded if folded.endswith((".", "!", "?")) else f"{folded}."


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"
