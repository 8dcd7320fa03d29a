"""The stage on a real lake: what it reports and publishes, and that a kill anywhere changes nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

import kslm.lake
from kslm.errors import DataError
from kslm.lake.arrow import arrow_schema
from kslm.lake.tables import CORPUS
from kslm.outputs import Curated
from kslm.profile import Mix
from kslm.report import Report
from kslm.settings import Environment, Settings, load_profile
from kslm.tokenize import run
from kslm.tokens import Manifest, ShardReader

PROFILE = """
profile: small
sources: {ids: {kind: pci_ids, licence: MIT, places: [{path: /nowhere}]}}
tokenizer: {vocab_size: 512, train_bytes: 10000}
train: {max_steps: 1}
release: {gates: {max_perplexity: 2}}
"""

SCRIPT = """
import sys
from kslm.profile import Mix
from kslm.settings import load_settings
from kslm.tokenize import run
run(load_settings(sys.argv[1]))
"""


def corpus(copies):
    text = "The igb driver serves device {n}.\nRead <|endoftext|> as text. " * copies
    return [
        dict.fromkeys(CORPUS.columns)
        | {
            "doc_id": f"{n:032x}",
            "split": ("train", "train", "val", "test")[n % 4],
            "slice": ("os", "hardware")[n % 2],
            "kind": "rst",
            "bytes": len(text.format(n=n)),
            "text": text.format(n=n),
        }
        for n in range(64)
    ]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("home")
    (root / "small.yml").write_text(PROFILE)
    schema = arrow_schema(CORPUS)
    with kslm.lake.open(settings_of(root)) as lake:
        rows = pa.Table.from_pylist(corpus(40), schema)
        lake.make_equal(CORPUS, lake.spark.createDataFrame(rows, schema=CORPUS.ddl))
    return root


def settings_of(root, **more):
    env = Environment(_env_file=None, KSLM_HOME=root, KSLM_ENGINE="sail", KSLM_CATALOG="kslm", KSLM_SCHEMA="t")
    profile = load_profile(root / "small.yml")
    return Settings(profile.model_copy(update=more), env)


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir() if not path.name.startswith(".")}


def test_the_report_and_what_lies_behind_it(home):
    report = run(settings_of(home))
    folder = folder_of(home, report)
    assert report.stage == "tokenize"
    assert report.outputs.manifest == f"tokens/{folder.name}/manifest.json"
    assert report.outputs.fingerprint == folder.name
    shards = ShardReader(folder, verify=True)
    assert report.output_id == shards.manifest.content_id
    assert report.outputs.tokens == {s: shards.split(s).tokens for s in ("train", "val", "test")}
    assert [len(shards.split(s)) for s in ("train", "val", "test")] == [32, 16, 16]
    assert shards.manifest.lineage.table == "gold.corpus"
    assert report.metrics["tokenize/round_trip_exact"] == 1
    assert report.metrics["tokenize/mb_per_second"] > 0
    assert {"tokenize/bytes_per_token/os", "tokenize/vocabulary_coverage"} <= set(report.metrics)

    before = contents(folder)
    again = run(settings_of(home))
    assert (again.output_id, contents(folder)) == (report.output_id, before)

    renamed = settings_of(home, profile="other")
    assert run(renamed).outputs.fingerprint == folder.name, "equal corpus and settings share a folder"
    smaller = settings_of(home, tokenizer=renamed.profile.tokenizer.model_copy(update={"min_frequency": 50}))
    assert run(smaller).outputs.fingerprint != folder.name
    mixed = run(settings_of(home, mix=Mix(shares={"os": 0.75, "hardware": 0.25})))
    assert mixed.outputs.fingerprint != folder.name
    assert mixed.metrics["tokenize/epoch0/share/os"] == pytest.approx(0.75, abs=0.02)
    assert mixed.metrics["tokenize/epoch0/repeated_tokens/os"] > 0
    assert mixed.metrics["tokenize/epoch0/later_tokens/hardware"] > 0
    assert any("slice os bounds the mix" in note for note in mixed.notes)


def test_no_corpus_is_an_error_that_names_the_remedy(tmp_path):
    (tmp_path / "small.yml").write_text(PROFILE)
    with pytest.raises(DataError, match="kslm curate"):
        run(settings_of(tmp_path))


@pytest.mark.parametrize(
    "moments",
    [
        ["val-00000-of-00001.bin"],
        pytest.param(["tokenizer.json", "val-00000-of-00001.bin"] * 3, marks=pytest.mark.long),
    ],
    ids=len,
)
def test_sigkill_then_the_same_command_gives_the_same_shards(home, monkeypatch, moments):
    folder = home / "tokens" / run(settings_of(home)).outputs.fingerprint
    expected = contents(folder)
    monkeypatch.setenv("KSLM_HOME", str(home))
    monkeypatch.setenv("KSLM_SCHEMA", "t")
    command = [sys.executable, "-c", SCRIPT, str(home / "small.yml")]
    killed = 0
    for watched in moments:
        for path in folder.iterdir():
            path.unlink()
        process = subprocess.Popen(command, env=os.environ.copy())
        while not (folder / watched).exists() and process.poll() is None:
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        if not (folder / "manifest.json").exists():
            with pytest.raises(DataError, match="no readable manifest"):
                ShardReader(folder)
    assert killed
    subprocess.run(command, check=True)
    assert contents(folder) == expected


def test_the_manifest_names_the_versions_behind_the_corpus(home):
    settings = settings_of(home, profile="lineage")
    assert Manifest.load(run_folder(settings)).lineage.tables == {}
    with kslm.lake.open(settings) as lake:
        hashes, version = {"gold.corpus": lake.content_hash(CORPUS)}, lake.version(CORPUS)
    outputs = {"hashes": hashes, "tables": {"gold.corpus": version}, "inputs": {"bronze.files": 7}, "changes": {}}
    curated = Report("curate", "id", Curated(**outputs))
    curated.save(home / "reports" / "lineage" / "curate.json")
    folder = run_folder(settings)
    assert Manifest.load(folder).lineage.tables == {"gold.corpus": version, "bronze.files": 7}
    with kslm.lake.open(settings, at=folder / "manifest.json") as past:
        assert past.pinned == {"gold.corpus": version, "bronze.files": 7}
        assert past["gold.corpus"].count() == len(corpus(40))
    curated.outputs = Curated(**outputs | {"hashes": {"gold.corpus": "another"}})
    curated.save(home / "reports" / "lineage" / "curate.json")
    assert Manifest.load(run_folder(settings)).lineage.tables == {}


def folder_of(home, report):
    return (home / report.outputs.manifest).parent


def run_folder(settings):
    return folder_of(settings.home.root, run(settings))
