"""The stages over the URL of a Spark cluster: equal tables and shards, whatever happens to a worker."""

from __future__ import annotations

import contextlib
import shutil
import time

import psutil
import pytest
import yaml

import kslm.fetch
import parity
import spark_cluster
from kslm.errors import SourceError
from kslm.settings import Environment, Settings, load_profile
from world import build_world

REPORT = "reports/quick/fetch.json"
pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]


def start(cluster, home):
    """The stages on the cluster, whose machines have the libraries and not kslm."""
    python = spark_cluster.bare_python(cluster.folder)
    environment = cluster.driver_environment() | {"PYSPARK_PYTHON": str(python)}
    return parity.start("spark", 2, [home], environment)


def quick_home(home):
    """A home in which the sources of `quick` have landed, as `parity.start` takes it."""
    profile = load_profile("quick")
    try:
        kslm.fetch.run(Settings(profile, Environment(_env_file=None, KSLM_HOME=home))).save(home / REPORT)
    except SourceError as error:
        pytest.skip(str(error))
    (home / "mini.yml").write_text(yaml.safe_dump(profile.model_dump(mode="json", exclude_unset=True)))
    return home


def python_below(worker):
    """Whether an executor of the worker is at work in Python."""
    with contextlib.suppress(psutil.NoSuchProcess):
        below = psutil.Process(worker.pid).children(recursive=True)
        return any("pyspark.daemon" in process.cmdline() for process in below)
    return False


def killed_in(stage, process, cluster, home):
    """Kill a worker once it is at work in the stage."""
    while not (home / f"at kslm.{stage}").exists() or not python_below(cluster.workers[0]):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    cluster.kill_worker(cluster.workers[0])


@pytest.mark.parametrize(
    "stage",
    [pytest.param("ingest", marks=pytest.mark.long), "curate", pytest.param("tokenize", marks=pytest.mark.long)],
)
def test_a_cluster_that_loses_a_worker_agrees_with_sail(stage, tmp_path, tmp_path_factory):
    home = spark_cluster.with_jars(build_world(tmp_path / "cluster home"))
    with spark_cluster.running(tmp_path / "cluster") as cluster:
        process = start(cluster, home)
        try:
            killed_in(stage, process, cluster, home)
            _, expected = parity.expected(tmp_path_factory)
            assert parity.outcomes(process) == [expected]
        finally:
            process.kill()
        assert cluster.workers[0].returncode is not None
        assert cluster.workers[1].poll() is None


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_quick_on_a_cluster_agrees_with_sail(tmp_path):
    landed = quick_home(tmp_path / "sail home")
    home = spark_cluster.with_jars(shutil.copytree(landed, tmp_path / "cluster home"))
    with spark_cluster.running(tmp_path / "cluster") as cluster:
        on_cluster, on_sail = start(cluster, home), parity.start("sail", 2, [landed])
        try:
            assert parity.outcomes(on_cluster, 7000) == parity.outcomes(on_sail, 7000)
        finally:
            on_cluster.kill()
            on_sail.kill()


@pytest.mark.long
def test_sails_own_cluster_mode_agrees(tmp_path, tmp_path_factory):
    process = parity.start("sail", 2, [build_world(tmp_path / "sail cluster")], {"SAIL_MODE": "local-cluster"})
    try:
        _, expected = parity.expected(tmp_path_factory)
        assert parity.outcomes(process) == [expected]
    finally:
        process.kill()
