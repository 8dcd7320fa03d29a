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
from typing import Any, NamedTuple

import xxhash

from kslm.curate.benchmark.baselines import Guesses
from kslm.instruct.devices import modules_of
from kslm.knowledge.entities import Device, Entities, Row, module_name
from kslm.knowledge.hardware import BUS, Hardware
from kslm.sources.kernel.modinfo import parse_pci_alias
from kslm.sources.man.options import spellings

ASKED = ("item_id", "text", "context", "fact_table", "fact_key", "fact_version", "split", "split_group")
"""Columns of gold.instructions that items are made from."""

LARGEST_TASK = 500
"""Items of one task."""
MOST_OF_PAGE = 15
"""Items of one manual page, as one long page would else be much of the task."""
SHORTEST_TASK = 18
"""Characters of what a command or an option is described as."""

_MARKETING = re.compile(r"\s*\[([^\]]+)\]")
_PAGE = re.compile(r"(?P<name>[^()]+)\((?P<section>[168])\S*\)(?P<option> -\S.*?)?: (?P<task>.+)")
_BUILDS = re.compile(r"(CONFIG_\w+) builds (\S+)")
_PACKAGE = re.compile(r"(\S+)\([168]\S*\) is in (\S+)")
_CONFIG_FILE = re.compile(r"(/etc/([^/]+).*) is in (\S+)")
_VAGUE = re.compile(
    r"(?i)(?:takes (?:an? )?boolean|ignored|(?:the )?same as|like -|(?:is )?(?:an? )?(?:synonym|alias)|no-?op\b)"
)
_EXAMPLE = re.compile(r"(?P<command>[^:]+): (?P<task>.+)")


_Place = tuple[str, str, str | None, str]


class _Item(NamedTuple):
    task: str
    question: str
    answers: Sequence[str]
    baselines: Mapping[str, str]
    table: str
    key: str
    version: str | None
    group: str
    described: str = ""
    """What the answer is described as, for a `command_completion`."""


def benchmark(
    hardware: Hardware,
    modules: Sequence[Row],
    ids: Mapping[str, Sequence[Row]],
    entities: Entities,
    *,
    splits: Mapping[str, str],
    instructions: Iterable[Row],
) -> list[dict[str, Any]]:
    """Rows of gold.benchmark, by task and id.

    Args:
        modules, ids: rows of bronze.modules, and of the id tables by bus.
        splits: split group to split.
        instructions: of gold.instructions' rows about bronze.documents, splits train and test: the columns ASKED.
    """
    found = list(_identification(hardware, ids, entities, splits))
    found += _drivers(hardware, {row["module"]: row for row in modules}, entities, splits)
    found += _firmware(modules, entities, splits)
    found += _from_instructions(instructions)
    rows = {row["item_id"]: row for row in map(_row, found)}
    kept: list[dict[str, Any]] = []
    for task in sorted({item.task for item in found}):
        kept += _sample(row for row in rows.values() if row["task"] == task)
    return kept


