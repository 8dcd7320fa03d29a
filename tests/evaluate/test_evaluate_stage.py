import json

import pytest
import torch

from kslm import evaluate, train
from kslm.errors import DataError
from kslm.tracking.client import connect
from train_micro import micro


def test_trained_model_is_evaluated_and_everything_is_in_one_mlflow_run(tmp_path, monkeypatch):
    torch.set_num_threads(1)
    settings = micro(tmp_path, monkeypatch, max_steps=60, learning_rate=0.02)
    trained = train.run(settings)
    trained.save(settings.home.report("micro", "train"))
    report = evaluate.run(settings)
    metrics = report.metrics
    assert metrics["test/perplexity"] < metrics["baseline/unigram/perplexity"]
    assert {"test/bits_per_byte/os", "val/perplexity/hardware", "baseline/bigram/perplexity/os"} <= set(metrics)
    assert 0 < metrics["test/top1"] <= metrics["test/top5"] <= 1 and 0 <= metrics["generation/repetition"] <= 1
    assert all(settings.home.at(file).stat().st_size > 500 for file in report.outputs.files)

    client = connect(settings)
    run = client.get_run(trained.outputs.run_id)
    assert run.info.status == "FINISHED" and run.info.run_name == trained.outputs.run
    assert run.data.metrics["test/perplexity"] == pytest.approx(metrics["test/perplexity"])
    assert {"train/loss", "train/grad_norm", "train/tokens_per_second", "val/bits_per_byte"} <= set(run.data.metrics)
    assert run.data.params["train.max_steps"] == "60" and "version.torch" in run.data.params
    assert run.data.tags["data/table_version"] == "2" and "system/cpu" in run.data.tags
    dataset = run.inputs.dataset_inputs[0].dataset
    assert json.loads(dataset.source)["delta_table_version"] == 2
    model = client.get_logged_model(trained.outputs.model_id)
    assert model.status == "READY" and {m.key for m in model.metrics} >= {"val/perplexity"}
    assert {a.path for a in client.list_artifacts(run.info.run_id, "plots")} == {
        "plots/loss.png",
        "plots/perplexity_by_slice.png",
    }
    assert client.list_artifacts(run.info.run_id, "samples")

    (settings.home.at(trained.outputs.checkpoint) / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(DataError, match="does not load"):
        evaluate.run(settings)
