"""A Spark standalone cluster on loopback: a master and workers, processes of their own, from the installed package."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyspark
import pytest

from connect_session import jars
from kslm.errors import KslmError
from kslm.lake.spark_session import find_java

SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
# A JVM that lives for a minute spends most of it compiling, unless it is told not to optimize.
QUICK_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
DEFAULTS = """
spark.executor.memory 768m
spark.executor.cores 1
spark.sql.shuffle.partitions 2
spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
spark.network.timeout 60s
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """A running master, and the workers that were started.

    Attributes:
        url: what KSLM_SPARK_MASTER takes.
        workers: processes; an executor is a worker's child, and Python an executor's.
    """

    def __init__(self, folder, environment=None):
        self.folder = folder
        self.workers = []
        self._environment = environment or {}
        self.port = free_port()
        self.url = f"spark://127.0.0.1:{self.port}"
        page = ["--webui-port", str(free_port())]
        self._processes = [self._start("master.Master", "--host", "127.0.0.1", "--port", str(self.port), *page)]
        _until(lambda: _answers(self.port), "the master listens")

    def add_worker(self):
        """Start a worker of one core; returns at once."""
        options = ["--host", "127.0.0.1", "--port", str(free_port()), "--webui-port", str(free_port())]
        options += ["--cores", "1", "--memory", "1g", "--work-dir", str(self.folder / f"work{len(self.workers)}")]
        self.workers.append(self._start("worker.Worker", *options, self.url))
        self._processes.append(self.workers[-1])

    def kill_worker(self, worker):
        """Kill a worker, its executors and their Python at one moment, as when a machine is lost."""
        lost = [psutil.Process(worker.pid), *psutil.Process(worker.pid).children(recursive=True)]
        for process in lost:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        worker.wait(timeout=30)

    def driver_environment(self, more=""):
        """For the process that runs the stages: the cluster, and how its owner has configured Spark."""
        conf = self.folder / "conf"
        conf.mkdir(exist_ok=True)
        (conf / "spark-defaults.conf").write_text(DEFAULTS + more)
        return {"KSLM_ENGINE": "spark", "KSLM_SPARK_MASTER": self.url, "SPARK_CONF_DIR": str(conf)}

    def stop(self):
        for process in self._processes:
            if process.poll() is None:
                self.kill_worker(process)

    def _start(self, name, *arguments):
        of_ours = ("SPARK_", "PYSPARK_", "PYTHON", "KSLM_")
        env = {key: value for key, value in os.environ.items() if not key.startswith(of_ours)}
        env |= {"SPARK_DAEMON_MEMORY": "256m", "JDK_JAVA_OPTIONS": QUICK_JVM, "OMP_NUM_THREADS": "1"}
        env |= {"SPARK_LOCAL_DIRS": str(self.folder / "local"), "SPARK_NO_DAEMONIZE": "1"} | self._environment
        log = (self.folder / f"{name}-{len(self.workers)}.log").open("wb")
        command = [str(SPARK_CLASS), f"org.apache.spark.deploy.{name}", *arguments]
        with log:
            return subprocess.Popen(command, env=env, stdout=log, stderr=log)


@contextlib.contextmanager
def running(folder, workers=2, environment=None):
    """A cluster whose files lie below `folder`; skips the test where there is no Java."""
    try:
        find_java()
    except KslmError as error:
        pytest.skip(str(error))
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder, environment)
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.stop()
        # Each executor had a copy of Delta's jars; logs stay.
        for jar in folder.rglob("*.jar"):
            jar.unlink()


def with_jars(home):
    """Let a home take Delta's jars from where the tests keep them."""
    jars().mkdir(parents=True, exist_ok=True)
    (home / "cache").mkdir(parents=True, exist_ok=True)
    (home / "cache" / "ivy").symlink_to(jars(), target_is_directory=True)
    return home


def bare_python(folder):
    """A Python with every library of this one, and without kslm: what a cluster's machines may have."""
    site = folder / "site"
    site.mkdir(parents=True)
    for entry in sys.path:
        if Path(entry).name in ("site-packages", "dist-packages"):
            for package in Path(entry).iterdir():
                if "kslm" not in package.name and package.suffix != ".pth" and not (site / package.name).exists():
                    (site / package.name).symlink_to(package)
    program = folder / "python"
    program.write_text(f'#!/bin/sh\nexport PYTHONPATH="{site}:$PYTHONPATH"\nexec {sys.executable} -S "$@"\n')
    program.chmod(0o755)
    return program


def _answers(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


def _until(happens, what, seconds=120):
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, f"waited {seconds} s in vain until {what}"
        time.sleep(0.1)
