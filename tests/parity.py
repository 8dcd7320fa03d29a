"""The stages from a landing folder to shards, in processes of their own; and what they are expected to give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from world import build_world

PART_BYTES = 20_000
"""Text of a shard's part, so that the small world has several."""

RUN = """
import json, sys
from pathlib import Path
import kslm.curate, kslm.ingest, kslm.lake, kslm.tokenize
from kslm.tokens import Manifest, layout
import parity
from landed import settings_of

engine, partitions, *homes = sys.argv[1:]
kslm.lake.Lake.partitions = int(partitions)
layout.PART_BYTES = parity.PART_BYTES
for home in homes:
    settings = settings_of(Path(home), engine)
    hashes, notes = {}, {}
    for stage in (kslm.ingest, kslm.curate, kslm.tokenize):
        Path(home, f"at {stage.__name__}").touch()
        report = stage.run(settings)
        hashes |= getattr(report.outputs, "hashes", {})
        notes[report.stage] = report.notes
    manifest = Manifest.load(settings.home.at(report.outputs.manifest).parent)
    shards = {name: record.sha256 for name, record in manifest.files.items()}
    print(json.dumps({"tables": hashes, "shards": shards, "slices": manifest.slices, "notes": notes}), flush=True)
"""


def start(engine, partitions, homes, more=None):
    """The stages in a process of their own, with its own order of sets and its own number of the engine's workers.

    `more` is laid over its environment. A home has a file "at <stage>" from when the stage begins.
    """
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {"PYTHONHASHSEED": str(partitions), "PYTHONPATH": os.pathsep.join(paths)}
    # A JVM that lives for a minute spends most of it compiling, unless it is told not to optimize.
    env |= {"OMP_NUM_THREADS": "1", "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    env |= {"SAIL_EXECUTION__DEFAULT_PARALLELISM": str(partitions)} | (more or {})
    command = [sys.executable, "-c", RUN, engine, str(partitions), *map(str, homes)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def outcomes(process, seconds=570):
    """What each of its homes holds."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        process.kill()
    if process.returncode and "unresolved dependency" in err:
        pytest.skip(f"Delta's jars cannot be had: {err[-600:]}")
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def expected(tmp_path_factory):
    """The world on the default engine, in one partition: its home and its outcome, made once a test run.

    Whichever worker comes first makes it; the others wait for that.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    kept = shared / "parity.json"
    with FileLock(shared / "parity.lock"):
        if not kept.exists():
            home = build_world(tmp_path_factory.mktemp("one") / "a home")
            (outcome,) = outcomes(start("sail", 1, [home]))
            kept.write_text(json.dumps([str(home), outcome]))
        home, outcome = json.loads(kept.read_text())
    return Path(home), outcome
