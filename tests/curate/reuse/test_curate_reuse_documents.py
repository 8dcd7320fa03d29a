"""Candidates kept between runs: what a delta costs, and that it changes nothing of the result."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

import kslm.lake
from kslm.curate import gather
from kslm.curate.refine.candidates import Limits
from kslm.curate.reuse import documents as reuse
from kslm.curate.reuse.cache import Cache
from kslm.curate.reuse.lookups import Answers, lookups_of, watch
from kslm.kinds import KINDS as KINDS_
from kslm.knowledge import entities as entities_
from kslm.knowledge.drivers import Device
from kslm.knowledge.entities import Entities, Target
from kslm.lake import tables
from lake_rows import document, make_equal, module, settings_in, texts_of

LIMITS = Limits(5, 4000)
BINDING = "$id: x\ntitle: An adapter\nproperties:\n  compatible:\n    const: intel,igb\n"
PAGE = ".TH LS 1\n.SH NAME\nls \\- list directory contents\n.SH DESCRIPTION\nLists files.\n.SH SYNOPSIS\nls [FILE]\n"
PRINTK = (
    '/* The adapter is reset when its queue hangs. */\nvoid f(void)\n{\n\tpr_err("queue hangs, adapter reset\\n");\n}\n'
)


def row(path, kind, text, version="6.1", licence="GPL-2.0-only"):
    found = document(f"{kind}:{path}:{text}", text)
    return found | {"source": "s", "path": path, "kind": kind, "version": version, "licence": licence}


ROWS = [
    row("drivers/net/igb/main.c", "c", PRINTK),
    row("Documentation/devicetree/bindings/net/igb.yaml", "dt_binding", BINDING),
    row("drivers/net/other/other.c", "c", "/* Something else entirely, about clocks. */\n"),
    row("Documentation/networking/igb.rst", "rst", "The igb driver\n==============\n\nIt drives adapters.\n"),
    row("man1/ls.1", "man", PAGE),
]
ENTITIES = entities_.build(
    [{"module": "igb", "path": "kernel/drivers/net/igb/igb.ko", "aliases": ["of:N*T*Cintel,igb"]}],
    {Device("pci", "1", "2"): "x"},
)


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


def refine(lake, settings, entities=ENTITIES, limits=LIMITS, root="state"):
    entities = entities.without_devices()
    cache = Cache(settings.home.cache / root, reuse.cache_key(entities, limits))
    scratch = settings.home.cache / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    return reuse.refine_table(lake, cache, entities, limits, scratch=scratch)


def refined(settings, rows, entities=ENTITIES, limits=LIMITS, root="state", partitions=2):
    """All candidates over `rows` as a sorted list, and how many rows were refined, reused and retired."""
    with kslm.lake.open(settings) as lake:
        make_equal(lake, tables.DOCUMENTS, rows)
        lake.partitions = partitions
        done = refine(lake, settings, entities, limits, root)
        found = sorted(done.candidates.toArrow().to_pylist(), key=lambda candidate: candidate["doc_id"])
    return found, (done.refined, done.reused, done.retired)


def notes(settings, rows):
    """What was noted of documents, by path."""
    with kslm.lake.open(settings) as lake:
        make_equal(lake, tables.DOCUMENTS, rows)
        done = refine(lake, settings)
        noted = done.notes.collect()
    return {row["path"]: (row["doc_id"], row["version"], row["note"]) for row in noted}


def test_the_makefiles_in_bronze_say_what_a_file_is_built_into(settings):
    makefile = row("drivers/net/igb/Makefile", "makefile", "obj-$(CONFIG_IGB) += igb.o\nigb-y := main.o\n")
    igb = module("igb", path="kernel/drivers/net/igb/igb.ko", aliases=[], depends=[])
    with kslm.lake.open(settings) as lake:
        make_equal(lake, tables.DOCUMENTS, [*ROWS, makefile])
        make_equal(lake, tables.MODULES, [igb])
        for table in (tables.PCI_IDS, tables.USB_IDS):
            make_equal(lake, table, [dict.fromkeys(table.columns) | {"row_id": "1", "level": "class"}])
        make_equal(lake, tables.CONFIG_SYMBOLS, [])
        known = gather.knowledge(lake)
    assert known.entities.target("drivers/net/igb/main.c") == Target("igb", "module", "IGB")


def test_what_is_noted_is_brought_forward_with_todays_version(settings):
    noted = '[["err", "queue hangs, adapter reset"]]'
    first = notes(settings, ROWS)
    assert first == {
        "drivers/net/igb/main.c": (ROWS[0]["doc_id"], "6.1", noted),
        "man1/ls.1": (ROWS[4]["doc_id"], "6.1", "list directory contents"),
    }
    assert notes(settings, ROWS) == first
    newer = notes(settings, [*ROWS[1:], ROWS[0] | {"version": "6.2"}])
    assert newer["drivers/net/igb/main.c"] == (ROWS[0]["doc_id"], "6.2", noted)


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
    assert any(candidate["item"] for candidate in after)
    assert after == anew(settings, newer)
    assert refined(settings, ROWS) == (first, (0, 5, 0))


KINDS = {kind.name: "The adapters are reset when {v} of their queues hang.\n" for kind in KINDS_.values() if kind.parse}
KINDS |= {
    "c": PRINTK,
    "catalog": f"-- {'0' * 31}1\nSubject: It broke\n\nMend it, says the manual of the thing.\n",
    "dt_binding": BINDING,
    "dts": '/ {\n\tmodel = "A board with adapters";\n};\n',
    "man": PAGE,
    "pnp_ids": "ABC\tA Maker of displays\n",
    "tldr": "# ls\n\n> List files of version {v}.\n\n- List all:\n\n`ls {{-a}}`\n",
}


def test_no_kind_of_document_puts_its_version_or_licence_into_a_text(settings):
    rows = [row(f"pkg/usr/share/man/man1/{kind}.1", kind, text) for kind, text in KINDS.items()]
    first, _ = refined(settings, rows)
    assert {candidate["kind"] for candidate in first if candidate["text"]} >= KINDS.keys()
    newer = [one | {"version": "9.87-654", "licence": "ISC"} for one in rows]
    after, counts = refined(settings, newer)
    assert counts == (0, len(KINDS), 0)
    assert after == anew(settings, newer)


def test_a_changed_entity_costs_the_documents_that_asked_for_it(settings):
    refined(settings, ROWS)
    moved = replace(ENTITIES, modules={"igb": "elsewhere", "ls": "unrelated"}, folders={"drivers/net/igb": "elsewhere"})
    moved = replace(moved, compatibles={"intel,igb": "elsewhere"})
    after, counts = refined(settings, ROWS, entities=moved)
    assert counts == (3, 2, 3), "the driver's file, its binding and the page named after it"
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

    def killed(lake, frame, folder):
        folder.mkdir()
        (folder / "half.parquet").write_bytes(b"PAR1")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(kslm.lake.Lake, "write_parquet", killed)
        with pytest.raises(KeyboardInterrupt):
            refined(settings, changed)
    assert refined(settings, ROWS) == (first, (0, 5, 0))
    after, counts = refined(settings, changed)
    assert counts == (1, 4, 1)
    assert after == anew(settings, changed)
    assert len(list((settings.home.cache / "state").iterdir())) == 1


def test_lookups_are_what_was_asked():
    watched, seen = watch(ENTITIES)
    list(texts_of(ROWS[1], watched))
    lookups = lookups_of("dt_binding", seen)
    assert ["intel,igb", "drivers/net/igb"] in json.loads(lookups)[1]["compatibles"]
    assert Answers(ENTITIES).same(lookups, "dt_binding")
    assert not Answers(ENTITIES).same(lookups, "c")
    assert not Answers(Entities({}, {}, {})).same(lookups, "dt_binding")


def test_asking_for_a_device_that_is_not_at_hand_is_an_error():
    watched, _ = watch(ENTITIES.without_devices())
    for asked in (ENTITIES.without_devices(), watched):
        with pytest.raises(TypeError, match="without devices"):
            asked.of_device(Device("pci", "1", "2"))
    assert watched.of_source("drivers/net/igb/main.c") == "drivers/net/igb"


def test_the_key_names_libraries_that_decide_and_no_others(monkeypatch):
    asked = []
    monkeypatch.setattr(reuse, "versions", lambda names: asked.extend(names) or {})
    reuse.cache_key(ENTITIES, LIMITS)
    assert {"py3langid", "PyYAML", "selectolax"} <= {*asked}
    assert not {"ruff", "pytest", "torch"} & {*asked}


def test_a_map_that_is_gone_through_counts_as_a_whole():
    entities = replace(ENTITIES, devices={Device("pci", "1", "2"): "g"})
    watched, seen = watch(entities)
    assert list(watched.modules) == ["igb"]
    assert len(watched.folders) == 1
    assert watched.of_device(Device("pci", "1", "2")) == "g"
    lookups = lookups_of("c", seen)
    assert Answers(entities).same(lookups, "c")
    for name, other in (("modules", {"igb": "x"}), ("folders", {}), ("devices", {})):
        assert not Answers(replace(entities, **{name: other})).same(lookups, "c"), name
