"""Every runtime on one small model: what it writes token by token is what it scores at once."""

import json

import numpy as np
import pytest
import torch
from transformers import MistralForCausalLM

from kslm.errors import DataError
from kslm.evaluate.score import score as score_model
from kslm.measures import starts
from kslm.release.variants import VARIANTS, order
from kslm.release.worker import score
from kslm.runtimes import open_runtime
from kslm.runtimes.torch_int8 import rebuild
from kslm.tokens import EOT_ID
from small_checkpoint import write_checkpoint

IDS = np.arange(3, 23, dtype=np.int64)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The reference, its graph and the torch variant, each as its file builds it."""
    root = tmp_path_factory.mktemp("runtimes")
    checkpoint = write_checkpoint(root / "checkpoint")
    built = {}
    for name in order(["torch_int8", "onnx_fp32"]):
        built[name] = root / name
        built[name].mkdir()
        VARIANTS[name].build(checkpoint, built, built[name])
    return built


@pytest.fixture(scope="module")
def model(folders):
    return MistralForCausalLM.from_pretrained(folders["fp32"]).eval()


@pytest.mark.parametrize("name", ["fp32", "torch_int8", "onnx_fp32"])
def test_a_text_read_token_by_token_has_the_logits_of_its_window(name, folders):
    runtime = open_runtime(VARIANTS[name].runtime, folders[name], 1)
    assert runtime.context_length == 64
    # Dynamic int8 rounds activations by the largest of all that are read together.
    tolerance = 0.03 if name == "torch_int8" else 1e-4
    logits = runtime.logits(IDS)
    assert len(logits) == 20
    assert np.allclose(runtime.start(IDS[:10]), logits[9], atol=tolerance)
    for place in range(10, 20):
        assert np.allclose(runtime.step(int(IDS[place])), logits[place], atol=tolerance)
    assert np.allclose(runtime.start(IDS[:5]), logits[4], atol=tolerance), "a new text begins without the old one"
    assert min(runtime.timed(IDS[:8], 4)) > 0


def test_weights_are_counted_where_the_format_tells_of_them(folders, model):
    weights = open_runtime("torch", folders["fp32"], 1).weights()
    count = sum(parameter.numel() for parameter in model.parameters())
    assert weights == {"parameters": count, "non_finite_weights": 0, "missing_weights": 0}
    assert open_runtime("onnx", folders["onnx_fp32"], 1).weights() == {}


def test_torch_int8_is_rebuilt_to_the_last_bit_without_pickle(folders, model, tmp_path):
    from kslm.release.variants.torch_int8 import quantize

    folder = folders["torch_int8"]
    ids = torch.from_numpy(IDS)[None]
    with torch.no_grad():
        expected, loaded = quantize(model)(ids).logits, rebuild(folder)(ids).logits
        assert torch.equal(expected, loaded)
        assert 0 < float((expected - model(ids).logits).abs().max()) < 0.1
    assert sorted(p.name for p in folder.iterdir()) == [
        "config.json",
        "model.int8.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    config = json.loads((folder / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    (tmp_path / "model.int8.safetensors").write_bytes((folder / "model.int8.safetensors").read_bytes())
    with pytest.raises(DataError, match=r"model\.int8\.safetensors"):
        open_runtime("torch_int8", tmp_path, 1)


@pytest.mark.parametrize("count", [9, 70])
def test_a_variant_is_scored_as_evaluation_scores_the_model(folders, model, count):
    tokens = np.random.default_rng(0).integers(3, 128, count)
    begins, stream = starts(count, 16), np.concatenate([[EOT_ID], tokens])
    windows = np.stack([stream[begin : begin + min(16, count) + 1] for begin in begins])
    nats, non_finite = score(open_runtime("onnx", folders["onnx_fp32"], 1), windows, begins)
    assert non_finite == 0
    assert nats.shape == (count,)
    assert np.allclose(nats, score_model(model, tokens, 16).nats, atol=1e-4)
