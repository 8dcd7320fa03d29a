"""The whole stage on a world where everything tells on everything else: no held-out fact trains."""

from __future__ import annotations

import pyarrow as pa
import pytest

import kslm.lake
from kslm.curate import gather, gold, run
from kslm.curate.reuse.documents import NOTES
from kslm.kinds import MAN
from kslm.lake import tables
from kslm.lake.arrow import arrow_schema
from kslm.settings import Environment, Settings, load_profile
from lake_rows import frame, symbols
from leaks import leaks
from miniature import prose

DRIVERS = range(40)
NEIGHBOUR = 7


def driver(number):
    """Module, vendor, device, bus and device name of a driver."""
    bus = ("pci", "usb")[number % 2]
    return f"drv{number}x", f"{0x1A00 + number:04x}", f"{0x2B00 + number:04x}", bus, f"Chip C{number:03d}Q Controller"


def document(path, kind, text):
    row = {"doc_id": f"bronze-{path}", "source": "linux_source", "path": path, "kind": kind, "version": "6.12"}
    return row | {"licence": "GPL-2.0-only", "bytes": len(text.encode()), "text": text}


def plants(number):
    """What others say of a driver: none of it is in the driver's own files."""
    module, vendor, device, bus, name = driver(number)
    prefix, letter, width = ("v0000", "d0000", "") if bus == "pci" else ("v", "p", "")
    other = driver((number + NEIGHBOUR) % len(DRIVERS))[0]
    alias = f"{bus}:{prefix}{vendor.upper()}{letter}{device.upper()}*{width}"
    return {
        "comment": document(
            f"drivers/net/{other}/quirks.c",
            "c",
            f"/*\n * {prose(number)}\n *\n * As {module} does for {vendor}:{device}.\n */\nint x;\n",
        ),
        "kconfig": document(
            f"drivers/net/{other}/Kconfig",
            "kconfig",
            f'config {other.upper()}\n\ttristate "Support for {other} boards"\n\thelp\n\t  {prose(100 + number)}\n\n'
            f"\t  Boards with vendor 0x{vendor}, device 0x{device} take {module}.\n\n"
            f"\t  Beside it, CONFIG_{module.upper()}: support for {module} boards.\n",
        ),
        "documentation": document(
            f"Documentation/driver-api/board{number}.rst",
            "rst",
            f"{prose(200 + number)}\n\n{name}\n  {vendor}:{device}\n\n{prose(300 + number)}\n",
        ),
        "udev": document(
            f"Documentation/usb/rule{number}.rst",
            "rst",
            f'{prose(400 + number)}\n\nATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{device}", {module}\n',
        ),
        "alias": document(
            f"Documentation/kbuild/alias{number}.rst", "rst", f"{prose(500 + number)}\n\nalias {alias} {module}\n"
        ),
        "manual": document(
            f"man8/tool{number}.8",
            "man",
            f".SH NAME\ntool{number} \\- {prose(600 + number, 1)}\n.SH DESCRIPTION\n{prose(700 + number)}\n"
            f".SH SEE ALSO\ntool{(number + 1) % len(DRIVERS)}(8), {prose(600 + (number + 1) % len(DRIVERS), 1)}\n",
        ),
    }


def modules():
    for number in DRIVERS:
        module, vendor, device, bus, _ = driver(number)
        alias = (
            f"pci:v0000{vendor.upper()}d0000{device.upper()}sv*sd*bc*sc*i*"
            if bus == "pci"
            else f"usb:v{vendor.upper()}p{device.upper()}d*dc*dsc*dp*ic*isc*ip*in*"
        )
        told = driver((number + 1) % len(DRIVERS))
        yield {
            "module": module,
            "path": f"kernel/drivers/net/{module}/{module}.ko",
            "builtin": False,
            "description": f"{prose(800 + number, 1)} Not for {told[1]}:{told[2]}, which is {told[0]}'s.",
            "licence": "GPL",
            "aliases": [alias],
            "parameters": [("debug", f"Debug level of {module}")],
            "version": "6.12",
        }


