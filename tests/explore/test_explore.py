"""Looking at the corpus: documents by id, search, explanations, past runs, upkeep."""

from __future__ import annotations

import pytest

import kslm.lake
from corpus_rows import BRONZE_TEXT, TEXTS, documents, write_corpus
from kslm import explore
from kslm.curate.split.groups import position
from kslm.errors import DataError, KslmError
from kslm.lake import tables
from kslm.report import Anything, Report
from lake_rows import make_equal, settings_in

IGB, IRQ, PAGE = TEXTS


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    settings = settings_in(tmp_path_factory.mktemp("home"))
    outputs = write_corpus(settings)
    Report("curate", "0123456789abcdef0123", outputs=Anything(**outputs)).save(
        settings.home.history("quick") / "curate-0123456789abcdef.json"
    )
    Report("train", "x", Anything()).save(settings.home.history("quick") / "train-x.json")
    return settings


@pytest.fixture(scope="module")
def lake(settings):
    with kslm.lake.open(settings) as lake:
        yield lake


def test_a_document_by_the_beginning_of_its_id(lake):
    document = explore.show(lake, IRQ[:6].upper())
    assert (document.doc_id, document.text) == (IRQ, TEXTS[IRQ])
    assert (document.split, document.slice, document.split_group) == ("val", "os", "group1")
    assert (document.redactions, document.quality, document.reason) == (2, 0.5, None)
    refused = explore.show(lake, "ef" * 16)
    assert (refused.reason, refused.figure, refused.text, refused.split) == ("too short", 12.0, None, None)


@pytest.mark.parametrize(
    ("prefix", "says"),
    [
        ("aab", "too short"),
        ("012345", "no document with an id beginning with 012345"),
        ("b1b1b1", rf"is a row of bronze\.documents(.|\n)*{IRQ}  Documentation/irq\.rst"),
    ],
)
def test_an_id_that_names_no_document_is_an_error_with_a_remedy(lake, prefix, says):
    with pytest.raises(KslmError, match=says) as raised:
        explore.show(lake, prefix)
    assert raised.value.remedy


def test_an_ambiguous_prefix_lists_the_documents(settings, tmp_path):
    other = settings_in(tmp_path)
    write_corpus(other)
    with kslm.lake.open(other) as lake:
        rows = lake.read(tables.REJECTS).toArrow().to_pylist()
        make_equal(lake, tables.REJECTS, [*rows, rows[0] | {"doc_id": "ee" * 15 + "01"}])
        with pytest.raises(KslmError, match="2 documents") as raised:
            explore.show(lake, "eeeeee")
        assert "ee" * 16 in raised.value.cause
        assert explore.show(lake, "ee" * 16).doc_id == "ee" * 16


def test_without_tables_the_error_says_what_to_run(tmp_path):
    with kslm.lake.open(settings_in(tmp_path)) as lake:
        for look in (explore.overview, lambda lake: explore.show(lake, IGB), lambda lake: explore.search(lake, "x")):
            with pytest.raises(DataError, match="kslm curate"):
                look(lake)
        with pytest.raises(KslmError, match="no tables"):
            explore.maintain(lake)


def test_search_ranks_by_words_and_shows_them(lake):
    hits = explore.search(lake, "Interrupt COALESCING")
    assert [hit.doc_id for hit in hits] == [IGB, IRQ]
    assert hits[0].score > hits[1].score > 0
    assert "coalescing" in hits[0].snippet
    assert [hit.doc_id for hit in explore.search(lake, "interrupt", slice_="os")] == [IRQ]
    assert len(explore.search(lake, "interrupt", limit=1)) == 1
    assert explore.search(lake, "interrupt", kind="man") == []
    assert explore.search(lake, "100%_' \\") == []
    with pytest.raises(KslmError, match="no word"):
        explore.search(lake, "  ")


def test_a_snippet_is_cut_around_the_word():
    from kslm.explore.search import _snippet

    assert _snippet("word", ["word"]) == "word"
    long = "x " * 200 + "needle " + "y " * 200
    cut = _snippet(long, ["absent", "needle"])
    assert cut.startswith("…")
    assert cut.endswith("…")
    assert "needle" in cut
    assert len(cut) <= 202


def test_an_explanation_names_origin_redactions_and_split(lake, settings):
    found = explore.explain(lake, settings.profile, IRQ)
    assert (found.table, found.row["sha256"], found.row["path"]) == (
        "bronze.documents",
        "5" * 64,
        "Documentation/irq.rst",
    )
    assert found.files[0]["package"] == "linux-source"
    assert (found.redacted, found.redacted_in) == ({"email": 2}, "this text")
    assert "jane" not in repr(found)
    assert "jane" in BRONZE_TEXT
    assert (found.placement.documents, found.placement.split) == (1, "val")
    assert found.placement.position == position("group1", settings.profile.seed)
    assert "group 'group1' stands at" in found.placement.reason
    assert found.cluster == []


def test_a_refused_document_is_explained_too(lake, settings):
    found = explore.explain(lake, settings.profile, "ee" * 16)
    assert found.placement is None
    assert found.redacted == {"email": 2}
    assert found.redacted_in == "the row of bronze.documents"
    assert [(member.doc_id, member.figure) for member in found.cluster] == [(PAGE, None), ("ee" * 16, 0.91)]
    assert "jane" not in repr(found)


def test_a_split_that_does_not_follow_from_the_hash_is_said(lake, settings):
    reasons = {doc_id: explore.explain(lake, settings.profile, doc_id).placement for doc_id in TEXTS}
    for place in reasons.values():
        assert ("large part" in place.reason) == (place.by_hash != place.split)


def test_the_overview_counts_everything_once(lake):
    counts = explore.overview(lake)
    assert sum(one.documents for one in counts) == 3
    assert sum(one.bytes for one in counts) == sum(len(text) for text in TEXTS.values())
    assert counts[0] == ("hardware", "tree", "train", 1, len(TEXTS[IGB]))


def test_past_runs_can_be_listed_and_opened(settings, tmp_path):
    (run,) = explore.history(settings)
    assert (run.stage, run.output_id) == ("curate", "0123456789abcdef0123")
    assert run.changes["gold.corpus"]["inserted"] == 3
    with kslm.lake.open(settings, at=run.path) as past:
        assert len(past.tables()) == 5
        assert explore.show(past, IGB).text == TEXTS[IGB]
    assert explore.history(settings_in(tmp_path)) == []


def test_upkeep_merges_and_deletes_and_keeps_the_content(tmp_path):
    settings = settings_in(tmp_path)
    write_corpus(settings)
    with kslm.lake.open(settings) as lake:
        gold = [dict.fromkeys(tables.CORPUS.columns) | {"doc_id": one["doc_id"]} for one in documents()]
        make_equal(lake, tables.CORPUS, gold)
        before = lake.content_hash(tables.CORPUS)
        done = {one.table: one for one in explore.maintain(lake, retention_hours=0)}
        assert lake.content_hash(tables.CORPUS) == before
    assert len(done) == 5
    corpus = done["gold.corpus"]
    assert corpus.after.stored_bytes == corpus.after.bytes < corpus.before.stored_bytes
    assert corpus.after.files == 1
