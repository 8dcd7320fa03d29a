"""gold.benchmark: questions about held-out entities, each with its answers and with what simple guesses say.

Four tasks: `hardware_identification` (an id, its name), `driver_selection` (a device, the set of modules that name it),
`command_completion` (what is to be done; the command, or its option) and `installation_steps` (a device's firmware, a
kernel option, a program or its configuration file; the command that brings it). An entity takes part if its split group
is in split test, so nothing about it is in the training text. Where a driver is held out with all of its devices, no
guess from training devices can be right; only the device's name may give its module away. What is asked is a sample by
hash, the same on each run, with at most MOST_OF_PAGE of one manual page.

`hardware_identification` is a look-up task: no training text states the name of a held-out id, and nothing that
training states lets one derive it, so only a model that looks the id up can answer; without that, it shows how often
a name is made up. The other tasks can in part be answered from what names and descriptions tell.

Of `command_completion` are left out: what a training page says of its own command or option in the same words, what is
said too vaguely to tell one from another, and what two options of one page share.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kslm.curate.benchmark.baselines import Guesses
from kslm.curate.benchmark.documents import from_instructions
from kslm.curate.benchmark.item import Item, loading, most_frequent
from kslm.knowledge.drivers import Device, modules_of
from kslm.knowledge.entities import Entities, Row, module_name
from kslm.knowledge.hardware import BUS, Hardware
from kslm.sources.kernel.modinfo import parse_pci_alias

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LARGEST_TASK = 500
"""Items of one task."""
MOST_OF_PAGE = 15
"""Items of one manual page, as one long page would else be much of the task."""

_MARKETING = re.compile(r"\s*\[([^\]]+)\]")


def benchmark(
    hardware: Hardware,
    modules: Sequence[Row],
    ids: Mapping[str, Sequence[Row]],
    entities: Entities,
    *,
    splits: Mapping[str, str],
    instructions: DataFrame,
) -> list[dict[str, Any]]:
    """Rows of gold.benchmark, by task and id.

    Args:
        modules, ids: rows of bronze.modules, and of the id tables by bus.
        splits: split group to split.
        instructions: rows of gold.instructions, as `from_instructions` takes them.
    """
    items = list(_identification(hardware, ids, entities, splits))
    items += _drivers(hardware, {row["module"]: row for row in modules}, entities, splits)
    items += _firmware(modules, entities, splits)
    items += from_instructions(instructions, largest=LARGEST_TASK, most_of_page=MOST_OF_PAGE)
    rows = {row["item_id"]: row for row in map(_row, items)}
    sampled: list[dict[str, Any]] = []
    for task in sorted({item.task for item in items}):
        sampled += _sample(row for row in rows.values() if row["task"] == task)
    return sampled


def _sample(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of a task's rows by id, without those of a page that has given enough."""
    taken: Counter[str] = Counter()
    sampled: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda row: str(row["item_id"])):
        group = row["split_group"]
        taken[group] += 1
        if taken[group] <= MOST_OF_PAGE or not group.startswith("man:"):
            sampled.append(row)
    return sampled[:LARGEST_TASK]


def ground_truth(hardware: Hardware, modules: Iterable[Row]) -> list[Device]:
    """The PCI devices with a name that exactly one module names, by an alias that vendor and device alone decide."""
    every_board = {
        Device("pci", alias.vendor or "", alias.device or "")
        for row in modules
        for alias in map(parse_pci_alias, row["aliases"] or ())
        if alias and alias.every_board
    }
    return sorted(
        device for device in every_board if device in hardware.names and len(hardware.drivers.get(device, ())) == 1
    )


def _row(item: Item) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "task": item.task,
        "prompt": item.prompt,
        "answers": list(dict.fromkeys(item.answers)),
        "baselines": dict(item.baselines),
        "fact_table": item.table,
        "fact_key": item.key,
        "fact_version": item.version,
        "split": "test",
        "split_group": item.group,
    }


def _identification(
    hardware: Hardware, ids: Mapping[str, Sequence[Row]], entities: Entities, splits: Mapping[str, str]
) -> Iterator[Item]:
    known = {
        device: [name] for device, name in hardware.names.items() if splits.get(entities.of_device(device)) == "train"
    }
    guesses = Guesses(known)
    for bus, rows in ids.items():
        for row in rows:
            if row["level"] != "device":
                continue
            device = Device(bus, row["vendor"], row["device"])
            group, name = entities.of_device(device), row["name"]
            if splits.get(group) != "test" or hardware.names[device] != name:
                continue
            answers = [name, _MARKETING.sub("", name).strip(), *_MARKETING.findall(name)]
            yield Item(
                *("hardware_identification", f"What is {BUS[bus]} device {device}?", list(filter(None, answers))),
                {"nearest_id": guesses.nearest(device), "vendor_majority": guesses.vendor_majority(device)},
                *(f"bronze.{bus}_ids", row["row_id"], row["version"], group),
            )


def _drivers(
    hardware: Hardware, modules: Mapping[str, Row], entities: Entities, splits: Mapping[str, str]
) -> Iterator[Item]:
    guesses = Guesses(
        {
            device: modules_of(hardware.drivers[device])
            for device in hardware.drivers
            if splits.get(entities.of_device(device)) == "train"
        }
    )
    for device in sorted(hardware.drivers):
        group, name = entities.of_device(device), hardware.names.get(device)
        vendor = hardware.vendors.get((device.bus, device.vendor))
        if splits.get(group) != "test" or not name or not vendor or all(hardware.drivers[device].values()):
            continue
        driving = modules_of(hardware.drivers[device])
        yield Item(
            "driver_selection",
            f"Which driver does {BUS[device.bus]} device {device} ({vendor} {name}) need?",
            driving,
            {
                "majority": guesses.majority(device),
                "vendor_majority": guesses.vendor_majority(device),
                "nearest_id": guesses.nearest(device),
                "name_in_question": _named(name, modules) or guesses.majority(device),
            },
            *("bronze.modules", ",".join(driving), modules[driving[0]]["version"], group),
        )


def _named(name: str, modules: Mapping[str, Row]) -> str | None:
    """The first word of a device's name that is a module's name."""
    return next((word for word in re.findall(r"[a-z0-9_]{3,}", name.lower()) if word in modules), None)


def _firmware(modules: Iterable[Row], entities: Entities, splits: Mapping[str, str]) -> Iterator[Item]:
    """Which module to load for a firmware file, where one alone asks for it."""
    wanted: dict[str, list[Row]] = {}
    for row in modules:
        for file in row["firmware"] or ():
            wanted.setdefault(file, []).append(row)
    single = {file: rows[0] for file, rows in wanted.items() if len(rows) == 1 and not rows[0]["builtin"]}
    groups = {file: entities.modules[module_name(row["module"])] for file, row in single.items()}
    train = Counter(single[file]["module"] for file, group in groups.items() if splits.get(group) == "train")
    for file, row in single.items():
        if splits.get(groups[file]) == "test":
            folder = re.split(r"[/_.-]", file)[0]
            yield Item(
                "installation_steps",
                f"Which command loads the kernel module that asks for the firmware file {file}?",
                loading(row["module"]),
                {"most_frequent": f"modprobe {most_frequent(train)}", "name_in_question": f"modprobe {folder}"},
                *("bronze.modules", row["module"], row["version"], groups[file]),
            )
