"""What is drawn is what was measured."""

from kslm.evaluate import plots


def test_perplexities_are_taken_from_the_test_split_by_slice():
    metrics = {
        "test/perplexity": 60.0, "test/perplexity/os": 70.0, "val/perplexity": 50.0, "test/top1": 0.3,
        "baseline/bigram/perplexity": 90.0, "baseline/bigram/perplexity/os": 95.0, "baseline/unigram/perplexity": 900.0,
    }  # fmt: skip
    assert plots.perplexities(metrics) == {
        "unigram": {"all": 900.0},
        "bigram": {"all": 90.0, "os": 95.0},
        "model": {"all": 60.0, "os": 70.0},
    }


def test_each_run_is_a_curve_that_says_where_it_ended():
    (axes,) = plots.compared({"a": [(1, 5.0), (2, 4.0)], "b": [(1, 3.0)]}, "loss", "Runs").axes
    assert [line.get_xydata().tolist() for line in axes.lines] == [[[1, 5], [2, 4]], [[1, 3]]]
    assert [text.get_text() for text in axes.texts] == ["4.000", "3.000"]
