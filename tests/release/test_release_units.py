import json
import math

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from kslm.errors import DataError
from kslm.profile import Gates
from kslm.release import artefacts, gates, measure, plot, variants
from kslm.runtimes import torch_int8

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


def failed(found):
    return [gate.name for gate in found if not gate.passed]


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
    found = gates.of_model(EVALUATION | metrics, {"fp32": FP32 | figures}, 100, BOUNDS)
    assert failed(found) == names


def test_an_export_that_differs_from_torch_is_refused():
    for difference, names in ((1e-4, []), (0.02, ["export_logits_difference"])):
        measured = {"fp32": FP32, "onnx_fp32": {"logits_difference": difference}}
        assert failed(gates.of_model(EVALUATION, measured, 100, BOUNDS)) == names


def test_a_missing_figure_and_a_profile_without_a_servable_variant_are_errors():
    with pytest.raises(DataError, match="test/perplexity"):
        gates.of_model({}, {"fp32": FP32}, 100, BOUNDS)
    with pytest.raises(DataError, match=r"add int8 or int4"):
        gates.prefer({"torch_int8": []})


def test_windows_are_spread_and_do_not_overlap():
    windows = measure.spread_windows(np.arange(1000, dtype=np.uint16), 32, 320)
    assert windows.shape == (10, 32)
    assert windows.dtype == np.int64
    assert np.all(windows[1:, 0] > windows[:-1, -1])
    assert windows[-1, 0] > 800
    assert len(measure.spread_windows(np.arange(70), 32, 10_000)) == 2
    with pytest.raises(DataError, match="too few"):
        measure.spread_windows(np.arange(31), 32, 100)


def test_repetition_counts_fourgrams_seen_before():
    assert measure.repetition([[1, 2, 3, 4, 5, 6]]) == 0
    assert measure.repetition([[7] * 10]) == pytest.approx(6 / 7)
    assert measure.repetition([[1], []]) == 0


def test_the_increase_is_of_perplexity_and_paired():
    relative, error = measure.increase([1.01, 2.01, 3.01], [1.0, 2.0, 3.0])
    assert relative == pytest.approx(math.exp(0.01) - 1)
    assert error == pytest.approx(0, abs=1e-9)


def test_an_artefact_is_current_only_whole_unaltered_and_of_the_same_making(tmp_path):
    staged, folder = tmp_path / "staged", tmp_path / "out"
    (staged / "sub").mkdir(parents=True)
    (staged / "sub" / "a").write_text("one")
    manifest = artefacts.publish(staged, folder, {"content_id": "x", "variant": "int8"})
    assert artefacts.current(folder, "x") == manifest
    assert manifest["bytes"] == 3
    assert artefacts.current(folder, "y") is None
    (folder / "sub" / "a").write_text("two")
    assert artefacts.current(folder) is None
    (folder / "manifest.json").unlink()
    assert artefacts.current(folder) is None


def test_torch_int8_is_rebuilt_to_the_last_bit_without_pickle(tmp_path, checkpoint):
    ids = torch.arange(3, 40)[None]
    model = AutoModelForCausalLM.from_pretrained(checkpoint).eval()
    quantized = torch_int8.quantize(model)
    torch_int8.save(quantized, tmp_path)
    (tmp_path / "config.json").write_text((checkpoint / "config.json").read_text())
    with torch.no_grad():
        expected, loaded = quantized(ids).logits, torch_int8.load(tmp_path)(ids).logits
        assert torch.equal(expected, loaded)
        assert 0 < float((expected - model(ids).logits).abs().max()) < 0.1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.int8.safetensors"]
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(DataError, match=r"model\.int8\.safetensors"):
        torch_int8.load(tmp_path)


def test_a_recipe_names_the_versions_that_decide_the_bytes():
    assert set(variants.recipe("int8")["versions"]) == {"onnxruntime", "onnxruntime-genai"}
    assert variants.recipe("int4")["block_size"] == "32"


def test_the_picture_shows_each_measured_variant():
    figure = plot.trade({"fp32": FP32, "int4": GOOD, "int8": {"error": "died"}}, "int4")
    assert [text.get_text().split("\n")[0] for text in figure.axes[0].texts] == ["fp32", "int4 (preferred)"]
