"""A home on a Unity Catalog Volume: nothing is done to it that a Volume refuses.

Every call in the source that could is classified here, and all stages are run with each Python process watched and,
where FUSE is to be had, on a mount that refuses.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import kslm
import volume_calls
import volume_mount
import volume_rules
from miniature import tiny_profile, write_sources

IN_SCRATCH = "writes below Home.scratch, or a folder made by scratch.emptied below it"
AT_HAND = "reads what scratch.at_hand gave, or a file of scratch"
LOCAL_ENGINE = "of local engines and stores only: their files are not a Volume's"
IN_SEQUENCE = "writes a new file from start to end"
IN_MEMORY = "writes to no file"
FALLS_BACK = "one small file, with another way where a mount has no rename"
SCRATCHS_OWN = "copies the bytes where it cannot rename, and nothing else of the file"
READS = "reads an archive"

CLASSIFIED = {
    ("curate/reuse/cache.py", "write_table"): IN_SEQUENCE,
    ("curate/reuse/documents.py", "write_table"): IN_SEQUENCE,
    ("fetch/places.py", "chmod"): IN_SCRATCH,
    ("fetch/zips.py", "ZipFile"): READS,
    ("figures.py", "savefig"): IN_MEMORY,
    ("index/store.py", "connect"): IN_SCRATCH,
    ("lake/arrow.py", "ParquetWriter"): IN_SEQUENCE,
    ("lake/arrow.py", "write_table"): IN_SEQUENCE,
    ("lake/lake.py", "write_table"): IN_SEQUENCE,
    ("lake/sail.py", "TemporaryDirectory"): LOCAL_ENGINE,
    ("lake/sail.py", "symlink_to"): LOCAL_ENGINE,
    ("lake/spark_session.py", "ZipFile"): LOCAL_ENGINE,
    ("lake/spark_session.py", "mkdtemp"): LOCAL_ENGINE,
    ("notebook/display.py", "savefig"): IN_MEMORY,
    ("pipeline/hold.py", "FileLock"): LOCAL_ENGINE,
    ("published.py", "replace"): FALLS_BACK,
    ("release/measure.py", "save"): IN_SCRATCH,
    ("release/variants/int8.py", "quantize_dynamic"): IN_SCRATCH,
    ("release/variants/torch_int8.py", "quantize_dynamic"): IN_MEMORY,
    ("release/variants/torch_int8.py", "save_file"): IN_SCRATCH,
    ("release/worker.py", "save"): IN_SCRATCH,
    ("scratch.py", "move"): SCRATCHS_OWN,
    ("serve/lookup.py", "connect"): AT_HAND,
    ("tokens/reader.py", "memmap"): AT_HAND,
    ("tokens/writer.py", "TemporaryDirectory"): IN_SCRATCH,
    ("tokens/writer.py", "TemporaryFile"): IN_SCRATCH,
    ("tokens/writer.py", "memmap"): AT_HAND,
    ("tracking/moved.py", "connect"): LOCAL_ENGINE,
    ("tracking/registry.py", "download_artifacts"): IN_SCRATCH,
    ("train/loop.py", "TrainingArguments"): IN_SCRATCH,
}
"""Why each call is right; a new one stands here once somebody has thought about it."""

PLANTED = """
import numpy as np, os, sqlite3, tempfile
from pathlib import Path
home = Path("home")
np.memmap(home / "train.bin")
os.replace(home / "a", home / "b")
Path("a").replace(home / "b")
os.open(home / "log", os.O_WRONLY | os.O_APPEND)
(home / "log").open("a", encoding="utf-8")
open(home / "log", mode="r+b")
sqlite3.connect(home / "index.sqlite")
figure.savefig(home / "plot.png")
(home / "key").chmod(0o600)
model.save_pretrained(home / "model")
tempfile.mkdtemp()
"text".replace("a", "b"), moment.replace(tzinfo=None), open("notes", "rb"), open("all", "wb"), lake.connect()
"""


def test_every_call_that_a_volume_might_refuse_is_classified():
    package = Path(kslm.__file__).parent
    calls = {(f.relative_to(package).as_posix(), call) for f in package.rglob("*.py") for call in volume_calls.found(f)}
    assert not calls - CLASSIFIED.keys(), "is it done in scratch? then say so here"
    assert not CLASSIFIED.keys() - calls, "these are no more"


def test_such_calls_are_found_and_others_are_not(tmp_path):
    (tmp_path / "planted.py").write_text(PLANTED)
    assert sorted(volume_calls.found(tmp_path / "planted.py")) == [
        *("chmod", "connect", "memmap", "mkdtemp", "open O_APPEND", "open a", "open r+b", "replace", "replace"),
        *("save_pretrained", "savefig"),
    ]


BREAKS = """
import fcntl, mmap, os, sqlite3, sys
from contextlib import suppress
from pathlib import Path

