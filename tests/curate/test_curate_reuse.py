"""The whole stage run after run: whatever changes in between, the tables are those of a run that knew of none."""

from __future__ import annotations

import shutil

import pytest
from test_curate_stage import DOCUMENTS, LOGS, MODULES, ids, prose, settings_at, write_bronze

import kslm.lake
from kslm.curate import gold, run
from kslm.lake import tables
from kslm.settings import Settings


def restamped(rows):
    return [row | {"version": "6.13"} for row in rows]


# What differs from the bronze and the profile of the first run; each is run after the ones before it.
CHANGES = {
    "a document": ({"documents": [*DOCUMENTS[1:], DOCUMENTS[0] | {"doc_id": "another", "text": prose(1)}]}, {}),
    "a version": ({"documents": restamped(DOCUMENTS), "modules": restamped(MODULES)}, {}),
    "a module": ({"modules": [MODULES[0] | {"description": prose(9)}, *MODULES[1:]]}, {}),
    "a device and a line of a log": (
        {
            "pci_ids": [row | {"name": f"{row['name']}s"} for row in ids("pci")],
            "log_events": [LOGS[0] | {"message": prose(9999)}, *LOGS[1:]],
        },
        {},
    ),
    "limits": ({}, {"min_chars": 300, "near_duplicate_jaccard": 0.9}),
    "nothing": ({}, {}),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A home in which a run was made."""
    home = tmp_path_factory.mktemp("kept")
    write_bronze(settings_at(home))
    run(settings_at(home))
    return home


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_is_in_the_tables(kept, tmp_path, change):
    bronze, curate = CHANGES[change]
    write_bronze(settings_at(kept), **bronze)
    shutil.copytree(kept / "lake" / "t_bronze", tmp_path / "lake" / "t_bronze")
    anew = run(settings_at(tmp_path, **curate))
    after = run(settings_at(kept, **curate))
    assert after.outputs.hashes == anew.outputs.hashes
    assert after.metrics["curate/candidates"] == anew.metrics["curate/candidates"]
    assert after.metrics["curate/benchmark"] == anew.metrics["curate/benchmark"]


def test_another_seed_moves_groups(kept, tmp_path):
    settings = settings_at(kept)
    run(settings)
    other = Settings(settings.profile.model_copy(update={"seed": 99}), settings.env)
    shutil.copytree(kept / "lake" / "t_bronze", tmp_path / "lake" / "t_bronze")
    at = settings_at(tmp_path)
    anew = run(Settings(at.profile.model_copy(update={"seed": 99}), at.env))
    assert run(other).outputs.hashes == anew.outputs.hashes


def test_where_nothing_changed_no_text_is_looked_at(kept, monkeypatch):
    settings = settings_at(kept)
    first = run(settings)
    with monkeypatch.context() as patch:
        patch.setattr(gold, "scrub_documents", None)
        patch.setattr(kslm.lake.Lake, "make_equal", None)
        patch.setattr("kslm.curate.gather.texts", None)
        again = run(settings)
    assert again.outputs.hashes == first.outputs.hashes
    assert again.outputs.tables == first.outputs.tables
    assert again.output_id == first.output_id
    assert {name.rpartition("/")[2] for name, n in again.metrics.items() if n and name.count("/") == 2} & {
        "inserted", "updated", "deleted", "restamped",
    } == set()  # fmt: skip
    assert again.metrics["curate/corpus/unchanged"] == again.metrics["curate/documents"] > 0


def test_a_table_that_is_gone_is_made_again(kept):
    settings = settings_at(kept)
    first = run(settings)
    shutil.rmtree(kept / "lake" / "t_gold" / "corpus")
    assert run(settings).outputs.hashes == first.outputs.hashes
    with kslm.lake.open(settings) as lake:
        assert lake.content_hash(tables.CORPUS) == first.outputs.hashes["gold.corpus"]