def _sample(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of a task's rows by id, without those of a page that has given enough."""
    taken: Counter[str] = Counter()
    kept: list[dict[str, Any]] = []
    for row in sorted(rows, key=lambda row: str(row["item_id"])):
        group = row["split_group"]
        taken[group] += 1
        if taken[group] <= MOST_OF_PAGE or not group.startswith("man:"):
            kept.append(row)
    return kept[:LARGEST_TASK]


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


def _row(item: _Item) -> dict[str, Any]:
    prompt = f"Question: {item.question}\nAnswer:"
    return {
        "item_id": xxhash.xxh3_128_hexdigest(f"{item.task}\0{prompt}".encode()),
        "task": item.task,
        "prompt": prompt,
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
) -> Iterator[_Item]:
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
            yield _Item(
                *("hardware_identification", f"What is {BUS[bus]} device {device}?", list(filter(None, answers))),
                {"nearest_id": guesses.nearest(device), "vendor_majority": guesses.vendor_majority(device)},
                *(f"bronze.{bus}_ids", row["row_id"], row["version"], group),
            )


def _drivers(
    hardware: Hardware, modules: Mapping[str, Row], entities: Entities, splits: Mapping[str, str]
) -> Iterator[_Item]:
    guesses = Guesses(
        {
            device: modules_of(device, hardware)
            for device in hardware.drivers
            if splits.get(entities.of_device(device)) == "train"
        }
    )
    for device in sorted(hardware.drivers):
        group, name = entities.of_device(device), hardware.names.get(device)
        vendor = hardware.vendors.get((device.bus, device.vendor))
        if splits.get(group) != "test" or not name or not vendor or all(hardware.drivers[device].values()):
            continue
        found = modules_of(device, hardware)
        yield _Item(
            "driver_selection",
            f"Which driver does {BUS[device.bus]} device {device} ({vendor} {name}) need?",
            found,
            {
                "majority": guesses.majority(device),
                "vendor_majority": guesses.vendor_majority(device),
                "nearest_id": guesses.nearest(device),
                "name_in_question": _named(name, modules) or guesses.majority(device),
            },
            *("bronze.modules", ",".join(found), modules[found[0]]["version"], group),
        )


def _named(name: str, modules: Mapping[str, Row]) -> str | None:
    """The first word of a device's name that is a module's name."""
    return next((word for word in re.findall(r"[a-z0-9_]{3,}", name.lower()) if word in modules), None)


def _firmware(modules: Iterable[Row], entities: Entities, splits: Mapping[str, str]) -> Iterator[_Item]:
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
            yield _Item(
                "installation_steps",
                f"Which command loads the kernel module that asks for the firmware file {file}?",
                _loading(row["module"]),
                {"most_frequent": f"modprobe {_first(train)}", "name_in_question": f"modprobe {folder}"},
                *("bronze.modules", row["module"], row["version"], groups[file]),
            )


def _from_instructions(instructions: Iterable[Row]) -> Iterator[_Item]:
    """Items whose facts are in documents, read back from the questions made of them."""
    made = [(row["split"], item) for row in instructions if (item := _from_instruction(row))]
    counts: dict[str, Counter[str]] = {}
    for split, item in made:
        if split == "train":
            counts.setdefault(item.baselines["kind"], Counter())[item.answers[0]] += 1
    firsts = {kind: _first(found) for kind, found in counts.items()}
    for item in _telling(made):
        guess = {name: text for name, text in item.baselines.items() if name != "kind"}
        yield item._replace(baselines={"most_frequent": firsts.get(item.baselines["kind"], ""), **guess})


def _telling(made: Iterable[tuple[str, _Item]]) -> Iterator[_Item]:
    """Items of split test with one answer that no training text gives away in the same words."""
    by_split: dict[str, list[_Item]] = {}
    for split, item in made:
        by_split.setdefault(split, []).append(item)
    trained = {(item.described, item.answers[0]) for item in by_split.get("train", ())}
    answers: dict[str, set[str]] = {}
    for item in by_split.get("test", ()):
        answers.setdefault(item.question, set()).add(item.answers[0])
    for item in by_split.get("test", ()):
        vague = len(item.described) < SHORTEST_TASK or _VAGUE.match(item.described)
        if item.task != "command_completion" or not (
            vague or (item.described, item.answers[0]) in trained or len(answers[item.question]) > 1
        ):
            yield item


def _from_instruction(row: Row) -> _Item | None:
    """The item that a question makes; its kind stands among the baselines until they are known."""
    context = row["context"]
    if row["fact_table"] != "bronze.documents":
        return None
    place = (row["fact_table"], row["fact_key"], row["fact_version"], row["split_group"])
    return _installation(context, place) or _command(row, context, place)


def _installation(context: str, place: _Place) -> _Item | None:
    """What brings a module, a command or a file, of the contexts that `kconfig`, `manuals` and `commands` write."""
    if found := _BUILDS.fullmatch(context):
        asked = f"Which command loads the module that {found[1]}=m builds?"
        guess = {"kind": "module", "name_in_question": f"modprobe {found[1].removeprefix('CONFIG_').lower()}"}
        return _Item("installation_steps", asked, _loading(found[2]), guess, *place)
    if found := _PACKAGE.fullmatch(context):
        asked = f"{found[1]}: command not found. How do I install it on Debian?"
        guess = {"kind": "package", "name_in_question": f"apt install {found[1]}"}
        return _Item("installation_steps", asked, [f"apt install {found[2]}", found[2]], guess, *place)
    if found := _CONFIG_FILE.fullmatch(context):
        asked = f"Which command installs the Debian package that {found[1]} is from?"
        guess = {"kind": "file", "name_in_question": f"apt install {found[2]}"}
        return _Item("installation_steps", asked, [f"apt install {found[3]}", found[3]], guess, *place)
    return None


def _command(row: Row, context: str, place: _Place) -> _Item | None:
    """What to type, of the contexts that `manuals`, `options` and `commands` write."""
    part, page = place[1].partition("#")[2], _PAGE.fullmatch(context)
    if part.isdecimal() and (found := _EXAMPLE.fullmatch(context)):
        typed = row["text"].partition("\nAnswer: ")[2].partition("\n")[0]
        asked = f"Which command does this: {found['task']}?"
        return _Item("command_completion", asked, [typed], {"kind": "example"}, *place, found["task"])
    if page and page["option"]:
        asked = f'Which option of {page["name"]} is described as "{page["task"]}"?'
        answers = [page["option"].strip(), *spellings(page["option"])]
        return _Item("command_completion", asked, answers, {"kind": "option"}, *place, page["task"])
    if page and part == "NAME":
        asked = f'Which command is described as "{page["task"].rstrip(".")}"?'
        return _Item("command_completion", asked, [page["name"]], {"kind": "page"}, *place, page["task"])
    return None


def _loading(module: str) -> list[str]:
    """What loads a module: as it is written, and with either of the signs that modprobe takes for one another."""
    return [f"modprobe {name}" for name in (module, module_name(module), module.replace("_", "-"))]


def _first(counts: Counter[str]) -> str:
    """The most frequent, the first by name of several; "" of none."""
    return min(counts, key=lambda name: (-counts[name], name), default="")
