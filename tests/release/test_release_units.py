import math

import numpy as np
import pytest

from kslm.errors import DataError
from kslm.profile import Gates
from kslm.release import gates, measure, plot
from kslm.tokens.layout import INDEX
from kslm.tokens.reader import TokenSplit
from kslm.tokens.stream import Stream

BOUNDS = Gates(max_perplexity=100)
GOOD = {
    "perplexity": 50.5, "perplexity_increase": 0.01, "decode_tokens_per_second": 300.0, "speedup": 3.0, "size_mb": 2.0,
    "non_finite": 0, "repetition": 0.1,
}  # fmt: skip
FP32 = GOOD | {"size_mb": 9.0, "decode_tokens_per_second": 100.0, "parameters": 105, "missing_weights": 0}
EVALUATION = {"test/perplexity": 50.0, "baseline/bigram/perplexity": 60.0}


def verdicts(**changed):
    measured = {"fp32": FP32, "int4": GOOD | changed.get("int4", {}), "int8": GOOD | changed.get("int8", {})}
    return {name: gates.of_variant(name, measured, BOUNDS) for name in ("int8", "int4")}


def failed(held):
    return [gate.name for gate in held if not gate.passed]


def test_int4_is_preferred_and_int8_stands_in_where_four_bits_lose_too_much():
    assert gates.prefer(verdicts()) == "int4"
    fallen = verdicts(int4={"perplexity_increase": 0.05})
    assert failed(fallen["int4"]) == ["int4/perplexity_increase"]
    assert gates.prefer(fallen) == "int8"
    assert gates.prefer(verdicts(int4={"speedup": 1.1}, int8={"speedup": 1.1, "size_mb": 9.0})) == "int4"


def test_a_variant_that_died_or_gave_no_number_meets_no_gate():
    died = gates.of_variant("int4", {"fp32": FP32, "int4": {"error": "exit status -4", "size_mb": 1.0}}, BOUNDS)
    assert failed(died) == [g.name for g in died if g.name != "int4/size_mb"]
    assert failed(verdicts(int8={"perplexity_increase": math.nan})["int8"]) == ["int8/perplexity_increase"]


@pytest.mark.parametrize(
    ("metrics", "figures", "names"),
    [
        ({}, {}, []),
        ({"test/perplexity": 100.0, "baseline/bigram/perplexity": 101.0}, {}, []),
        ({"test/perplexity": 100.1, "baseline/bigram/perplexity": 101.0}, {}, ["perplexity"]),
        ({"test/perplexity": 60.0}, {}, ["below_bigram"]),
        ({"test/perplexity": math.nan}, {}, ["perplexity", "below_bigram"]),
        ({}, {"parameters": 111}, ["size_deviation"]),
        ({}, {"non_finite": 1, "missing_weights": 2}, ["non_finite", "missing_weights_on_reload"]),
    ],
)
def test_gates_of_the_model(metrics, figures, names):
    held = gates.of_model(EVALUATION | metrics, {"fp32": FP32 | figures}, 100, BOUNDS)
    assert failed(held) == names


def test_an_export_that_differs_from_torch_is_refused():
    for graph, names in (
        ({"logits_difference": 1e-4}, []),
        ({"logits_difference": 0.02}, ["export_logits_difference"]),
        ({"error": "died"}, ["export_logits_difference"]),
    ):
        measured = {"fp32": FP32, "onnx_fp32": graph, "int4": GOOD | {"logits_difference": 1.0}}
        assert failed(gates.of_model(EVALUATION, measured, 100, BOUNDS)) == names


def test_a_missing_figure_is_an_error():
    with pytest.raises(DataError, match="test/perplexity"):
        gates.of_model({}, {"fp32": FP32}, 100, BOUNDS)


def test_no_gate_of_a_variant_has_the_name_of_one_of_the_model():
    measured = {"fp32": FP32, "onnx_fp32": {}, "int4": GOOD}
    held = [*gates.of_model(EVALUATION, measured, 100, BOUNDS), *gates.of_variant("int4", measured, BOUNDS)]
    names = [gate.name.rpartition("/")[2] for gate in held]
    assert len(set(names)) == len(names) == 12


def stream_of(lengths):
    index = np.zeros(len(lengths), INDEX)
    index["end"], index["bytes"] = np.cumsum(lengths), 1
    split = TokenSplit("test", (np.arange(sum(lengths), dtype=np.uint16),), index, ("os",), ("text",))
    return Stream(split, np.arange(len(lengths)))


def test_windows_read_a_sample_of_the_split_each_token_predicted_by_those_before_it():
    windows, begins = measure.windows_of(stream_of([50] * 20), 32, 320)
    assert windows.shape == (13, 33)
    assert windows.dtype == np.int64
    assert windows[0].tolist() == [0, *range(32)]
    assert begins[1] == 24
    assert windows[1, :9].tolist() == windows[0, 24:].tolist()
    assert windows[-1, -1] == 299
    assert measure.windows_of(stream_of([40]), 64, 1024)[0].shape == (1, 41)
    for lengths in ([31], []):
        with pytest.raises(DataError, match="too few"):
            measure.windows_of(stream_of(lengths), 32, 100)


def test_the_increase_is_of_perplexity_and_paired():
    reference, begins = np.random.default_rng(0).uniform(1, 9, 100), np.array([0, 30, 60])
    relative, error = measure.increase(reference + 0.01, reference, begins, 40)
    assert relative == pytest.approx(math.exp(0.01) - 1)
    assert error == pytest.approx(0, abs=1e-9)
    worse = reference.copy()
    worse[:70] += 0.1
    relative, error = measure.increase(worse, reference, begins, 40)
    # Over 40, 30 and 30 tokens: sums of 4, 3 and 0 where 2.8, 2.1 and 2.1 are the mean's.
    assert error / (1 + relative) == pytest.approx(math.sqrt(3 / 2 * (1.2**2 + 0.9**2 + 2.1**2)) / 100)
    assert math.isnan(measure.increase(worse, reference, begins[:1], 100)[1])


def test_the_picture_shows_each_measured_variant():
    figure = plot.trade({"fp32": FP32, "int4": GOOD, "int8": {"error": "died"}}, "int4")
    assert [text.get_text().split("\n")[0] for text in figure.axes[0].texts] == ["fp32", "int4 (preferred)"]
