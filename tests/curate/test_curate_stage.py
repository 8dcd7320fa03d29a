"""Bronze rows to gold on the default engine."""

from __future__ import annotations

import random
import shutil
from collections import Counter, defaultdict

import pyarrow as pa
import pytest

import kslm.lake
from kslm.curate import run
from kslm.errors import DataError
from kslm.lake import tables
from kslm.lake.arrow import arrow_schema
from kslm.settings import Environment, Settings, load_profile
from lake_rows import symbols

WORDS = "bus clock device driver frame interrupt kernel link memory page queue register reset ring timer"


def prose(seed, words=60):
    rng = random.Random(seed)
    return " ".join(rng.choice(WORDS.split()) + rng.choice(["", "s", "ed"]) for _ in range(words))


def document(path, kind, text):
    return {
        "doc_id": f"bronze-{path}",
        "source": "linux_source",
        "path": path,
        "kind": kind,
        "version": "6.12",
        "licence": "GPL-2.0-only",
        "bytes": len(text.encode()),
        "text": text,
    }


SPECIAL = f"{prose(900)} <|endoftext|> {prose(901)}"
NEAR = prose(1000, 200)
KCONFIG = f'config IGB\n\ttristate "Intel 82575"\n\thelp\n\t  {prose(902, 30)}\n\t  The module will be called igb.\n'
DOCUMENTS = [
    *(document(f"Documentation/admin-guide/a{n}.rst", "rst", prose(n)) for n in range(8)),
    *(document(f"Documentation/driver-api/d{n}.rst", "rst", prose(100 + n)) for n in range(8)),
    *(document(f"mm/m{n}.c", "c", f"/*\n * {prose(200 + n)}\n */\nint x;\n") for n in range(8)),
    document("Documentation/special.rst", "rst", SPECIAL),
    document("Documentation/copy1.rst", "rst", prose(800)),
    document("Documentation/copy2.rst", "rst", prose(800) + "  \r\n"),
    document("Documentation/near1.rst", "rst", NEAR),
    document("Documentation/near2.rst", "rst", NEAR.replace(NEAR.split()[100], "another", 1)),
    document("Documentation/empty.rst", "rst", "\n\n"),
    document("Documentation/short.rst", "rst", "Too short."),
    document("Documentation/ruler.rst", "rst", "=-" * 200),
    document("Documentation/mail.rst", "rst", prose(801) + "\nMaintainer: jane.doe@example.org"),
    document("Documentation/long.rst", "rst", "\n\n".join(prose(2000 + n, 100) for n in range(5))),
    document("drivers/net/ethernet/intel/Kconfig", "kconfig", KCONFIG),
    document("man1/ls.1.gz", "man", f".SH NAME\nls \\- list directory contents\n.SH DESCRIPTION\n{prose(903)}\n"),
]


def ids(bus):
    rows = []
    for number in range(12):
        vendor = f"{0x1000 + number:04x}"
        rows.append(("vendor", vendor, None, None, None, f"Vendor {prose(3000 + number, 3)}"))
        rows += [("device", vendor, f"{d:04x}", None, None, f"Chip {prose(4000 + 10 * number + d, 4)}") for d in (1, 2)]
    names = ("level", "vendor", "device", "subvendor", "subdevice", "name")
    return [
        dict(zip(names, row, strict=True), row_id=f"{bus}{line}", line=line, version="1")
        for line, row in enumerate(rows)
    ]


MODULES = [
    {
        "module": name,
        "path": f"kernel/drivers/{folder}/{name}.ko",
        "builtin": False,
        "description": prose(5000 + number, 12),
        "licence": "GPL",
        "aliases": [f"pci:v0000{0x1000 + number:04X}d00000001sv*sd*bc*sc*i*"],
        "firmware": [],
        "depends": [],
        "parameters": [("debug", "Debug level")],
        "version": "6.12",
    }
    for number, (name, folder) in enumerate(
        [("igb", "net/ethernet/intel/igb"), *((f"drv{n}", f"net/drv{n}") for n in range(1, 8))]
    )
]
LOGS = [
    {
        "event_id": f"e{line}",
        "source": "logs",
        "path": "dmesg",
        "line": line,
        "format": "dmesg",
        "time": f"+{line}.5",
        "message": f"{prose(6000 + line, 8)}",
    }
    for line in range(1, 251)
]
SNAPSHOT = [
    {
        "snapshot_id": "s1",
        "index": index,
        "section": "cpu_information",
        "title": f"Section {index}",
        "text": prose(7000 + index),
        "path": "snapshot.txt",
    }
    for index in range(3)
]
BRONZE = (
    (tables.DOCUMENTS, DOCUMENTS),
    (tables.PCI_IDS, ids("pci")),
    (tables.USB_IDS, []),
    (tables.MODULES, MODULES),
    (tables.LOG_EVENTS, LOGS),
    (tables.SYSTEM_SNAPSHOTS, SNAPSHOT),
    (tables.FILES, []),
    (tables.LOG_TEMPLATES, []),
    (tables.CONFIG_SYMBOLS, list(symbols(DOCUMENTS))),
)


def settings_at(home, max_chars=2000, **curate):
    env = Environment(_env_file=None, KSLM_HOME=home, KSLM_ENGINE="sail", KSLM_SCHEMA="t")
    profile = load_profile("quick")
    changed = profile.curate.model_copy(update={"max_chars": max_chars, "min_quality_percentile": 0.0, **curate})
    return Settings(profile.model_copy(update={"curate": changed}), env)


