"""Generated texts' candidates, kept between runs: what a delta costs, and that it changes nothing of the result."""

import pyarrow.parquet as pq

from kslm.curate.records import CANDIDATES, TEXTS
from kslm.curate.refine.candidates import Limits, refine
from kslm.curate.reuse.cache import Cache
from kslm.curate.reuse.generated import refine_generated
from kslm.lake.arrow import to_batch
from kslm.texts import Text

LIMITS = Limits(5, 4000)


def question(number, answer="a card", version="1"):
    said = f"Question: What is device {number}?\nAnswer: It is {answer} of root@host{number}.example.org."
    return Text(f"pci_ids/{number}", "s", f"{number}", "question", "instructions", f"g{number}", version, "MIT", said)


def generated(texts, folder, made_by="r"):
    """How many texts were worked on; all candidates are as if none had been known."""
    path, worked = refine_generated(to_batch(texts, TEXTS), Cache(folder, made_by), LIMITS)
    stored = pq.read_table(path).drop_columns("digest").to_pylist()
    expected = to_batch([one for text in texts for one in refine(text, LIMITS)], CANDIDATES).to_pylist()
    assert sorted(stored, key=lambda row: row["doc_id"]) == sorted(expected, key=lambda row: row["doc_id"])
    return worked


def test_only_texts_that_say_something_new_are_worked_on(tmp_path):
    texts = [question(number) for number in range(9)]
    assert generated(texts, tmp_path) == 9
    assert generated(texts[::-1], tmp_path) == 0
    assert generated([question(0, "a disk"), question(1, version="2"), *texts[3:]], tmp_path) == 1
    assert generated([], tmp_path) == 0
    assert generated(texts, tmp_path) == 9


def test_a_new_version_of_the_same_texts_costs_nothing(tmp_path):
    assert generated([question(number) for number in range(9)], tmp_path) == 9
    assert generated([question(number, version="2") for number in range(9)], tmp_path) == 0


def test_what_something_else_made_is_no_help(tmp_path):
    assert generated([question(1)], tmp_path) == 1
    assert generated([question(1)], tmp_path, "other") == 1
    assert generated([question(1)], tmp_path, "other") == 0
