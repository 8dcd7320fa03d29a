"""The stages over the URL of a Spark cluster: equal tables and shards, whatever happens to a worker."""

from __future__ import annotations

import time

import psutil
import pytest

import parity
import spark_cluster
from world import build_world

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900)]


def start(cluster, home):
    """The stages on the cluster, whose machines have the libraries and not kslm."""
    python = spark_cluster.bare_python(cluster.folder)
    environment = cluster.driver_environment() | {"PYSPARK_PYTHON": str(python)}
    return parity.start("spark", 2, [home], environment)


def python_below(worker):
    """Whether an executor of the worker is at work in Python."""
    return any(
        "daemon" in " ".join(process.cmdline()) for process in psutil.Process(worker.pid).children(recursive=True)
    )


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


def test_sails_own_cluster_mode_agrees(tmp_path, tmp_path_factory):
    process = parity.start("sail", 2, [build_world(tmp_path / "sail cluster")], {"SAIL_MODE": "local-cluster"})
    try:
        _, expected = parity.expected(tmp_path_factory)
        assert parity.outcomes(process) == [expected]
    finally:
        process.kill()