def write_bronze(settings, **other):
    """Make bronze this module's rows, but for tables given by name."""
    with kslm.lake.open(settings) as lake:
        for table, rows in BRONZE:
            full = [dict.fromkeys(table.columns) | row for row in other.get(table.name, rows)]
            frame = lake.spark.createDataFrame(pa.Table.from_pylist(full, arrow_schema(table)), schema=table.ddl)
            lake.make_equal(table, frame)


def rows_of(settings, table):
    with kslm.lake.open(settings) as lake:
        return lake.read(table).toArrow().to_pylist()


@pytest.fixture(scope="module")
def curated(tmp_path_factory):
    settings = settings_at(tmp_path_factory.mktemp("home"))
    write_bronze(settings)
    report = run(settings)
    return (
        settings,
        report,
        *(rows_of(settings, table) for table in (tables.SILVER_DOCUMENTS, tables.REJECTS, tables.CORPUS)),
    )


def test_every_candidate_is_in_silver_or_has_a_reason(curated):
    _, report, silver, rejects, gold = curated
    assert {row["doc_id"] for row in silver} == {row["doc_id"] for row in gold}
    assert not {row["doc_id"] for row in silver} & {row["doc_id"] for row in rejects}
    assert len(silver) + len(rejects) == report.metrics["curate/candidates"]
    paths = {row["path"].split("#")[0] for row in [*silver, *rejects]}
    assert {row["path"] for row in DOCUMENTS} <= paths


def test_rejects_say_why(curated):
    _, report, _, rejects, _ = curated
    found = {row["path"]: (row["reason"], row["figure"]) for row in rejects}
    assert found["Documentation/empty.rst"] == ("empty", 0)
    assert found["Documentation/short.rst"] == ("too short", 10)
    assert found["Documentation/ruler.rst"] == ("symbols", 0)
    exact = [path for path, (reason, _) in found.items() if reason == "exact duplicate"]
    assert len(exact) == 1
    assert exact[0].startswith("Documentation/copy")
    assert report.metrics["curate/rejects/exact duplicate"] == 1


def test_a_near_duplicate_goes_and_the_smallest_id_stays(curated):
    _, _, silver, rejects, _ = curated
    (dropped,) = [row for row in rejects if row["path"].startswith("Documentation/near")]
    (kept,) = [row for row in silver if row["path"].startswith("Documentation/near")]
    assert dropped["reason"] == "near duplicate"
    assert 0.8 <= dropped["figure"] < 1
    assert kept["doc_id"] < dropped["doc_id"]
    assert kept["cluster_id"] == kept["doc_id"]


def test_no_group_is_in_two_splits_and_all_splits_have_text(curated):
    *_, gold = curated
    splits = defaultdict(set)
    for row in gold:
        splits[row["split_group"]].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    for slice_ in ("os", "hardware", "admin", "instructions"):
        assert {row["split"] for row in gold if row["slice"] == slice_} == {"train", "val", "test"}, slice_


def test_a_driver_is_whole_and_so_is_each_of_its_devices(curated):
    *_, gold = curated
    groups = defaultdict(list)
    for row in gold:
        if "igb" in row["text"] or "1000:0001" in row["text"]:
            groups[row["split_group"]].append(row)
    driver = groups.pop("drivers/net/ethernet/intel/igb")
    assert all("igb" in row["text"] for row in driver)
    assert Counter(row["slice"] for row in driver) >= Counter({"hardware": 1, "os": 1, "instructions": 3})
    ((group, device),) = groups.items()
    assert group.startswith("pci:1000:")
    assert all("1000:0001" in row["text"] for row in device)
    assert Counter(row["slice"] for row in device) >= Counter({"hardware": 1, "instructions": 3})


def test_special_token_text_passes_through_and_mail_does_not(curated):
    *_, gold = curated
    texts = {row["doc_id"]: row["text"] for row in gold}
    assert SPECIAL in texts.values()
    assert not any("jane.doe" in text for text in texts.values())


def test_a_long_document_is_split_into_parts_of_one_group(curated):
    _, _, silver, _, _ = curated
    parts = [row for row in silver if row["path"].startswith("Documentation/long.rst#part")]
    assert len(parts) >= 2
    assert {row["parent_id"] for row in parts} == {"bronze-Documentation/long.rst"}
    assert {row["split_group"] for row in parts} == {"Documentation/long.rst"}
    assert all(len(row["text"]) <= 2000 for row in parts)


def test_logs_are_blocks_in_order(curated):
    *_, gold = curated
    blocks = [row["text"] for row in gold if row["kind"] == "log"]
    lines = [line for text in sorted(blocks, key=len, reverse=True) for line in text.split("\n")]
    assert sorted(lines) == sorted(f"[{row['time'][1:]}] {row['message']}" for row in LOGS)
    assert any(text.startswith("[1.5] ") and "\n[2.5] " in text for text in blocks)


def test_again_with_other_partitions_gives_the_same_versions(curated, monkeypatch):
    settings, report, *_ = curated
    assert report.metrics["curate/documents_refined"] == len(DOCUMENTS) - 1, "Kconfig is made of its symbols"
    assert run(settings).metrics["curate/documents_reused"] == len(DOCUMENTS) - 1
    shutil.rmtree(settings.home.cache / "refined")
    monkeypatch.setattr(kslm.lake.Lake, "partitions", 1)
    again = run(settings)
    for name in ("tables", "inputs", "hashes"):
        assert getattr(again.outputs, name) == getattr(report.outputs, name)
    assert not any(
        count for name, count in again.metrics.items() if name.endswith(("/inserted", "/updated", "/deleted"))
    )
    assert again.output_id == report.output_id
    assert not (settings.home.cache / "curate" / settings.schema_prefix).exists()


def test_without_bronze_the_error_says_what_to_run(tmp_path):
    with pytest.raises(DataError, match=r"bronze\.documents"):
        run(settings_at(tmp_path))
