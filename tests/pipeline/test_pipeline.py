from __future__ import annotations

import errno
import os
import subprocess
import sys
import time

import pytest

from kslm.errors import DataError, HomeBusyError, KslmError, SettingsError
from kslm.outputs import Curated, Evaluated, Fetched, Indexed, Ingested, Released, Tokenized, Trained
from kslm.pipeline import STAGES, current_report, fingerprint, hold, run_stage, select
from kslm.pipeline import run as run_module
from kslm.profile import Profile
from kslm.report import Anything, Report
from kslm.settings import Environment, Settings
from miniature import tiny_profile


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("KSLM_HOME", str(tmp_path / "home"))
    return Settings(Profile.model_validate(tiny_profile(tmp_path)), Environment())


TABLES = {"tables": {}, "hashes": {}, "changes": {}}
MADE = {
    "fetch": Fetched(sources={}),
    "ingest": Ingested(**TABLES),
    "curate": Curated(inputs={}, **TABLES),
    "tokenize": Tokenized(manifest="tokenize.out", fingerprint="f"),
    "train": Trained(run_id="r", checkpoint="train.out", weights_sha256="w"),
    "evaluate": Evaluated(files=("evaluate.out",)),
    "release": Released(
        version="1", alias="champion", promoted=True, preferred="int4", model_name="m", gates=[], variants={}
    ),
    "index": Indexed(folder="index.out", lookup="index.out", rows={}, inputs={}),
}


@pytest.fixture
def stages(monkeypatch):
    """Every stage replaced by one that counts its runs and publishes a file."""
    runs: list[str] = []

    def fake(name):
        def run(settings, progress):
            runs.append(name)
            (settings.home.root / f"{name}.out").write_text(name)
            return Report(name, f"{name}-content", MADE[name])

        return run

    for name in STAGES:
        module = type(sys)(f"kslm.{name}")
        module.run = fake(name)
        monkeypatch.setitem(sys.modules, f"kslm.{name}", module)
    return runs


def run_all(settings, **options):
    settings.home.root.mkdir(parents=True, exist_ok=True)
    return [run_stage(name, settings, **options) for name in STAGES]


def changed(settings, **parts):
    return Settings(settings.profile.model_copy(update=parts), settings.env)


def test_stages_run_in_order_once_and_are_then_reused(settings, stages):
    first = run_all(settings)
    assert stages == list(STAGES)
    assert not any(report.reused for report in first)
    second = run_all(settings)
    assert stages == list(STAGES)
    assert all(report.reused for report in second)


def test_the_reports_of_past_runs_are_kept(settings, stages):
    run_all(settings)
    history = settings.home.history("miniature")
    assert {path.name for path in history.iterdir()} == {
        f"{name}-{name}-content"[: len(name) + 17] + ".json" for name in STAGES
    }
    for name in STAGES:
        (kept,) = history.glob(f"{name}-*.json")
        assert Report.load(kept, Anything) == Report.load(settings.home.report("miniature", name), Anything)


def test_force_runs_a_current_stage(settings, stages):
    run_all(settings)
    run_stage("curate", settings, force=True)
    assert stages[len(STAGES) :] == ["curate"]


@pytest.mark.parametrize(
    ("part", "stale"),
    [
        ("sources", {"fetch", "ingest", "curate"}),
        ("curate", {"curate"}),
        ("tokenizer", {"tokenize"}),
        ("train", {"train"}),
        ("evaluate", {"evaluate"}),
        ("release", {"release"}),
    ],
)
def test_a_changed_setting_makes_only_its_readers_stale(settings, stages, part, stale):
    run_all(settings)
    other = {
        "sources": {
            **settings.profile.sources,
            "logs": settings.profile.sources["logs"].model_copy(update={"optional": True}),
        },
        "curate": settings.profile.curate.model_copy(update={"min_chars": 60}),
        "tokenizer": settings.profile.tokenizer.model_copy(update={"vocab_size": 900}),
        "train": settings.profile.train.model_copy(update={"max_steps": 13}),
        "evaluate": settings.profile.evaluate.model_copy(update={"max_tokens": 5000}),
        "release": settings.profile.release.model_copy(update={"repeats": 2}),
    }
    now = changed(settings, **{part: other[part]})
    assert {name for name in STAGES if current_report(name, now) is None} == stale


def test_new_content_makes_what_reads_it_stale(settings, stages):
    run_all(settings)
    path = settings.home.report("miniature", "tokenize")
    report = Report.load(path, Tokenized)
    report.output_id = "other tokens"
    report.save(path)
    assert {name for name in STAGES if current_report(name, settings) is None} == {"train", "evaluate", "release"}


def test_a_stage_whose_published_file_is_gone_is_run_again(settings, stages):
    run_all(settings)
    (settings.home.root / "evaluate.out").unlink()
    assert current_report("evaluate", settings) is None
    assert current_report("train", settings) is not None


