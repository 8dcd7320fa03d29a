"""The same landing folder, whatever engine and however divided: equal tables, and equal bytes in every shard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kslm.errors import KslmError
from kslm.lake import tables
from kslm.lake.spark import find_java
from world import build_world

RUN = """
import json, sys
from pathlib import Path
import kslm.curate, kslm.ingest, kslm.lake, kslm.tokenize
from kslm.tokens import Manifest
from landed import settings_of

engine, partitions, *homes = sys.argv[1:]
kslm.lake.Lake.partitions = int(partitions)
for home in homes:
    settings = settings_of(Path(home), engine)
    hashes = {}
    for stage in (kslm.ingest, kslm.curate, kslm.tokenize):
        report = stage.run(settings)
        hashes |= report.outputs.get("hashes", {})
    manifest = Manifest.load(Path(report.outputs["manifest"]).parent)
    shards = {name: record.sha256 for name, record in manifest.files.items()}
    print(json.dumps({"tables": hashes, "shards": shards, "slices": manifest.slices}), flush=True)
"""


def start(engine, partitions, homes):
    """The stages in a process of their own, with its own order of sets and its own number of the engine's workers."""
    env = os.environ | {"PYTHONHASHSEED": str(partitions), "PYTHONPATH": str(Path(__file__).parent)}
    # A JVM that lives for a minute spends most of it compiling, unless it is told not to optimize.
    env |= {"OMP_NUM_THREADS": "1", "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    env |= {"SAIL_EXECUTION__DEFAULT_PARALLELISM": str(partitions)}
    command = [sys.executable, "-c", RUN, engine, str(partitions), *map(str, homes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def outcomes(process):
    """What each of its homes holds."""
    try:
        out, err = process.communicate(timeout=570)
    finally:
        process.kill()
    if process.returncode and "unresolved dependency" in err:
        pytest.skip(f"Delta's jars cannot be had: {err[-600:]}")
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The world on the default engine, in one partition."""
    (outcome,) = outcomes(start("sail", 1, [build_world(tmp_path_factory.mktemp("one") / "a home")]))
    return outcome


def test_every_table_and_every_slice_has_something_to_compare(expected):
    assert set(expected["tables"]) == {str(table) for table in tables.ALL}
    empty = [name for name, value in expected["tables"].items() if value.endswith("-0")]
    assert not empty
    assert expected["slices"] == ["admin", "hardware", "instructions", "os"]
    assert {"train.bin", "val.bin", "test.bin", "tokenizer.json"} <= set(expected["shards"])


@pytest.mark.timeout(600)
def test_sail_with_1_2_and_8_partitions_twice_each(expected, tmp_path):
    homes = {
        number: [build_world(tmp_path / f"{number} first"), build_world(tmp_path / f"{number} again")]
        for number in (2, 8)
    }
    homes[1] = [build_world(tmp_path / "1 again")]  # the first time is `expected`
    running = {number: start("sail", number, of_it) for number, of_it in homes.items()}
    try:
        for number, process in running.items():
            assert outcomes(process) == [expected] * len(homes[number]), f"{number} partitions"
    finally:
        for process in running.values():
            process.kill()


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_classic_spark_agrees_with_sail(expected, tmp_path):
    try:
        find_java()
    except KslmError as error:
        pytest.skip(str(error))
    home = build_world(tmp_path / "spark home")
    jars = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kslm-tests"
    jars.mkdir(parents=True, exist_ok=True)
    (home / "cache").mkdir()
    (home / "cache" / "ivy").symlink_to(jars, target_is_directory=True)
    assert outcomes(start("spark", 2, [home])) == [expected]
