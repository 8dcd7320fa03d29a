"""The whole stage on one small home: killed by SIGKILL, finished, released again, refused."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kslm import release
from kslm.errors import DataError
from kslm.outputs import Evaluated, Released, Trained, load
from kslm.published import whole
from kslm.report import Report
from kslm.serve.champion import Writer
from kslm.tracking import registry
from kslm.tracking.client import connect

ONE_RUN = """
import sys
from pathlib import Path
from kslm.release import run
from kslm.settings import Environment, Settings, load_profile
root = Path(sys.argv[1])
run(Settings(load_profile(root / "mini.yml"), Environment(KSLM_HOME=root)))
"""
MODEL = "kslm.mini.kslm_quick"


def killed_when(root: Path, reached) -> None:
    """Run the stage in a process of its own and kill it the moment `reached()` holds."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", ONE_RUN, str(root)], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 270
    while not reached():
        assert process.poll() is None, "the stage ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.long)], ids="killed {} times".format)
def released(request, tmp_path_factory, checkpoint, new_home):
    """A home whose release was killed while it was registering and, in a campaign, while it was building before."""
    settings = new_home(tmp_path_factory.mktemp("release") / "home", checkpoint)
    root = settings.home.root
    if request.param == 2:
        killed_when(root, lambda: list(root.glob("artefacts/*/onnx_fp32/*")))
        assert not list(root.glob("artefacts/*/int4/manifest.json"))
    killed_when(root, lambda: len(list(root.glob("mlartifacts/models/m-*/artifacts/manifest.json"))) >= 2)
    return settings, release.run(settings)


def versions_of(settings):
    return {v.tags["variant"]: v for v in connect(settings).search_model_versions(f"name='{MODEL}'")}


def test_after_kills_every_variant_is_whole_measured_and_registered_once(released):
    settings, report = released
    assert report.outputs.promoted is True
    assert report.outputs.alias == "champion"
    assert list(report.outputs.variants) == ["fp32", "int8", "int4"]
    for name, variant in report.outputs.variants.items():
        manifest = whole(settings.home.at(variant.path))
        assert manifest is not None
        assert not Path(variant.path).is_absolute()
        assert manifest["lineage"]["training_run"] in variant.path
        assert manifest["metrics"]["perplexity"] == variant.perplexity > 1
        assert variant.decode_tokens_per_second > 10
        assert variant.peak_rss_mb > 20
        assert variant.size_mb < 1
        assert report.metrics[f"quant/{name}/perplexity"] == variant.perplexity
    assert abs(report.outputs.variants["int8"].perplexity_increase) < 0.05
    assert report.metrics["quant/onnx_fp32/logits_difference"] < 1e-4
    assert report.metrics["release/speedup"] == report.outputs.variants[report.outputs.preferred].speedup
    versions = connect(settings).search_model_versions(f"name='{MODEL}'")
    assert sorted(v.tags["variant"] for v in versions) == ["fp32", "int4", "int8"]
    assert not list(settings.home.cache.glob("release*"))


def test_every_gate_has_a_name_of_its_own_among_the_tags(released):
    settings, report = released
    for name, version in versions_of(settings).items():
        gates = [key for key in version.tags if key.startswith("gate_")]
        assert len(gates) == len(report.outputs.variants[name].gates) + 6
        assert "gate_non_finite" in gates


def test_the_champion_can_be_read_back_and_writes(released):
    settings, report = released
    served = registry.champion(settings)
    assert (served.name, served.version) == (MODEL, report.outputs.version)
    assert served.runtime == "onnx"
    assert "signature" in (served.folder / "MLmodel").read_text()
    assert isinstance(Writer(served).write("Which driver does PCI 8086:1533 need?"), str)


def test_figures_bounds_and_picture_are_in_the_training_run(released):
    settings, report = released
    client = connect(settings)
    run = client.get_run(load(settings, Trained).outputs.run_id)
    assert run.data.metrics["gate/perplexity/figure"] == 500
    assert run.data.metrics["gate/perplexity/bound"] == 2000
    assert run.data.metrics["quant/int4/size_mb"] == report.outputs.variants["int4"].size_mb
    assert run.data.tags["gate/perplexity"] == "pass: 500 <= 2000"
    assert [f.path for f in client.list_artifacts(run.info.run_id, "release")] == ["release/variants.png"]
    assert versions_of(settings)["int4"].tags["gate_perplexity"] == "pass: 500 <= 2000"


def test_a_refused_model_is_registered_with_the_reason_and_the_champion_stays(released):
    settings, before = released
    path = settings.home.report("mini", "evaluate")
    text = path.read_text()
    metrics = {"test/perplexity": 9000.0, "baseline/bigram/perplexity": 600.0}
    Report("evaluate", "e2", metrics=metrics, outputs=Evaluated()).save(path)
    built = {p: p.stat().st_mtime_ns for p in settings.home.artefacts.rglob("*.onnx")}
    try:
        report = release.run(settings)
    finally:
        path.write_text(text)
    assert report.outputs.promoted is False
    assert report.outputs.alias == "challenger"
    assert [gate.name for gate in report.outputs.gates if not gate.passed] == ["perplexity", "below_bigram"]
    assert {p: p.stat().st_mtime_ns for p in settings.home.artefacts.rglob("*.onnx")} == built
    versions = versions_of(settings)
    assert len(versions) == 3
    assert "perplexity FAIL: 9000 <= 2000" in versions[report.outputs.preferred].tags["rejected"]
    aliases = {alias: str(v) for alias, v in connect(settings).get_registered_model(MODEL).aliases.items()}
    assert aliases["champion"] == before.outputs.version
    assert aliases["challenger"] == report.outputs.version


def test_altered_weights_are_refused_before_anything_is_built(tmp_path, checkpoint, new_home):
    settings = new_home(tmp_path / "home", checkpoint)
    weights = settings.home.checkpoints / "one" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(DataError, match="not what was trained"):
        release.run(settings)
    weights.unlink()
    with pytest.raises(DataError, match="no weights"):
        release.run(settings)
    assert not settings.home.artefacts.exists()


def test_a_report_is_read_as_it_was_written(released, tmp_path):
    _, report = released
    report.save(tmp_path / "mini" / "release.json")
    assert Report.load(tmp_path / "mini" / "release.json", Released).outputs == report.outputs