def test_a_home_that_was_moved_is_current(settings, stages, monkeypatch, tmp_path):
    run_all(settings)
    settings.home.root.rename(tmp_path / "elsewhere")
    monkeypatch.setenv("KSLM_HOME", str(tmp_path / "elsewhere"))
    assert all(report.reused for report in run_all(Settings(settings.profile, Environment())))


@pytest.mark.parametrize("library", ["torch", "onnxruntime", "gigatoken", "ruff", "pytest"])
def test_another_version_of_a_library_makes_stale_what_it_decides(settings, stages, monkeypatch, library):
    run_all(settings)
    real = run_module.versions
    newer = lambda names: real(names) | ({library: "999"} if library in names else {})  # noqa: E731
    monkeypatch.setattr(run_module, "versions", newer)
    decides = {
        "torch": {"train", "evaluate", "release"},
        "onnxruntime": {"release"},
        "gigatoken": {"tokenize"},
    }
    assert {name for name in STAGES if current_report(name, settings) is None} == decides.get(library, set())


def test_another_engine_means_another_run_of_the_table_stages_only(settings, stages, monkeypatch):
    run_all(settings)
    monkeypatch.setenv("KSLM_ENGINE", "spark")
    now = Settings(settings.profile, Environment())
    assert {name for name in STAGES if current_report(name, now) is None} == {"ingest", "curate", "index"}


def test_changed_code_makes_its_stage_stale(settings, monkeypatch):
    before = fingerprint("fetch", settings)
    monkeypatch.setattr(run_module, "code_hash", lambda rooms: "other code")
    assert fingerprint("fetch", settings) != before


def test_the_users_own_logs_count_by_size_and_time(settings, tmp_path):
    log = tmp_path / "my.log"
    log.write_text("one")
    mine = Settings(settings.profile, settings.env, logs=(log,))
    before = fingerprint("fetch", mine)
    assert before != fingerprint("fetch", settings)
    log.write_text("one two")
    assert fingerprint("fetch", mine) != before


def test_a_stage_without_its_predecessor_says_what_to_run_first(settings, stages):
    with pytest.raises(DataError, match="kslm fetch --profile miniature"):
        run_stage("ingest", settings)


def with_stages(settings, *names):
    return settings.profile.model_copy(update={"stages": names})


def test_a_selection_follows_what_stages_need(settings):
    profile = settings.profile
    assert select(profile) == STAGES
    assert select(profile, "train", "evaluate") == ("train", "evaluate")
    assert select(profile, last="tokenize") == ("fetch", "ingest", "curate", "tokenize")
    assert select(profile, last="index") == ("fetch", "ingest", "index")
    assert select(profile, "index") == ("index",)
    assert "index" in select(profile, "ingest") and "index" not in select(profile, "curate")
    with pytest.raises(KslmError, match="no stage named"):
        select(profile, "trian")
    with pytest.raises(KslmError, match="does not need"):
        select(profile, "train", "fetch")
    with pytest.raises(KslmError, match="does not need"):
        select(profile, "train", "index")


def test_a_profile_says_which_stages_it_has(settings):
    corpus_only = with_stages(settings, "curate", "ingest", "fetch")
    assert select(corpus_only) == ("fetch", "ingest", "curate")
    with pytest.raises(KslmError, match="no stage named 'train'"):
        select(corpus_only, "train")
    with pytest.raises(SettingsError, match="stage train needs one of the stages tokenize"):
        select(with_stages(settings, "fetch", "ingest", "curate", "train"))
    with pytest.raises(ValueError, match="stages"):
        Profile.model_validate(settings.profile.model_dump() | {"stages": ["fetch", "bake"]})


@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), RuntimeError("Generic error: No space left on device (28)")],
)
def test_a_full_disk_is_an_error_with_a_remedy_and_publishes_nothing(settings, stages, monkeypatch, error):
    def run(settings, progress):
        raise error

    monkeypatch.setattr(sys.modules["kslm.fetch"], "run", run)
    with pytest.raises(KslmError, match="is full") as raised:
        run_stage("fetch", settings)
    assert "free space" in raised.value.remedy
    assert not settings.home.report("miniature", "fetch").exists()


def test_a_second_process_is_told_that_the_home_is_busy(settings, tmp_path):
    script = (
        "import sys, time\nfrom kslm.settings import load_settings\nfrom kslm.pipeline import hold\n"
        "with hold(load_settings('quick')):\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    env = os.environ | {"KSLM_HOME": str(settings.home.root)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=env) as other:
        assert other.stdout.readline().strip() == "held"
        with pytest.raises(HomeBusyError, match=str(other.pid)), hold(settings):
            raise AssertionError("two processes hold one home")
        other.kill()
    deadline = time.monotonic() + 10
    while True:
        try:
            with hold(settings):
                break
        except HomeBusyError:
            assert time.monotonic() < deadline, "a killed process still holds the home"
            time.sleep(0.05)


def test_a_home_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("KSLM_HOME", str(blocked / "home"))
    settings = Settings(Profile.model_validate(tiny_profile(tmp_path)), Environment())
    with pytest.raises(KslmError, match="KSLM_HOME"), hold(settings):
        raise AssertionError("held a home below a file")
