"""What is said where a cluster fails: input, cause and remedy, from real failures; and nothing is written."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import delta
import pytest

import kslm.lake
import spark_cluster
from kslm.errors import KslmError
from kslm.lake.spark_session import DELTA
from kslm.settings import Environment, Settings, SettingsError, load_profile, load_settings

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]

BAD_RUNS = """
import json, os, signal, sys

import kslm.lake
from kslm.errors import KslmError
from kslm.lake import spark_session, tables
from lake_rows import document, frame, settings_in

home, python, wrong, bare = sys.argv[1:]
spark_session._EXECUTOR_SECONDS = 5
try:
    kslm.lake.open(settings_in(home, "spark"))
except KslmError as error:
    print(json.dumps(["no worker", str(error), -1]), flush=True)
sys.stdin.readline()
spark_session._EXECUTOR_SECONDS = 120

def same(batches):
    yield from batches

def killed(batches):
    os.kill(os.getpid(), signal.SIGKILL)
    yield from batches

def no_memory(lake):
    return lake.spark.sql("SELECT repeat(cast(id AS string), 1500000000) text FROM range(1, 3)")

def shuffled(lake):
    return lake.spark.sql("SELECT id, sha2(cast(id AS string), 512) text FROM range(1500000)").repartition(2, "id")

def documents(df):
    columns = [f"cast(null AS {kind}) {name}" for name, kind in tables.DOCUMENTS.columns.items() if name != "doc_id"]
    columns.insert(0, "text AS doc_id")
    return df.selectExpr(*columns)

with kslm.lake.open(settings_in(home, "spark")) as lake:
    context = lake.spark.sparkContext

    def case(name, executable, make, version="3.11"):
        context.pythonExec, context.pythonVer = executable, version
        try:
            lake.make_equal(tables.DOCUMENTS, make(lake))
            said = "nothing was wrong"
        except KslmError as error:
            said = str(error)
        except Exception as error:
            said = f"NOT KNOWN {type(error)} {error}"
        context.pythonExec, context.pythonVer = python, "%d.%d" % sys.version_info[:2]
        print(json.dumps([name, said, lake.read(tables.DOCUMENTS).count()]), flush=True)

    def through(function):
        return lambda lake: frame(lake, tables.DOCUMENTS, [document("a")]).mapInArrow(function, tables.DOCUMENTS.ddl)

    case("no Python", wrong, through(same))
    case("another Python", python, through(same), version="3.9")
    case("no library", bare, through(same))
    case("killed", python, through(killed))
    if "FULL_DISK" in os.environ:
        case("full disk", python, lambda lake: documents(shuffled(lake)))
    case("no memory", python, lambda lake: documents(no_memory(lake)))
    case("good", python, through(same))
    many = frame(lake, tables.DOCUMENTS, [document(str(number)) for number in range(9)])
    lake.make_equal(tables.DOCUMENTS, many.repartition(4))
    before, wanted = lake.size(tables.DOCUMENTS), lake.content_hash(tables.DOCUMENTS)
    lake.optimize(tables.DOCUMENTS)
    lake.vacuum(tables.DOCUMENTS, retention_hours=0)
    after = lake.size(tables.DOCUMENTS)
    assert lake.content_hash(tables.DOCUMENTS) == wanted
    assert after.files == 1 < before.files and after.stored_bytes == after.bytes < before.stored_bytes
    newest = lake.history(tables.DOCUMENTS)[0]
    assert newest["version"] == lake.version(tables.DOCUMENTS) and "VACUUM" in newest["operation"], newest
"""
MORE = """
spark.task.maxFailures 1
spark.files.useFetchCache false
spark.shuffle.compress false
"""


@contextlib.contextmanager
def small_disk(folder):
    """A disk of few megabytes, or None where nothing may be mounted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_what_a_cluster_cannot_do_is_said_and_nothing_is_written(tmp_path):
    """And afterwards the same session writes a table and does its upkeep."""
    home = spark_cluster.with_jars(tmp_path / "home")
    python = spark_cluster.bare_python(tmp_path)
    bare = tmp_path / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    bare.chmod(0o755)
    with small_disk(tmp_path / "disk") as disk:
        local = {"SPARK_LOCAL_DIRS": str(disk)} if disk else {}
        with spark_cluster.running(tmp_path / "cluster", workers=0, environment=local) as cluster:
            paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
            env = os.environ | cluster.driver_environment(MORE) | {"PYTHONPATH": os.pathsep.join(paths)}
            env |= {"PYSPARK_PYTHON": str(python), "JDK_JAVA_OPTIONS": spark_cluster.QUICK_JVM}
            env |= {"FULL_DISK": "1"} if disk else {}
            arguments = [str(home), str(python), str(tmp_path / "no" / "python3"), str(bare)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            process = subprocess.Popen([sys.executable, "-c", BAD_RUNS, *arguments], text=True, env=env, **pipes)
            try:
                first = process.stdout.readline()
                cluster.add_worker()
                out, err = process.communicate("go\n", timeout=800)
            finally:
                process.kill()
    assert process.returncode == 0, err
    said = {name: (text, rows) for name, text, rows in map(json.loads, [first, *out.splitlines()])}
    assert said.pop("good") == ("nothing was wrong", 1)
    print(json.dumps(said))
    signs = {
        "no worker": r"gave this run no executor in 5 seconds.*start a worker",
        "no Python": r"could not start its Python: .*/no/python3.*PYSPARK_PYTHON",
        "another Python": rf"workers' Python is {sys.version_info[0]}\.{sys.version_info[1]}, this process's is 3\.9",
        "no library": r"no module pyarrow|no module \w+.*requirements",
        "killed": r"Python process died.*less|Python process died",
        "full disk": r"disk is full.*SPARK_LOCAL_DIRS",
        "no memory": r"memory.*spark\.executor\.memory",
    }
    for name, (text, rows) in said.items():
        assert re.search(signs[name], text, re.DOTALL), f"{name}: {text[:3000]}"
        assert name == "no worker" or (rows == 0 and "bronze.documents" in text), f"{name}: {rows} rows; {text}"
    assert said.keys() | {"full disk"} == signs.keys()


def test_a_master_that_is_not_there_is_named_at_once(tmp_path):
    url = f"spark://127.0.0.1:{spark_cluster.free_port()}"
    env = Environment(_env_file=None, KSLM_HOME=tmp_path, KSLM_ENGINE="spark", KSLM_SPARK_MASTER=url)
    with pytest.raises(KslmError, match=f"{url} does not answer(?s:.*)refused(?s:.*)KSLM_SPARK_MASTER"):
        kslm.lake.open(Settings(load_profile("quick"), env))


def test_the_jars_are_those_of_the_package():
    assert DELTA.rpartition(":")[2] == delta.__version__


def test_a_master_that_is_no_cluster_is_refused(monkeypatch):
    monkeypatch.setenv("KSLM_SPARK_MASTER", "local[2]")
    with pytest.raises(SettingsError, match="KSLM_SPARK_MASTER"):
        load_settings("quick")