home = Path(sys.argv[1])
(home / "folder").mkdir()
(home / "file").write_text("text")
for harm in (
    lambda: open(home / "file", "a"),
    lambda: open(home / "file", "r+"),
    lambda: os.truncate(home / "file", 2),
    lambda: (home / "file").chmod(0o600),
    lambda: os.link(home / "file", home / "link"),
    lambda: (home / "symlink").symlink_to("file"),
    lambda: (home / "folder").rename(home / "other"),
    lambda: sqlite3.connect(home / "index.sqlite").close(),
    lambda: mmap.mmap(os.open(home / "file", os.O_RDONLY), 0, access=mmap.ACCESS_READ),
    lambda: fcntl.flock(os.open(home / "file", os.O_RDONLY), fcntl.LOCK_SH),
):
    with suppress(OSError):
        harm()
with suppress(OSError), open(home / "late", "wb") as stream:
    stream.write(b"head")
    stream.flush()
    stream.seek(0)
    stream.write(b"tail")
(home / "file").write_text("again")
(home / "file").rename(home / "moved")
(home / "mlflow.db").open("a").close()
"""


def test_what_breaks_the_rules_is_seen_and_what_keeps_them_is_not(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    run(home, tmp_path, "-c", BREAKS, str(home))
    seen = [line.split()[:2] for line in (tmp_path / "seen").read_text().splitlines()]
    assert seen == [
        *(["open", "file"], ["open", "file"], ["os.truncate", "file"], ["os.chmod", "file"], ["os.link", "file"]),
        *(["os.symlink", "symlink"], ["os.rename", "folder"], ["sqlite3.connect", "index.sqlite"]),
        *(["mmap.__new__", "file"], ["fcntl.flock", "file"]),
    ]


@pytest.mark.skipif(volume_mount.MISSING != "", reason=f"no mount with a Volume's rules: {volume_mount.MISSING}")
def test_a_mount_refuses_what_breaks_the_rules(tmp_path):
    with volume_mount.mounted(tmp_path) as (home, refused):
        run(home, tmp_path, "-c", BREAKS, str(home))
        assert (home / "moved").read_text() == "again" and (home / "late").read_bytes() == b"head"
        assert refused.read_text().splitlines() == [
            *("append /file", "open for reading and writing /file", "truncate to 2 /file", "chmod /file"),
            *("link /link", "symlink /symlink", "rename of a folder /folder", "write at 0 of 4 /late"),
        ]


# In its short form this is part of test_parity_connect.py, on the engine whose homes are on Volumes.
@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_stage_and_an_answer_keep_a_volumes_rules(tmp_path):
    sources = write_sources(tmp_path / "sources")
    profile = tiny_profile(sources)
    profile["train"] |= {"max_steps": 4, "eval_every": 2, "save_every": 2}
    profile["release"] |= {"variants": ["int4"]}
    (tmp_path / "miniature.yml").write_text(yaml.safe_dump(profile))
    if volume_mount.MISSING:
        home = tmp_path / "home"
        home.mkdir()
        run_all(home, tmp_path, KSLM_SCRATCH=str(tmp_path / "disk"))
        pytest.skip(f"Python's own calls were watched, compiled code was not: {volume_mount.MISSING}")
    with volume_mount.mounted(tmp_path) as (home, refused):
        run_all(home, tmp_path, TMPDIR=str(tmp_path / "disk"))
        assert refused.read_text() == ""


def run_all(home, folder, **environment):
    """All stages and an answer; no violation is seen, and scratch is left with copies only."""
    (folder / "disk").mkdir()
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "OMP_NUM_THREADS": "1"}
    given = ["--profile", str(folder / "miniature.yml")]
    run(home, folder, "-m", "kslm", "run", *given, **store, **environment)
    said = run(
        home, folder, "-m", "kslm", "ask", "Which driver does PCI 1000:0001 need?", *given, **store, **environment
    )
    assert "vendor0" in said
    assert (folder / "seen").read_text() == ""
    assert {path.name for path in (folder / "disk").rglob("copies/*")} == {
        "checkpoints",
        "index",
        "tokens",
        "artefacts",
    }
    assert not list((folder / "disk").rglob("optimizer.pt")), "what was published is not left in scratch"


def run(home, folder, *command, **environment):
    """A Python program that watches what it does to the home; returns what it prints."""
    watched = volume_rules.environment(home, folder)
    env = os.environ | watched | {"KSLM_HOME": str(home)} | environment
    done = subprocess.run([sys.executable, *command], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout
