"""The data card: what is counted from the tables, and the page and pictures made of it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import matplotlib.image
import numpy as np
import pyarrow as pa
import pytest

import kslm.lake
from corpus_rows import TEXTS, write_corpus
from kslm.card import Statistics, collect, page, plots, write
from kslm.card.redaction import Scores
from kslm.card.statistics import alike_together
from kslm.errors import DataError
from kslm.lake import tables
from kslm.report import Anything, Report
from lake_rows import make_equal, row, settings_in


def sized(documents, size, **keys):
    return keys | {"documents": documents, "bytes": size}


@pytest.fixture
def statistics():
    return Statistics(
        profile="mini",
        description="A corpus for trying things.",
        versions={"gold.corpus": 4, "bronze.files": 2},
        files=[
            {"source": "tree", "package": None, "version": "6.1", "licence": "GPL-2.0-only", "bytes": 9_500_000,
             "sha256": "0123456789abcdef" * 4, "origin": "deb"},
        ],
        sources=[sized(3, 2_000_000, source="tree", kind="rst", slice="os")],
        slices=[
            sized(2, 1_500_000, slice="os", split="train"),
            sized(1, 500_000, slice="os", split="val"),
            sized(1, 2_000_000, slice="admin", split="train"),
        ],
        licences=[sized(1234, 2_000_000, licence="GPL-2.0-only WITH Linux-syscall-note")],
        rejects=[sized(7, 30_000, reason="too short"), sized(1, None, reason="held out")],
        quarantine=[sized(1, 5, source="logs", reason="a|b\n<i>c`")],
        instructions=[sized(5, 0, intent="lookup", split="train"), sized(2, 0, intent="lookup", split="test")],
        facts=[sized(7, 0, fact_table="bronze.pci_ids")],
        benchmark=[sized(6, 0, task="pci_vendor")],
        lengths=[sized(2, 0, slice="os", power=10), sized(1, 0, slice="os", power=12)],
        totals={
            "gold_documents": 4, "gold_bytes": 4_000_000, "split_groups": 3, "without_licence": 0, "redactions": 1234,
            "clusters": 2, "held_out_statements": 11,
        },
        left_over=(0.0123, 0.25),
        sampled_one_in=17,
        redaction=Scores(10, 4, Counter(email=3), Counter(email=4), 3, 3, (), ()),
        unseen=Scores(5, 2, Counter(mac=1), Counter(mac=2), 1, 4, (), ()),
        metrics={
            "tokenize/tokens/train": 1_200_000.0, "tokenize/vocab_size": 8192.0, "tokenize/bytes_per_token": 3.5,
            "tokenize/epoch0/share/os": 0.75, "tokenize/epoch0/tokens/os": 800_000.0,
            "tokenize/epoch0/later_tokens/os": 100_000.0, "tokenize/tokens/train/os": 900_000.0,
        },
        asked_shares={"os": 0.6},
        notes=("the mix falls short of os", "nothing of interest"),
    )  # fmt: skip


def lines_of(text, heading):
    """The rows of the section's tables, each as a list of its cells."""
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in rows]


def test_the_page_states_the_figures(statistics):
    text = page.render(statistics)
    assert text.startswith("# Data card: the `mini` corpus\n")
    assert "**4 documents, 4.00 MB, 1.2 M training tokens** at a vocabulary of 8,192 (3.50 bytes a token)" in text
    mix = {cells[0]: cells[1:] for cells in lines_of(text, "The mix")}
    assert mix["os"] == ["3", "2.00", "0.00", "0.90", "60.0%", "75.0%", "0.80", "", "0.10"]
    assert mix["hardware"] == ["0", "0.00", "0.00", "", "", "", "", "", ""]
    assert "- the mix falls short of os" in text
    assert "nothing of interest" not in text
    assert lines_of(text, "Licences")[2:] == [["GPL-2.0-only WITH Linux-syscall-note", "1,234", "2.00"]]
    assert "1.23% of documents and 25.00% of bytes" in text
    assert "| mended with | 10 | 4 | 0.7500 | 1.0000 |" in text
    assert "| unseen | 5 | 2 | 0.5000 | 0.2500 |" in text
    assert lines_of(text, "Splits")[2:] == [["train", "3", "3.50", "87.5%"], ["val", "1", "0.50", "12.5%"]]
    assert ["lookup", "5", "0", "2"] in lines_of(text, "Instructions and benchmark")
    assert ["pci_vendor", "6"] in lines_of(text, "Instructions and benchmark")
    assert lines_of(text, "What was fetched")[2:] == [["tree", "", "6.1", "GPL-2.0-only", "9.50", "0123456789ab"]]
    assert lines_of(text, "The same corpus again")[2:] == [["bronze.files", "2"], ["gold.corpus", "4"]]


def test_every_table_is_as_wide_as_its_head(statistics):
    blocks = re.findall(r"(?:^\|.*\n)+", page.render(statistics), re.MULTILINE)
    assert len(blocks) == 13
    for block in blocks:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_a_cell_holds_neither_markup_nor_a_second_column(statistics):
    assert "| logs | a\\|b \\<i>c\\` | 1 | 0.00 |" in page.render(statistics)


def test_missing_licences_are_said(statistics):
    assert "an SPDX expression." in page.render(statistics)
    totals = statistics.totals | {"without_licence": 3}
    assert "an SPDX expression; 3 do not." in page.render(replace(statistics, totals=totals))


def test_a_long_table_is_cut_and_says_so(statistics):
    many = [sized(1, 1, licence=f"LicenseRef-{number}") for number in range(page.SHOWN + 5)]
    rows = lines_of(page.render(replace(statistics, licences=many)), "Licences")
    assert len(rows) == 2 + page.SHOWN + 1
    assert rows[-1] == ["... and 5 more", "", ""]


