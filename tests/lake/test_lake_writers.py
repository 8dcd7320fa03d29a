"""Processes that write to, or take away, what another one works on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import kslm.lake
import spark_cluster
from kslm.errors import DataError, KslmError
from kslm.lake import tables, write
from kslm.lake.spark_session import find_java
from lake_rows import document, make_equal, settings_in

WRITER = """
import json, sys, time
from pathlib import Path
import kslm.lake
from kslm.lake import tables
from lake_rows import document, frame, settings_in

home, me, other, engine = sys.argv[1:]
meet = Path(home, "meet")

def together(batches):
    # Each evaluation by one writer waits for the other's of the same number.
    number = len(list(meet.glob(f"{me}-*"))) + 1
    Path(meet, f"{me}-{number}").touch()
    until = time.monotonic() + 400
    while not (Path(meet, f"{other}-{number}").exists() or Path(meet, f"{other} done").exists()):
        assert time.monotonic() < until
        time.sleep(0.02)
    yield from batches

with kslm.lake.open(settings_in(home, engine)) as lake:
    rows = frame(lake, tables.DOCUMENTS, [document(f"{me}{number}") for number in range(4)] + [document("of both", me)])
    version = lake.make_equal(tables.DOCUMENTS, rows.coalesce(1).mapInArrow(together, tables.DOCUMENTS.ddl))
    Path(meet, f"{me} done").touch()
    held = sorted((row["doc_id"], row["text"]) for row in lake.read(tables.DOCUMENTS, version).collect())
    print(json.dumps([version, held]))
"""


def writer(home, me, other, engine):
    paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "JDK_JAVA_OPTIONS": spark_cluster.QUICK_JVM}
    command = [sys.executable, "-c", WRITER, str(home), me, other, engine]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def rows_of(me):
    return [[f"{me}{number}", "text"] for number in range(4)] + [["of both", me]]


def both_wrote(home, engine):
    (home / "meet").mkdir()
    processes = [writer(home, me, other, engine) for me, other in (("a", "b"), ("b", "a"))]
    said = []
    for process in processes:
        out, err = process.communicate(timeout=500)
        assert process.returncode == 0, err
        said.append(json.loads(out.splitlines()[-1]))
    with kslm.lake.open(settings_in(home)) as lake:
        history = {commit["version"] for commit in lake.history(tables.DOCUMENTS)}
        now = [[row["doc_id"], row["text"]] for row in lake.read(tables.DOCUMENTS).orderBy("doc_id").collect()]
        newest = lake.version(tables.DOCUMENTS)
    (first, held_a), (second, held_b) = said
    assert held_a == rows_of("a") and held_b == rows_of("b"), "each holds what it wrote, and nothing of the other's"
    assert first != second and {first, second} <= history
    assert newest == max(first, second)
    assert now == rows_of("a" if first > second else "b")


@pytest.mark.parametrize("filled", [False, True])
def test_two_writers_at_once_lose_nothing(tmp_path, filled):
    if filled:
        with kslm.lake.open(settings_in(tmp_path)) as lake:
            make_equal(lake, tables.DOCUMENTS, [document("before")])
    both_wrote(tmp_path, "sail")


@pytest.mark.long
@pytest.mark.spark
@pytest.mark.timeout(600)
def test_two_writers_at_once_lose_nothing_on_classic_spark(tmp_path):
    try:
        find_java()
    except KslmError as error:
        pytest.skip(str(error))
    with kslm.lake.open(settings_in(tmp_path)) as lake:
        make_equal(lake, tables.DOCUMENTS, [document("before")])
    both_wrote(spark_cluster.with_jars(tmp_path), "spark")


def test_who_always_loses_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(write, "_PAUSE_SECONDS", 0)
    settings = settings_in(tmp_path)
    with kslm.lake.open(settings) as lake, kslm.lake.open(settings) as other:
        make_equal(lake, tables.DOCUMENTS, [document("a")])
        overwrite, turns = write._overwrite, iter(range(100))

        def late(engine, table, df):
            if engine is lake._engine:
                make_equal(other, table, [document(str(next(turns)))])
            return overwrite(engine, table, df)

        monkeypatch.setattr(write, "_overwrite", late)
        with pytest.raises(DataError, match=r"bronze.documents could not be written in 6 tries"):
            make_equal(lake, tables.DOCUMENTS, [document("b")])


def test_a_lake_shows_one_state_of_a_table_that_others_change(tmp_path):
    settings = settings_in(tmp_path)
    with kslm.lake.open(settings) as reader, kslm.lake.open(settings) as writer:
        first = make_equal(writer, tables.DOCUMENTS, [document("a")])
        rows = reader.read(tables.DOCUMENTS)
        make_equal(writer, tables.DOCUMENTS, [document("b")])
        assert [row["doc_id"] for row in rows.collect()] == ["a"]
        assert [row["doc_id"] for row in reader.read(tables.DOCUMENTS).collect()] == ["a"]
        assert reader.version(tables.DOCUMENTS) == first
    with kslm.lake.open(settings) as anew:
        assert [row["doc_id"] for row in anew.read(tables.DOCUMENTS).collect()] == ["b"]


def test_a_table_that_is_taken_away_while_it_is_read_is_named(tmp_path):
    settings = settings_in(tmp_path)
    with kslm.lake.open(settings) as reader, kslm.lake.open(settings) as writer:
        make_equal(writer, tables.DOCUMENTS, [document("a")])
        reader.version(tables.DOCUMENTS)
        make_equal(writer, tables.DOCUMENTS, [document("b")])
        writer.vacuum(tables.DOCUMENTS, retention_hours=0)
        with pytest.raises(KslmError, match=r"(?s)reading table bronze.documents failed.*gone.*run the stage again"):
            reader.content_hash(tables.DOCUMENTS)
        kept = reader.read(tables.DOCUMENTS)
        with pytest.raises(KslmError, match=r"writing table bronze.files|writing table bronze.documents"):
            reader.make_equal(tables.DOCUMENTS, kept)
        assert [row["doc_id"] for row in writer.read(tables.DOCUMENTS).collect()] == ["b"]
    shutil.rmtree(tmp_path / "lake")
