"""Generated texts' candidates, kept between runs: what a delta costs, and that it changes nothing of the result."""

import shutil

import pyarrow.parquet as pq
import pytest

import kslm.lake
from kslm.curate.records import CANDIDATES, TEXTS
from kslm.curate.refine.candidates import Limits, refine
from kslm.curate.reuse.cache import Cache
from kslm.curate.reuse.generated import refine_generated
from kslm.lake.arrow import to_batch
from kslm.texts import Text
from lake_rows import settings_in, to_table

LIMITS = Limits(5, 4000)


def question(number, answer="a card", version="1"):
    said = f"Question: What is device {number}?\nAnswer: It is {answer} of root@host{number}.example.org."
    return Text(f"pci_ids/{number}", "s", f"{number}", "question", "instructions", f"g{number}", version, "MIT", said)


@pytest.fixture
def generated(tmp_path):
    """How many texts were worked on; all candidates are as if none had been known."""
    with kslm.lake.open(settings_in(tmp_path)) as lake:

        def run(texts, made_by="r", follows_from=""):
            scratch = tmp_path / "scratch"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            cache = Cache(tmp_path / "kept", made_by)
            named = follows_from or str(texts)
            path, worked = refine_generated(
                lake,
                lambda: lake.from_arrow(TEXTS, to_table(texts, TEXTS), scratch),
                cache,
                LIMITS,
                follows_from=named,
                scratch=scratch,
            )
            stored = pq.read_table(path).drop_columns("digest").to_pylist()
            expected = to_batch([one for text in texts for one in refine(text, LIMITS)], CANDIDATES).to_pylist()
            assert sorted(stored, key=lambda row: row["doc_id"]) == sorted(expected, key=lambda row: row["doc_id"])
            assert cache.follows_from == named
            return worked

        yield run


def test_only_texts_that_say_something_new_are_worked_on(generated):
    texts = [question(number) for number in range(9)]
    assert generated(texts) == 9
    assert generated(texts[::-1]) == 0
    assert generated([question(0, "a disk"), question(1, version="2"), *texts[3:]]) == 1
    assert generated([]) == 0
    assert generated(texts) == 9


def test_a_new_version_of_the_same_texts_costs_nothing(generated):
    assert generated([question(number) for number in range(9)]) == 9
    assert generated([question(number, version="2") for number in range(9)]) == 0


def test_what_something_else_made_is_no_help(generated):
    assert generated([question(1)]) == 1
    assert generated([question(1)], "other") == 1
    assert generated([question(1)], "other") == 0


def test_nothing_is_generated_where_what_it_follows_from_is_the_same(tmp_path):
    with kslm.lake.open(settings_in(tmp_path)) as lake:
        texts = lake.from_arrow(TEXTS, to_table([question(1)], TEXTS), tmp_path)
        asked = []

        def run(name, follows_from):
            (tmp_path / name).mkdir()
            cache = Cache(tmp_path / "kept", "r")
            refine_generated(
                lake,
                lambda: asked.append(name) or texts,
                cache,
                LIMITS,
                follows_from=follows_from,
                scratch=tmp_path / name,
            )

        run("first", "1")
        run("same", "1")
        run("other", "2")
        run("again", "1")
    assert asked == ["first", "other", "again"], "only the newest is known"
