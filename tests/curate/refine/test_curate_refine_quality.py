from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.refine.quality import MIN_DOCUMENTS, WINDOW, WINDOWS, Sample, cuts, marks, score

PROSE = "The driver registers itself with the bus, and then it waits until a device appears. " * 3
TABLE = "0x10 CTRL\n0x14 STAT\n0x18 MASK\n0x1c MASK\n0x1c MASK\n"


def test_prose_scores_above_a_table():
    assert score(Sample.of(PROSE)) > 0.9 > 0.8 > score(Sample.of(TABLE))


def test_marks_can_be_checked_by_hand():
    found = marks(Sample.of("the bus is on\nthe bus is on"))
    assert found.letters == 1.0  # 20 of 20, full at 0.8
    assert found.grammar == 1.0  # 6 of 8 are function words
    assert found.distinct_lines == 0.5
    assert found.distinct_words == 1.0  # 4 of 8, full at a half
    assert found.sentences == 1.0
    assert score(Sample.of("the bus is on\nthe bus is on")) == 0.9


def test_long_texts_are_judged_by_windows_from_end_to_end():
    text = "first " + "middle " * 5000 + "last " * 20
    sample = Sample.of(text)
    assert len(sample.text) <= (WINDOW + 1) * WINDOWS
    assert sample.words[0] == "middle"
    assert sample.words[-1] in {"middle", "last"}


@given(st.text(max_size=400))
def test_any_text_has_a_score(text):
    assert 0 <= score(Sample.of(text)) <= 1


def test_the_worst_share_of_each_scored_kind_is_its_cut():
    assert cuts({"c": 40, "man": 39, "rst": MIN_DOCUMENTS - 1, "dts": 99}, 0.1) == {"c": 4, "man": 3}
