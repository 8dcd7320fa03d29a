"""Questions from the id, module, file and template tables, made in one process: they are small, and joined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from kslm.instruct import commands, devices, messages, modules, refusals
from kslm.knowledge.entities import Entities, Row
from kslm.knowledge.hardware import Attribution, Hardware
from kslm.texts import Text


def from_tables(
    ids: Mapping[str, Sequence[Row]],
    modules_: Sequence[Row],
    hardware: Hardware,
    entities: Entities,
    origins: Mapping[str, Attribution],
    *,
    files: Iterable[Row] = (),
    templates: Iterable[Row] = (),
    seed: int = 0,
) -> Iterator[Text]:
    """Every question whose facts are in tables.

    Args:
        ids: rows of bronze.pci_ids and bronze.usb_ids by bus ("pci", "usb").
        modules_: rows of bronze.modules.
        hardware, entities: as made from these.
        origins: source and licence of the tables whose rows do not name them: of "pci", "usb", "modules", "logs".
        files: rows of bronze.files.
        templates: rows of bronze.log_templates.
        seed: of the ids that are in no table.
    """
    by_name = {row["module"]: row for row in modules_}
    for bus, rows in ids.items():
        yield from devices.names(rows, bus, hardware, entities, origins[bus])
    yield from devices.drivers(hardware, by_name, entities, origins["modules"])
    yield from devices.drivers_by_name(hardware, by_name, entities, origins["modules"])
    yield from modules.about(modules_, hardware, entities, origins["modules"])
    yield from modules.firmware(modules_, entities, origins["modules"])
    yield from commands.packages(files)
    yield from messages.log_programs(templates, origins["logs"])
    for bus in ids:
        yield from refusals.unknown_devices(hardware, bus, origins[bus], seed)
    yield from refusals.off_topic()
