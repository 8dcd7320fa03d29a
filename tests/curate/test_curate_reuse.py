"""Candidates kept between runs: what a delta costs, and that it changes nothing of the result."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import kslm.lake
from kslm.curate import gather
from kslm.curate.refine.steps import Limits
from kslm.curate.reuse import documents as reuse
from kslm.curate.reuse.lookups import Answers, trace_of, watch
from kslm.extract.documents import extract
from kslm.knowledge import entities as entities_
from kslm.knowledge.drivers import Device
from kslm.knowledge.entities import Entities, Target
from kslm.lake import tables
from lake_rows import document, module, settings_in, upsert

LIMITS = Limits(5, 4000)
HELP = "This driver supports the adapters. The module will be called igb."
KCONFIG = (
    f'config IGB\n\ttristate "Intel 82575"\n\thelp\n\t  {HELP}\n\nconfig OTHER\n\tbool "Other"\n\thelp\n\t  More.\n'
)
PAGE = "NAME\n       ls - list directory contents\n\nDESCRIPTION\n       Lists files.\n\nSYNOPSIS\n       ls [FILE]\n"
PRINTK = (
    '/* The adapter is reset when its queue hangs. */\nvoid f(void)\n{\n\tpr_err("queue hangs, adapter reset\\n");\n}\n'
)


def row(path, kind, text, version="6.1", licence="GPL-2.0-only"):
    found = document(f"{kind}:{path}:{text}", text)
    return found | {"source": "s", "path": path, "kind": kind, "version": version, "licence": licence}


ROWS = [
    row("drivers/net/igb/main.c", "c", PRINTK),
    row("drivers/net/igb/Kconfig", "kconfig", KCONFIG),
    row("drivers/net/other/other.c", "c", "/* Something else entirely, about clocks. */\n"),
    row("Documentation/networking/igb.rst", "rst", "The igb driver\n==============\n\nIt drives adapters.\n"),
    row("man1/ls.1", "man", PAGE),
]
ENTITIES = entities_.build(
    [{"module": "igb", "path": "kernel/drivers/net/igb/igb.ko", "aliases": []}], {Device("pci", "1", "2"): "x"}
)


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


def refined(settings, rows, entities=ENTITIES, limits=LIMITS, root="state", partitions=2):
    """All candidates over `rows` as a sorted list, and how many rows were refined, reused and retired."""
    with kslm.lake.open(settings) as lake:
        upsert(lake, tables.DOCUMENTS, rows)
        lake.partitions = partitions
        done = reuse.candidates(lake, settings.home.cache / root, entities, limits)
        found = sorted(done.candidates.toArrow().to_pylist(), key=lambda candidate: candidate["doc_id"])
    return found, (done.refined, done.reused, done.retired)


def messages(settings, rows):
    """What was noted of kernel messages, by path."""
    with kslm.lake.open(settings) as lake:
        upsert(lake, tables.DOCUMENTS, rows)
        done = reuse.candidates(lake, settings.home.cache / "state", ENTITIES, LIMITS)
    return {row["path"]: (row["doc_id"], row["version"], row["messages"]) for row in done.messages}


def test_the_makefiles_in_bronze_say_what_a_file_is_built_into(settings):
    makefile = row("drivers/net/igb/Makefile", "makefile", "obj-$(CONFIG_IGB) += igb.o\nigb-y := main.o\n")
    igb = module("igb", path="kernel/drivers/net/igb/igb.ko", aliases=[], depends=[])
    with kslm.lake.open(settings) as lake:
        upsert(lake, tables.DOCUMENTS, [*ROWS, makefile])
        upsert(lake, tables.MODULES, [igb])
        for table in (tables.PCI_IDS, tables.USB_IDS):
            upsert(lake, table, [dict.fromkeys(table.columns) | {"row_id": "1", "level": "class"}])
        known = gather.knowledge(lake)
    assert known.entities.target("drivers/net/igb/main.c") == Target("igb", "module", "IGB")


def test_messages_are_noted_once_and_brought_forward_with_todays_version(settings):
    noted = '[["err", "queue hangs, adapter reset"]]'
    first = messages(settings, ROWS)
    assert first == {"drivers/net/igb/main.c": (ROWS[0]["doc_id"], "6.1", noted)}
    assert messages(settings, ROWS) == first
    newer = [*ROWS[1:], ROWS[0] | {"version": "6.2"}]
    assert messages(settings, newer) == {"drivers/net/igb/main.c": (ROWS[0]["doc_id"], "6.2", noted)}


def test_a_makefile_is_no_text(settings):
    makefile = row("fs/Makefile", "makefile", "obj-y += a.o\n")
    assert refined(settings, [*ROWS, makefile], root="with") == refined(settings, ROWS, root="without")


def anew(settings, *arguments, **options):
    return refined(settings, *arguments, root="anew", partitions=1, **options)[0]


def test_a_delta_costs_only_itself_and_ends_in_the_same_candidates(settings):
    first, counts = refined(settings, ROWS)
    assert counts == (5, 0, 0)
    again, counts = refined(settings, ROWS)
    assert (again, counts) == (first, (0, 5, 0))
    changed = [*ROWS[1:], row("drivers/net/igb/main.c", "c", PRINTK.replace("hangs", "stalls"))]
    after, counts = refined(settings, changed)
    assert counts == (1, 4, 1)
    assert after != first
    assert after == anew(settings, changed)


def test_rows_that_are_gone_retire_and_an_empty_table_is_no_trouble(settings):
    refined(settings, ROWS)
    after, counts = refined(settings, ROWS[:2])
    assert counts == (0, 2, 3)
    assert after == anew(settings, ROWS[:2])
    assert refined(settings, []) == ([], (0, 0, 2))
    assert refined(settings, []) == ([], (0, 0, 0))
    assert refined(settings, ROWS)[1] == (5, 0, 0)


def test_a_new_version_of_the_same_texts_costs_nothing(settings):
    first, _ = refined(settings, ROWS)
    newer = [one | {"version": '6.2 "rc"', "licence": "MIT"} for one in ROWS]
    after, counts = refined(settings, newer)
    assert counts == (0, 5, 0)
    assert {candidate["version"] for candidate in after} == {'6.2 "rc"'}
    items = [json.loads(candidate["item"])["version"] for candidate in after if candidate["item"]]
    assert items
    assert set(items) == {'6.2 "rc"'}
    assert after == anew(settings, newer)
    assert refined(settings, ROWS) == (first, (0, 5, 0))


KINDS = (
    "text",
    "dt_binding",
    "dts",
    "abi",
    "html",
    "doc",
    "readme_debian",
    "config",
    "hwdb",
    "catalog",
    "pnp_ids",
    "tldr",
)
ANY = (
    "# ls\n\n> List files of version {v}.\n\n- List all:\n\n`ls {{{{-a}}}}`\n\n"
    "Some prose about the adapters, and more of it.\n"
)


def test_no_kind_of_document_puts_its_version_or_licence_into_a_text(settings):
    rows = [row(f"pkg/usr/share/doc/pkg/{kind}.{kind}", kind, ANY) for kind in KINDS]
    refined(settings, rows)
    newer = [one | {"version": "9.87-654", "licence": "ISC"} for one in rows]
    after, counts = refined(settings, newer)
    assert counts == (0, len(KINDS), 0)
    assert after == anew(settings, newer)


def test_a_changed_entity_costs_the_documents_that_asked_for_it(settings):
    refined(settings, ROWS)
    moved = replace(ENTITIES, modules={"igb": "elsewhere", "ls": "unrelated"}, folders={"drivers/net/igb": "elsewhere"})
    after, counts = refined(settings, ROWS, entities=moved)
    assert counts == (3, 2, 3), "the driver's file, its Kconfig and the page named after it"
    assert after == anew(settings, ROWS, entities=moved)


def test_changed_limits_code_or_kind_make_everything_anew(settings, monkeypatch):
    refined(settings, ROWS)
    shorter, counts = refined(settings, ROWS, limits=Limits(200, 4000))
    assert counts == (5, 0, 0)
    assert shorter == anew(settings, ROWS, limits=Limits(200, 4000))
    monkeypatch.setattr(reuse, "code_hash", lambda rooms: "other code")
    assert refined(settings, ROWS, limits=Limits(200, 4000))[1] == (5, 0, 0)
    as_text = [ROWS[0] | {"kind": "rst"}, *ROWS[1:]]
    after, counts = refined(settings, as_text, limits=Limits(200, 4000))
    assert counts == (1, 4, 1)
    assert after == anew(settings, as_text, limits=Limits(200, 4000))


def test_a_killed_run_keeps_the_state_before_it(settings, monkeypatch):
    first, _ = refined(settings, ROWS)
    changed = [*ROWS[1:], row("new.c", "c", "/* A new comment of some length. */\n")]

    def killed(frames, folder):
        folder.mkdir()
        (folder / "half.parquet").write_bytes(b"PAR1")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(reuse, "_write", killed)
        with pytest.raises(KeyboardInterrupt):
            refined(settings, changed)
    assert refined(settings, ROWS) == (first, (0, 5, 0))
    after, counts = refined(settings, changed)
    assert counts == (1, 4, 1)
    assert after == anew(settings, changed)
    root = settings.home.cache / "state"
    assert sorted(path.name for path in root.iterdir()) == ["b", "state.json"]


@pytest.mark.parametrize("text", ["", "[]", '{"recipe": "x"}', '{"recipe": "x", "folder": "../.."}'])
def test_a_damaged_state_is_none(settings, text):
    first, _ = refined(settings, ROWS)
    (settings.home.cache / "state" / "state.json").write_text(text)
    assert refined(settings, ROWS) == (first, (5, 0, 0))


def test_a_trace_holds_what_was_asked():
    watched, seen = watch(ENTITIES)
    list(extract(ROWS[1], watched))
    trace = trace_of("kconfig", seen)
    assert ["igb", "drivers/net/igb"] in json.loads(trace)[1]["modules"]
    assert Answers(ENTITIES).same(trace, "kconfig")
    assert not Answers(ENTITIES).same(trace, "c")
    assert not Answers(Entities({}, {}, {})).same(trace, "kconfig")


def test_a_map_that_is_gone_through_counts_as_a_whole():
    entities = replace(ENTITIES, devices={Device("pci", "1", "2"): "g"})
    watched, seen = watch(entities)
    assert list(watched.modules) == ["igb"]
    assert len(watched.folders) == 1
    assert watched.of_device(Device("pci", "1", "2")) == "g"
    trace = trace_of("c", seen)
    assert Answers(entities).same(trace, "c")
    for name, other in (("modules", {"igb": "x"}), ("folders", {}), ("devices", {})):
        assert not Answers(replace(entities, **{name: other})).same(trace, "c"), name