def test_the_page_and_its_pictures_are_written(statistics, tmp_path):
    path = write(statistics, tmp_path / "docs")
    text = path.read_text("utf-8")
    assert text == page.render(statistics)
    pictures = re.findall(r"!\[\w+\]\((.+?)\)", text)
    assert sorted(pictures) == ["data-card/lengths.png", "data-card/refusals.png", "data-card/shares.png"]
    for name in pictures:
        pixels = matplotlib.image.imread(path.parent / name)[..., :3]
        assert pixels.shape == (540, 960, 3)
        assert len(np.unique((pixels.reshape(-1, 3) * 255).astype(int), axis=0)) > 20, "more than a blank page"


def test_pictures_show_the_figures(statistics):
    (axes,) = plots.shares(statistics).axes
    assert [bar.get_height() for bar in axes.patches] == [75, 0, 0, 0]
    (axes,) = plots.refusals(statistics).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["held out", "too short"]
    assert [bar.get_width() for bar in axes.patches] == [1e-3, 0.03]
    (axes,) = plots.lengths(statistics).axes
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[1024, 2], [4096, 1]]


def test_a_corpus_without_shares_or_refusals_still_has_pictures(statistics, tmp_path):
    write(replace(statistics, asked_shares={}, rejects=[], lengths=[], metrics={}), tmp_path)
    pictures = sorted((tmp_path / "data-card").iterdir())
    assert [path.name for path in pictures] == ["lengths.png", "refusals.png", "shares.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_texts_alike_are_sampled_together_and_empty_ones_never():
    texts = [" ".join(f"word{number * 31 + place}" for place in range(9)) for number in range(400)]
    batch = pa.RecordBatch.from_pydict({"text": [*texts, "", *texts]})
    kept = [text for piece in alike_together([batch], one_in=10) for text in piece.column("text").to_pylist()]
    counts = Counter(kept)
    assert set(counts.values()) == {2}
    assert 10 < len(counts) < 100
    cut = [batch.slice(0, 7), batch.slice(7)]
    again = [text for piece in alike_together(cut, one_in=10) for text in piece.column("text").to_pylist()]
    assert again == kept


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A corpus with its three reports, to which another run has added a document since."""
    settings = settings_in(tmp_path_factory.mktemp("home"))
    outputs = write_corpus(settings)
    question = row(tables.INSTRUCTIONS, item_id="q1", intent="lookup", split="train", fact_table="bronze.pci_ids")
    item = row(tables.BENCHMARK, item_id="b1", task="pci_vendor", answers=["Intel"], baselines=[])
    finding = row(tables.QUARANTINE, source="logs", path="x", offset=0, reason="binary: no text", bytes=4, sha256="0")
    rest = (
        (tables.INSTRUCTIONS, [question]),
        (tables.BENCHMARK, [item]),
        (tables.QUARANTINE, [finding]),
        (tables.LOG_EVENTS, []),
        (tables.LOG_TEMPLATES, []),
    )
    with kslm.lake.open(settings) as lake:
        versions = {str(table): make_equal(lake, table, rows) for table, rows in rest}
        rows = lake.read(tables.CORPUS).toArrow().to_pylist()
        make_equal(lake, tables.CORPUS, [*rows, rows[0] | {"doc_id": "ff" * 16, "licence": None}])
    outputs["tables"] |= versions
    for stage, more in (("ingest", {}), ("curate", outputs), ("tokenize", {"manifest": "gone"})):
        Report(
            stage, "x", metrics={f"{stage}/figure": 1.0}, outputs=Anything(**more), notes=(f"{stage}: the mix",)
        ).save(settings.home.report("quick", stage))
    return settings


def test_the_sample_does_not_grow_with_the_corpus(home, monkeypatch):
    assert collect(home).sampled_one_in == 10
    monkeypatch.setattr("kslm.card.statistics.LARGEST_SAMPLE", 5)
    assert collect(home).sampled_one_in == -(-sum(map(len, TEXTS.values())) // 5)


def test_the_corpus_that_curate_made_is_counted(home):
    found = collect(home)
    sizes = [len(text) for text in TEXTS.values()]
    assert [(row["slice"], row["split"], row["documents"], row["bytes"]) for row in found.slices] == [
        ("hardware", "train", 1, sizes[0]), ("os", "train", 1, sizes[2]), ("os", "val", 1, sizes[1]),
    ]  # fmt: skip
    assert [(row["licence"], row["documents"]) for row in found.licences] == [("GPL-2.0-only", 3)]
    assert {(row["reason"], row["documents"]) for row in found.rejects} == {("near duplicate", 1), ("too short", 1)}
    assert [(row["intent"], row["documents"]) for row in found.instructions] == [("lookup", 1)]
    assert [(row["task"], row["documents"]) for row in found.benchmark] == [("pci_vendor", 1)]
    assert [(row["source"], row["reason"]) for row in found.quarantine] == [("logs", "binary: no text")]
    assert found.totals | {"clusters": 0} == found.totals | {
        "gold_documents": 3, "gold_bytes": sum(sizes), "split_groups": 3, "without_licence": 0, "redactions": 2,
        "clusters": 0,
    }  # fmt: skip
    assert {row["power"] for row in found.lengths} == {6}
    assert found.redaction.recall > found.unseen.recall > 0.9
    assert found.metrics == {"ingest/figure": 1.0, "curate/figure": 1.0, "tokenize/figure": 1.0}
    assert len(found.notes) == 3
    assert page.render(found).count("\n## ") == 9


def test_without_a_corpus_the_command_to_run_is_named(tmp_path):
    with pytest.raises(DataError, match="kslm ingest"):
        collect(settings_in(tmp_path))
