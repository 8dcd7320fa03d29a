"""The session of classic Spark: on this machine's cores, or on a standalone cluster that KSLM_SPARK_MASTER names.

Delta's jars come from Maven Central by Spark's own resolver, into the home's cache, or from the folder KSLM_JARS names.
Executors need Python of the driver's version and the libraries; kslm itself is sent to them as a zip, so that they run
the driver's code whatever is installed there. What a cluster's owner decides (memory, cores, shuffle partitions, local
disks) is left to the cluster's and to Spark's own configuration (spark-defaults.conf).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import kslm
from kslm.errors import KslmError
from kslm.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
_OLDEST_JAVA = 17
_GET_JAVA = "install Java 17 or later (Debian, Ubuntu: apt install openjdk-17-jre-headless) or set JAVA_HOME"
_CONNECT_SECONDS = 5
_EXECUTOR_SECONDS = 90
"""How long the first executor may take to register: a JVM on a busy machine takes tens of seconds to start."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def find_java() -> Path:
    """The java program Spark will use.

    Raises:
        KslmError: there is none, or it is too old; says how to get one.
    """
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else Path(shutil.which("java") or "java")
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=True, timeout=60).stderr
    except (OSError, subprocess.SubprocessError) as error:
        raise KslmError("classic Spark needs Java", cause=f"{java}: {error}", remedy=_GET_JAVA) from None
    version = re.search(r'version "(\d+)', answer)
    if not version or int(version[1]) < _OLDEST_JAVA:
        cause = f"{java} is {answer.splitlines()[0] if answer else 'unknown'}"
        raise KslmError(f"classic Spark needs Java {_OLDEST_JAVA} or later", cause=cause, remedy=_GET_JAVA)
    return java


def session(settings: Settings) -> SparkSession:
    """The process's one session, started at the first call.

    Raises:
        KslmError: Java, delta-spark or Delta's jars cannot be had, the master does not answer, or no executor comes.
    """
    find_java()
    if find_spec("delta") is None:
        raise KslmError("classic Spark needs delta-spark", remedy="pip install 'kslm[spark]'")
    master = settings.env.spark_master
    if master:
        _reach(master)
    # Without this the workers are whatever "python3" is on PATH, which has none of our packages; those of a cluster
    # may have theirs elsewhere.
    if not master or "PYSPARK_PYTHON" not in os.environ:
        os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # What an embedded Connect server of the parent process left behind would make this a Connect client.
    for name in ("SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "SPARK_CONNECT_MODE_ENABLED"):
        os.environ.pop(name, None)
    log = settings.home.cache / "spark.log"
    try:
        with _console_to(log):
            spark = _builder(settings).getOrCreate()
    except Exception as error:
        raise KslmError("classic Spark did not start", cause=_cause(log, error), remedy=_remedy(settings)) from error
    spark.sparkContext.setLogLevel("ERROR")
    if master:
        _wait_for_executor(spark, master)
        spark.sparkContext.addPyFile(str(_packed()))
    return spark


def _builder(settings: Settings) -> Any:
    from delta import configure_spark_with_delta_pip
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(settings.env.spark_master or "local[*]").appName("kslm")
    for key, value in _options(settings).items():
        builder = builder.config(key, value)
    if settings.env.jars:
        return builder.config("spark.jars", ",".join(_jars_in(settings.env.jars)))
    return configure_spark_with_delta_pip(builder)


def _options(settings: Settings) -> dict[str, str]:
    kept = settings.home.cache
    options = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.jars.ivy": str(kept / "ivy"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "3g",
        "spark.driver.maxResultSize": "0",
        "spark.databricks.delta.snapshotPartitions": "2",
        # Upkeep is told how long to keep files; VACUUM lists a folder in as many tasks as this, 10,000 by default.
        "spark.databricks.delta.retentionDurationCheck.enabled": "false",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "2000",
        "spark.sql.warehouse.dir": str(kept / "spark-warehouse"),
    }
    if not settings.env.spark_master:
        options |= {
            "spark.sql.shuffle.partitions": str(max(4, os.cpu_count() or 1)),
            "spark.local.dir": str(kept / "spark-local"),
        }
    # Executors on other machines must reach the driver: Spark knows this machine's address.
    if all(host in _LOOPBACK for host, _ in _hosts(settings.env.spark_master or "")):
        options |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    return options


