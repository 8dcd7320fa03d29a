"""Sentences made from the tables, so that every fact in them is one somebody recorded.

A document is made per vendor and split group rather than per line, so that none is divided by the split. Questions
about the same facts are made by `kslm.instruct`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from kslm.knowledge.drivers import Device
from kslm.knowledge.entities import Entities, Row, module_name
from kslm.knowledge.hardware import BUS, PARTS, Attribution, Hardware
from kslm.sources.kernel.modinfo import parameter
from kslm.texts import Text, listed, sentence


def id_texts(
    rows: Sequence[Row], bus: str, hardware: Hardware, entities: Entities, origin: Attribution
) -> Iterator[Text]:
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
                place.append(sentence(f"{BUS[bus]} device {device} is {name}"))
            elif row["level"] == "subsystem":
                place.append(sentence(f"Subsystem {_subsystem(row)} of {BUS[bus]} device {device} is {name}"))
        elif row["level"] in ("class", "subclass", "prog_if") and row["vendor"]:
            code = ":".join(row[part] for part in ("vendor", "device", "subvendor") if row[part])
            classes[row["vendor"]].append(sentence(f"{BUS[bus]} {row['level'].replace('_', '-')} {code} is {name}"))
    bare: dict[str, list[str]] = defaultdict(list)
    with_devices = {vendor for (vendor, _), sentences in lines.items() if sentences}
    for (vendor, group), sentences in lines.items():
        title = sentence(f"{BUS[bus]} vendor {vendor} is {hardware.vendors.get((bus, vendor), 'not named')}")
        if not sentences:
            if vendor not in with_devices:
                bare[vendor[:2]].append(title)
            continue
        text = "\n".join([title, *sentences])
        yield _card(
            text, f"{bus}_ids/{vendor}", path=f"{vendor}#{group}", kind=f"{bus}_ids", group=group, origin=origin
        )
    for prefix, sentences in bare.items():
        path = f"vendors {prefix}"
        group = f"{bus}:{path}"
        yield _card("\n".join(sentences), f"{bus}_ids/{path}", path=path, kind=f"{bus}_ids", group=group, origin=origin)
    for code, sentences in classes.items():
        path, group = f"class {code}", f"{bus}:class"
        yield _card("\n".join(sentences), f"{bus}_ids/{path}", path=path, kind=f"{bus}_ids", group=group, origin=origin)


def module_texts(modules: Iterable[Row], hardware: Hardware, entities: Entities, origin: Attribution) -> Iterator[Text]:
    """A card for each module: what it is, what it needs, and the devices it drives."""
    devices: dict[str, list[tuple[Device, bool]]] = defaultdict(list)
    for device, drivers in hardware.drivers.items():
        for module, partly in drivers.items():
            devices[module].append((device, partly))
    for row in modules:
        name = row["module"]
        description = f": {row['description']}" if row["description"] else ""
        lines = [sentence(f"The {name} kernel module{description}")]
        lines.append(
            f"The {name} module is built into the kernel." if row["builtin"] else f"Load it with: modprobe {name}"
        )
        lines.extend([f"Its licence is {row['licence']}."] if row["licence"] else [])
        lines.extend([f"It depends on {listed(row['depends'])}."] if row["depends"] else [])
        lines.extend(f"It may request the firmware {file}." for file in row["firmware"] or ())
        parameters = sorted(dict(row["parameters"] or {}).items())
        lines.extend(_parameter(key, text) for key, text in parameters)
        for device, partly in sorted(devices[name]):
            scope = f"some {PARTS[device.bus]} of " if partly else ""
            lines.append(f"The {name} kernel module drives {scope}{hardware.described(device)}.")
        text = "\n".join(lines)
        group = _module_group(name, entities)
        yield _card(text, f"modules/{name}", path=name, kind="modules", group=group, origin=origin)


def _parameter(name: str, text: str | None) -> str:
    description, takes = parameter(text or "")
    taken = f" takes {takes}" if takes else ""
    return f"Its parameter {name}" + (f"{taken}: {description}" if description else f"{taken or ' is not described'}.")


def _card(text: str, parent: str, *, path: str, kind: str, group: str, origin: Attribution) -> Text:
    return Text(parent, origin.source, path, kind, "hardware", group, origin.version, origin.licence, text)


def _module_group(name: str, entities: Entities) -> str:
    return entities.modules[module_name(name)]


def _subsystem(row: Row) -> str:
    return f"{row['subvendor']}:{row['subdevice']}"
