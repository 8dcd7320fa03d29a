"""Spark Connect with Delta on this machine: a stand-in for the session that a workspace gives.

The server is a process of its own, as on Databricks: the client here holds no JVM, and the workers that run UDFs have
nothing but the packages. Run as a program, this file is that server, until its standard input closes.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kslm.errors import KslmError
from kslm.lake import databricks
from kslm.lake.spark_session import DELTA, find_java

CATALOG = "spark_catalog"
"""The only catalog that Delta's own can stand in for: what KSLM_CATALOG has to be here."""


def jars():
    """The folder that holds Delta's jars from one test run to the next, as Spark's resolver keeps them."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kslm-tests"


class Server:
    """A running server.

    Attributes:
        process: of the server; the JVM and the workers are its children.
        address: what `SparkSession.builder.remote` takes.
    """

    def __init__(self, process, port):
        self.process = process
        self.address = f"sc://127.0.0.1:{port}"

    def session(self):
        """A new session, with no tables of another's temporary ones."""
        from pyspark.sql import SparkSession

        return SparkSession.builder.remote(self.address).create()


@contextlib.contextmanager
def serving(folder):
    """A server whose tables and scratch files lie below `folder`; skips the test where it cannot be had."""
    try:
        find_java()
    except KslmError as error:
        pytest.skip(str(error))
    env = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
    # A JVM that lives for a minute spends most of it compiling, unless it is told not to optimize.
    env |= {"OMP_NUM_THREADS": "1", "SPARK_LOCAL_DIRS": f"{folder}/local"}
    env |= {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
    env |= {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, __file__, str(folder), str(jars())]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
        process = subprocess.Popen(command, text=True, env=env, **pipes)
        try:
            port = process.stdout.readline().strip()
            if not port:
                process.wait(timeout=60)
                log.seek(0)
                said = log.read()
                if "unresolved dependency" in said:
                    pytest.skip(f"Delta's jars cannot be had: {said[-600:]}")
                pytest.fail(f"Spark Connect did not start: {said[-2000:]}")
            yield Server(process, port)
        finally:
            process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
            process.kill()


@contextlib.contextmanager
def as_workspace(server):
    """Make the `databricks` engine use sessions of `server`, one at a time."""
    original, sessions = databricks._session, []

    def session():
        if not sessions:
            sessions.append(server.session())
        return sessions[0]

    databricks._session = session
    try:
        yield
    finally:
        databricks._session = original
        for used in sessions:
            used.stop()


def main(folder, ivy):
    """Serve until standard input closes; the port is printed once sessions are welcome."""
    from pyspark.sql import SparkSession

    options = {
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
        "spark.jars.packages": DELTA,
        "spark.jars.ivy": ivy,
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.sql.shuffle.partitions": "2",
        "spark.databricks.delta.snapshotPartitions": "1",
        # VACUUM lists a folder in as many tasks as this, 10,000 by default.
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        # Compiling a plan takes longer than running it over a few hundred rows.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    service = getattr(spark.sparkContext._jvm, "org.apache.spark.sql.connect.service.SparkConnectService$")
    print(getattr(service, "MODULE$").localPort(), flush=True)
    sys.stdin.read()
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
