"""Classic Spark with Delta's jars: the second local engine.

The jars come from Maven Central by Spark's own resolver, into the home's cache, or from the folder KSLM_JARS names.
Delta's Python package is not needed: it holds an API that not every engine has. The session stays up until the process
ends, because a JVM takes many seconds to start. Delta's catalog can only stand in for `spark_catalog`, so tables are
named by path here.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kslm.errors import KslmError
from kslm.lake.engine import LocalEngine
from kslm.lake.tables import Table
from kslm.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DELTA = "io.delta:delta-spark_4.2_2.13:4.4.0"
_OLDEST_JAVA = 17
_GET_JAVA = "install Java 17 or later (Debian, Ubuntu: apt install openjdk-17-jre-headless) or set JAVA_HOME"


class SparkEngine(LocalEngine):
    """A local session on all cores."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        find_java()
        self.spark = _session(settings)

    def name(self, table: Table) -> str:
        """The table's name in SQL: its path."""
        return "delta.`" + str(self.path(table)).replace("`", "``") + "`"

    def url(self, path: Path) -> str:
        """The path, with what would be a glob pattern escaped."""
        return re.sub(r"([][{}*?\\])", r"\\\1", str(path))

    def create(self, table: Table) -> None:
        """Create the table if it is missing."""
        if not self.exists(table):
            self.spark.sql(f"CREATE TABLE IF NOT EXISTS {self.name(table)} ({table.ddl}) USING delta")

    def close(self) -> None:
        """The session stays for the next stage; the process's end stops it."""


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


def _session(settings: Settings) -> SparkSession:
    from pyspark.sql import SparkSession

    # Without this the workers are whatever "python3" is on PATH, which has none of our packages.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    # What an embedded Connect server of the parent process left behind would make this a Connect client.
    for name in ("SPARK_REMOTE", "SPARK_LOCAL_REMOTE", "SPARK_CONNECT_MODE_ENABLED"):
        os.environ.pop(name, None)
    builder = SparkSession.builder.master("local[*]").appName("kslm")
    for key, value in _options(settings).items():
        builder = builder.config(key, value)
    log = settings.home.cache / "spark.log"
    try:
        with _console_to(log):
            spark = builder.getOrCreate()
    except Exception as error:
        raise KslmError("classic Spark did not start", cause=_cause(log, error), remedy=_remedy(settings)) from error
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _options(settings: Settings) -> dict[str, str]:
    cache = settings.home.cache
    options = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "3g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.maxResultSize": "0",
        "spark.sql.shuffle.partitions": str(max(4, os.cpu_count() or 1)),
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "2000",
        "spark.sql.warehouse.dir": str(cache / "spark-warehouse"),
        "spark.local.dir": str(cache / "spark-local"),
    }
    if settings.env.jars:
        return options | {"spark.jars": ",".join(_jars_in(settings.env.jars))}
    return options | {"spark.jars.packages": DELTA, "spark.jars.ivy": str(cache / "ivy")}


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