def ids(bus):
    names = ("level", "vendor", "device", "name")
    for number in DRIVERS:
        _, vendor, device, its, name = driver(number)
        if its == bus:
            rows = [("vendor", vendor, None, f"Vendor {number}"), ("device", vendor, device, name)]
            for at, row in enumerate(rows):
                line = 2 * number + at
                yield dict(zip(names, row, strict=True)) | {"row_id": f"{bus}{line}", "line": line, "version": "1"}


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    env = Environment(_env_file=None, KSLM_HOME=tmp_path_factory.mktemp("home"), KSLM_ENGINE="sail", KSLM_SCHEMA="t")
    profile = load_profile("quick")
    split = profile.curate.split.model_copy(update={"train": 0.6, "val": 0.2, "test": 0.2})
    curate = profile.curate.model_copy(update={"split": split, "min_quality_percentile": 0.0})
    settings = Settings(profile.model_copy(update={"curate": curate}), env)
    documents = {kind: [plants(number)[kind] for number in DRIVERS] for kind in plants(0)}
    bronze = {
        tables.DOCUMENTS.name: [row for rows in documents.values() for row in rows],
        tables.PCI_IDS.name: list(ids("pci")),
        tables.USB_IDS.name: list(ids("usb")),
        tables.MODULES.name: list(modules()),
        tables.CONFIG_SYMBOLS.name: list(symbols(documents["kconfig"])),
    }
    with kslm.lake.open(settings) as lake:
        for table in tables.ALL:
            if table.layer == "bronze":
                rows = [dict.fromkeys(table.columns) | row for row in bronze.get(table.name, [])]
                content = pa.Table.from_pylist(rows, arrow_schema(table))
                lake.make_equal(table, lake.spark.createDataFrame(content, schema=table.ddl))
    report = run(settings)
    with kslm.lake.open(settings) as lake:
        rows = lake.read(tables.CORPUS).toArrow().to_pylist()
        silver = lake.read(tables.SILVER_DOCUMENTS).toArrow().to_pylist()
        rejects = lake.read(tables.REJECTS).toArrow().to_pylist()
        questions = lake.read(tables.INSTRUCTIONS).toArrow().to_pylist()
        splits = {row["split_group"]: row["split"] for row in rows}
        pages = [row | {"note": MAN.note(row, MAN.parse(row))} for row in documents["manual"]]
        noted = [{name: row[name] for name in NOTES.columns} for row in pages]
        facts = gold.held_out_facts(gather.knowledge(lake), frame(lake, NOTES, noted), splits)
    return report, rows, silver, rejects, questions, splits, facts


def test_no_held_out_fact_trains(curated):
    _, rows, _, _, questions, _, facts = curated
    assert len(facts.devices) >= 5
    assert facts.symbols
    assert facts.pages
    assert list(leaks((row["text"] for row in rows if row["split"] == "train"), facts)) == []
    assert list(leaks((row["text"] for row in questions if row["split"] == "train"), facts)) == []


@pytest.mark.parametrize("kind", ["comment", "kconfig", "documentation", "udev", "alias", "manual", "modules"])
def test_every_kind_of_leak_was_there_to_be_found(curated, kind):
    _, rows, silver, _, _, splits, facts = curated
    parents = {plants(number)[kind]["doc_id"] for number in DRIVERS} if kind in plants(0) else set()
    told = [row for row in silver if row["parent_id"] in parents or row["kind"] == kind]
    told = [row for row in told if splits.get(row["split_group"]) == "train"]
    leaking = {told[leak.text]["doc_id"] for leak in leaks((row["text"] for row in told), facts)}
    assert leaking
    kept = {row["doc_id"]: row for row in rows}
    assert all(kept[doc_id]["held_out"] > 0 for doc_id in leaking & set(kept))
    others = {row["doc_id"] for row in told} - leaking
    assert all(kept[doc_id]["held_out"] == 0 for doc_id in others)
    texts = {row["doc_id"]: row["text"] for row in silver}
    assert all(kept[doc_id]["text"] == texts[doc_id] for doc_id in others)


def test_what_was_removed_is_counted_and_what_was_refused_has_a_reason(curated):
    report, rows, silver, rejects, *_ = curated
    assert report.metrics["curate/held_out_statements"] == sum(row["held_out"] for row in rows) > 0
    refused = {row["doc_id"] for row in rejects if row["reason"] == "held-out fact"}
    assert {row["doc_id"] for row in silver} == {row["doc_id"] for row in rows} | refused
    assert all(row["held_out"] == 0 for row in rows if row["split"] != "train")
    assert all(row["bytes"] == len(row["text"].encode()) for row in rows)