def _hosts(master: str) -> list[tuple[str, int]]:
    """The masters of `spark://one:7077,two:7077`; none for this machine."""
    parts = [urlsplit(f"//{part}") for part in master.removeprefix("spark://").split(",") if part]
    return [(part.hostname or "", part.port or 7077) for part in parts]


def _reach(master: str) -> None:
    """Ask for a connection first: Spark itself tries for a minute, and says little."""
    failures = []
    for host, port in _hosts(master):
        try:
            socket.create_connection((host, port), _CONNECT_SECONDS).close()
        except OSError as error:
            failures.append(f"{host}:{port}: {error.strerror or error}")
        else:
            return
    raise KslmError(
        f"the Spark master {master} does not answer",
        cause="; ".join(failures),
        remedy="start it (docs/operations.md, A Spark cluster), or correct KSLM_SPARK_MASTER, or unset it",
    )


def _wait_for_executor(spark: SparkSession, master: str) -> None:
    """Without an executor Spark would wait for ever."""
    context: Any = spark.sparkContext
    until = time.monotonic() + _EXECUTOR_SECONDS
    while time.monotonic() < until and not context._jsc.sc().isStopped():
        # The driver's own block manager is one of them.
        if context._jsc.sc().getExecutorMemoryStatus().size() > 1:
            return
        time.sleep(0.1)
    spark.stop()
    raise KslmError(
        f"the Spark master {master} gave this run no executor in {_EXECUTOR_SECONDS} seconds",
        cause="no worker is alive, none has the memory and cores free, or none can reach this machine",
        remedy="look at the master's page (port 8080) and the workers' logs; start a worker, or ask for less memory "
        "(spark.executor.memory in spark-defaults.conf)",
    )


@cache
def _packed() -> Path:
    """The package as a zip that Python imports from, kept until the process ends: executors may come at any time."""
    folder = Path(tempfile.mkdtemp(prefix="kslm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    package = Path(kslm.__file__).parent
    with zipfile.ZipFile(folder / "kslm.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(package.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                packed.write(file, file.relative_to(package.parent))
    return folder / "kslm.zip"


def _jars_in(folder: Path) -> list[str]:
    jars = sorted(str(path) for path in folder.expanduser().absolute().glob("*.jar"))
    if not any("delta-spark" in Path(jar).name for jar in jars):
        raise KslmError(
            f"KSLM_JARS: no delta-spark jar in {folder}",
            remedy=f"put there the jars of {DELTA} and what it depends on, or unset KSLM_JARS to download them",
        )
    return jars


def _cause(log: Path, error: Exception) -> str:
    """The line that says why, out of the many a JVM prints."""
    lines = log.read_text("utf-8", "replace").splitlines()
    telling = [line.strip(" :") for line in lines if re.search(r"not found|unresolved|Exception|Error", line)]
    return f"{(telling or [str(error)])[0][:500]} (all of it: {log})"


def _remedy(settings: Settings) -> str:
    if settings.env.jars:
        return f"check the jars in {settings.env.jars}: they must be those of {DELTA}"
    return "Delta's jars come from Maven Central: check the network, or set KSLM_JARS to a folder that holds them"


@contextlib.contextmanager
def _console_to(log: Path) -> Iterator[None]:
    """Point descriptors 1 and 2 at `log` for a while; a JVM started meanwhile keeps them."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    originals = os.dup(1), os.dup(2)
    with log.open("wb") as sink:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        for descriptor, original in zip((1, 2), originals, strict=True):
            os.dup2(original, descriptor)
            os.close(original)
