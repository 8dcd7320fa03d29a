"""What to answer when there is no answer: ids in no table, and requests about something else."""

from __future__ import annotations

import random
from collections.abc import Iterator

from kslm.instruct.devices import TOOL
from kslm.instruct.phrasings import FILE, load
from kslm.instruct.question import Provenance, text_of
from kslm.knowledge.drivers import Device
from kslm.knowledge.hardware import BUS, Attribution, Hardware
from kslm.texts import Text

UNKNOWN_DEVICES = 1000
"""Pairs for each bus that teach the answer for an id in no table."""
SOURCE, LICENCE = "kslm", "Apache-2.0"
"""Of requests that come with this package."""


def unknown_devices(hardware: Hardware, bus: str, origin: Attribution, seed: int) -> Iterator[Text]:
    """Ids in no table, half of them of a known vendor, asked like ids that are."""
    rng = random.Random(f"{seed}/{bus}")
    vendors = sorted(vendor for of, vendor in hardware.vendors if of == bus)
    known = {(device.vendor, device.device) for device in (*hardware.names, *hardware.drivers)}
    kinds = [load().questions[kind] for kind in ("device_name", "device_driver")]
    seen: set[Device] = set()
    while vendors and len(seen) < UNKNOWN_DEVICES:
        vendor = rng.choice(vendors) if len(seen) % 2 else f"{rng.randrange(1, 0xFFFF):04x}"
        device = Device(bus, vendor, f"{rng.randrange(1, 0xFFFF):04x}")
        if (device.vendor, device.device) in known or device in seen:
            continue
        seen.add(device)
        phrasing = kinds[rng.random() < 0.5]
        asked = phrasing.chosen(str(device)).format(bus=BUS[bus], device=device, tool=TOOL[bus])
        key, group = f"unknown {device}", f"unknown:{device}"
        provenance = Provenance(f"bronze.{bus}_ids", key, origin.version, group, origin.source, origin.licence)
        yield text_of(
            *(asked, f"Unknown device [{device}]", phrasing.intent, provenance, f"unknown/{BUS[bus]}/{device}"),
            kind="unknown_device",
            fields={"bus": BUS[bus], "device": str(device)},
            context=f"{device} is in no table",
            action=TOOL[bus],
        )


def off_topic() -> Iterator[Text]:
    """Requests about something else, and the one answer to them."""
    reviewed = load().off_topic
    for number, request in enumerate(reviewed.requests):
        provenance = Provenance(FILE, f"off_topic/{number}", None, f"off-topic:{number}", SOURCE, LICENCE)
        path = f"off-topic/{number}"
        yield text_of(
            *(request, reviewed.answer, "SYSTEM_MANAGE", provenance, path),
            kind="off_topic",
            fields={},
            context="not about this system",
            action="none",
        )
