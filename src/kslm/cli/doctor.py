"""What works on this machine: each check with its finding, and the remedy where it fails."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from kslm.errors import KslmError
from kslm.pipeline import current_report
from kslm.profile import Place
from kslm.settings import Settings

MIN_MEMORY_GB = 6
MIN_DISK_GB = 6
CONNECT_SECONDS = 3


@dataclass(frozen=True)
class Check:
    """One finding.

    Attributes:
        required: whether `kslm run` cannot do without it.
    """

    name: str
    passed: bool
    finding: str
    remedy: str = ""
    required: bool = True


def examine(settings: Settings) -> list[Check]:
    """Run every check; none of them writes outside KSLM_HOME, and none downloads more than a connection's worth."""
    makers: tuple[Callable[[Settings], Iterator[Check]], ...]
    makers = (_system, _volume, _engine, _java, _torch, _sources, _index, _registry)
    return [check for maker in makers for check in maker(settings)]


def render(checks: list[Check]) -> RenderableType:
    """A table a person can act on."""
    table = Table(box=None, padding=(0, 2), show_header=False, pad_edge=False)
    for check in checks:
        mark = Text("ok", "green") if check.passed else Text("MISSING" if check.required else "no", "red")
        detail = Text(check.finding)
        if not check.passed and check.remedy:
            detail.append(f"\n→ {check.remedy}", "yellow")
        table.add_row(mark, Text(check.name, "bold"), detail)
    return table


def _system(settings: Settings) -> Iterator[Check]:
    version = sys.version_info
    yield Check("Python", (3, 11) <= version < (3, 13), sys.version.split()[0], "use Python 3.11 or 3.12")
    memory = psutil.virtual_memory().total / 1e9
    yield Check("memory", memory >= MIN_MEMORY_GB, f"{memory:.1f} GB", f"quick needs {MIN_MEMORY_GB} GB")
    root = settings.home.root
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    used = sum(f.stat().st_size for f in root.rglob("*") if f.is_file()) / 1e9 if root.exists() else 0.0
    finding = f"{free:.1f} GB free at {root}; kslm holds {used:.2f} GB there"
    yield Check("disk", free + used >= MIN_DISK_GB, finding, f"free {MIN_DISK_GB} GB, or set KSLM_HOME to another disk")


def _volume(settings: Settings) -> Iterator[Check]:
    """A home that takes whole files only needs local disk beside it, and an engine that keeps its tables elsewhere."""
    if not settings.home.on_volume:
        return
    scratch = settings.home.scratch
    existing = next(folder for folder in (scratch, *scratch.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    finding = f"{free:.1f} GB free at {scratch}, for what {settings.home.root} does not take"
    yield Check("scratch", free >= MIN_DISK_GB, finding, "name a larger local folder with KSLM_SCRATCH or TMPDIR")
    remedy = "KSLM_ENGINE=databricks; the local engines keep their tables and MLflow's store in KSLM_HOME: name a disk"
    yield Check("tables", settings.on_databricks, f"of engine {settings.env.engine}, beside a Volume", remedy)


def _engine(settings: Settings) -> Iterator[Check]:
    packages = {"sail": "pysail", "spark": "delta", "databricks": "pyspark"}
    package = packages[settings.env.engine]
    installed = find_spec(package) is not None
    remedy = f"pip install 'kslm[{settings.env.engine}]'"
    if settings.on_databricks:
        remedy = "run this on Databricks, in a job or a notebook: the engine is the workspace's own"
    yield Check("engine", installed, f"{settings.env.engine} ({package})", remedy)
    if settings.on_databricks:
        named = settings.env.experiment or "MLFLOW_EXPERIMENT_NAME is not set"
        remedy = "export MLFLOW_EXPERIMENT_NAME=/Users/<you>/kslm: a path in the workspace whose folder exists"
        yield Check("experiment", bool(settings.env.experiment), named, remedy)


def _java(settings: Settings) -> Iterator[Check]:
    from kslm.lake.spark_session import find_java

    needed = settings.env.engine == "spark"
    try:
        yield Check("Java", True, str(find_java()), required=needed)
    except KslmError as error:
        yield Check("Java", False, error.cause, f"only KSLM_ENGINE=spark needs it: {error.remedy}", required=needed)


def _torch(settings: Settings) -> Iterator[Check]:
    if find_spec("torch") is None:
        yield Check("torch", False, "not installed", "pip install 'kslm[train]'")
        return
    import torch

    from kslm.model import uses_bf16

    arithmetic = "bfloat16" if uses_bf16("auto") else "float32 (bfloat16 is not faster here)"
    yield Check("torch", True, f"{torch.__version__}, {torch.get_num_threads()} threads, trains in {arithmetic}")
    gpu = torch.cuda.is_available()
    name = torch.cuda.get_device_name(0) if gpu else "none; everything runs on the CPU, training takes longer"
    yield Check("GPU", gpu, name, "a CUDA device makes training faster; nothing needs one", required=False)


def _sources(settings: Settings) -> Iterator[Check]:
    for name, source in settings.profile.sources.items():
        landed = (settings.home.landing / name).exists()
        findings = [_place(place, settings.env.debian_mirror) for place in source.places]
        reachable = landed or source.collect or any(ok for ok, _ in findings)
        finding = "already fetched" if landed else "; ".join(text for _, text in findings) or "collected here"
        remedy = "connect once, or put the file somewhere and name it as a path place in the profile"
        yield Check(f"source {name}", reachable, finding, remedy, required=not source.optional)


def _place(place: Place, mirror: str | None) -> tuple[bool, str]:
    if place.path:
        there = Path(place.path).expanduser().exists()
        return there, f"{place.path} {'is here' if there else 'is not here'}"
    if place.debian and mirror:
        there, finding = _answers(mirror)
        return there, f"Debian package {place.debian}: mirror {finding}"
    if place.debian:
        there = shutil.which("apt-get") is not None
        way = "through apt" if there else "(no apt here, and KSLM_DEBIAN_MIRROR is not set)"
        return there, f"Debian package {place.debian} {way}"
    return _answers(place.https or "")


def _answers(url: str) -> tuple[bool, str]:
    address = urlsplit(url)
    host = address.hostname or ""
    try:
        port = address.port or (80 if address.scheme == "http" else 443)
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except (OSError, ValueError) as error:
        return False, f"{host}: {getattr(error, 'strerror', None) or error}"
    return True, f"{host} answers"


def _index(settings: Settings) -> Iterator[Check]:
    profile = settings.profile.profile
    published = settings.home.report(profile, "index").exists()
    current = published and current_report("index", settings) is not None
    finding = "published and current" if current else "older than the tables" if published else "not published yet"
    yield Check("look-up index", current, finding, f"kslm index --profile {profile}", required=False)


def _registry(settings: Settings) -> Iterator[Check]:
    if find_spec("mlflow") is None:
        yield Check("registry", False, "mlflow is not installed", "pip install 'kslm[train]'")
        return
    yield Check("registry", True, f"{settings.registry_uri}, model {settings.registered_model}")
