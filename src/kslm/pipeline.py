"""The stages in order, and when one may be reused.

A stage is a function `run(settings, progress) -> Report`. Its fingerprint covers the settings it reads, the code that
it runs and the content that earlier stages published; a stage whose report carries the same fingerprint, and whose
files are still there, is current and is not run again. The report is written last, so a killed stage has none.
"""

from __future__ import annotations

import errno
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
import xxhash
from filelock import FileLock, Timeout

from kslm.code import code_hash
from kslm.errors import DataError, HomeBusyError, KslmError
from kslm.report import QUIET, Progress, Report
from kslm.settings import Settings


@dataclass(frozen=True)
class Stage:
    """One stage: what it reads, of the settings, of the stages before it and of the code.

    Attributes:
        reads: parts of the profile whose change makes the stage stale.
        after: stages whose published content it reads.
        rooms: packages and modules of kslm whose code it runs.
        engine: whether its work goes through the lake, so that another engine means another run.
    """

    name: str
    help: str
    reads: tuple[str, ...]
    after: tuple[str, ...]
    rooms: tuple[str, ...]
    engine: bool = False

    @property
    def run(self) -> Callable[[Settings, Progress], Report]:
        """The stage's function; imported on first use, since torch and Spark are slow to load."""
        return import_module(f"kslm.{self.name}").run


PIPELINE = {
    stage.name: stage
    for stage in (
        Stage("fetch", "get the sources, verified", ("sources",), (), ("fetch", "collect")),
        Stage(
            "ingest",
            "read them into bronze tables",
            ("sources",),
            ("fetch",),
            ("ingest", "lake", "sources", "redact"),
            engine=True,
        ),
        Stage(
            "curate",
            "extract, clean, redact, deduplicate, split: silver and gold",
            ("sources", "curate", "seed"),
            ("ingest",),
            ("curate", "lake", "sources", "redact"),
            engine=True,
        ),
        Stage(
            "tokenize",
            "train the tokenizer, mix, write shards",
            ("tokenizer", "mix", "seed"),
            ("curate",),
            ("tokenize", "tokens"),
        ),
        Stage("train", "train the model", ("model", "train", "seed"), ("tokenize",), ("train", "model")),
        Stage("evaluate", "score it beside its baselines", ("evaluate",), ("tokenize", "train"), ("evaluate",)),
        Stage(
            "release",
            "quantize, measure, gate, register, promote",
            ("release",),
            ("tokenize", "train", "evaluate"),
            ("release", "serve"),
        ),
    )
}
STAGES: tuple[str, ...] = tuple(PIPELINE)


def select(first: str | None = None, last: str | None = None) -> tuple[str, ...]:
    """Names of the stages from `first` to `last`, both included.

    Raises:
        KslmError: no such stage, or `last` comes before `first`.
    """
    for name in (first, last):
        if name is not None and name not in PIPELINE:
            raise KslmError(f"no stage named {name!r}", remedy=f"one of: {', '.join(STAGES)}")
    begin = STAGES.index(first) if first else 0
    end = STAGES.index(last) if last else len(STAGES) - 1
    if end < begin:
        raise KslmError(f"stage {last!r} comes before {first!r}", remedy=f"the order is: {', '.join(STAGES)}")
    return STAGES[begin : end + 1]


def current_report(name: str, settings: Settings) -> Report | None:
    """The stage's report if it is still valid for these settings, inputs and code; otherwise None."""
    path = settings.home.report(settings.profile.profile, name)
    try:
        report = Report.load(path)
        wanted = fingerprint(name, settings)
    except DataError:
        return None
    report.reused = report.fingerprint == wanted and all(Path(p).exists() for p in _paths(report.outputs, settings))
    return report if report.reused else None


def run_stage(name: str, settings: Settings, *, progress: Progress = QUIET, force: bool = False) -> Report:
    """Run one stage and publish its report, or return the current one.

    Args:
        name: one of STAGES.
        force: run it even if it is current.

    Raises:
        KslmError: as the stage does; also for a full disk or too little memory.
    """
    stage = PIPELINE[name]
    if not force and (report := current_report(name, settings)):
        return report
    wanted = fingerprint(name, settings)
    with _actionable(name, settings), _Meter() as meter:
        report = stage.run(settings, progress)
    report.fingerprint, report.seconds = wanted, round(meter.seconds, 3)
    report.metrics |= {f"{name}/cpu_seconds": meter.cpu_seconds, f"{name}/peak_rss_mb": meter.peak_rss_mb}
    profile = settings.profile.profile
    report.save(settings.home.history(profile) / f"{name}-{report.output_id[:16]}.json")
    report.save(settings.home.report(profile, name))
    return report


def fingerprint(name: str, settings: Settings) -> str:
    """Identity of everything that decides the stage's result.

    Raises:
        DataError: a stage that it reads from has not been run.
    """
    stage = PIPELINE[name]
    parts: dict[str, Any] = {
        "settings": {part: _json(getattr(settings.profile, part)) for part in stage.reads},
        "code": code_hash(stage.rooms),
        "inputs": {
            before: Report.load(settings.home.report(settings.profile.profile, before)).output_id
            for before in stage.after
        },
    }
    if stage.engine:
        parts["engine"] = settings.env.engine
    if name == "fetch":
        parts["logs"] = [_stat_tree(path) for path in settings.logs]
    if name == "release":
        parts["registry"] = [settings.registry_uri, settings.registered_model]
    return xxhash.xxh3_128_hexdigest(json.dumps(parts, sort_keys=True).encode())


@contextmanager
def hold(settings: Settings) -> Iterator[None]:
    """Hold KSLM_HOME for this process.

    A Volume has no locks: there the job's `max_concurrent_runs: 1` does this.

    Raises:
        HomeBusyError: another process holds it.
        KslmError: the folder cannot be written.
    """
    if settings.on_databricks:
        yield
        return
    lock = FileLock(settings.home.lock, timeout=0)
    owner = settings.home.lock.with_suffix(".pid")
    try:
        settings.home.root.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        pid = owner.read_text() if owner.exists() else "unknown"
        raise HomeBusyError(
            f"another run is at work in {settings.home.root}",
            cause=f"process {pid} holds {settings.home.lock}",
            remedy="wait for it, stop it, or name another folder with KSLM_HOME",
        ) from None
    except OSError as error:
        raise KslmError(
            f"cannot write to KSLM_HOME at {settings.home.root}",
            cause=str(error),
            remedy="name a folder of yours: export KSLM_HOME=~/kslm",
        ) from None
    try:
        owner.write_text(str(psutil.Process().pid))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def _actionable(name: str, settings: Settings) -> Iterator[None]:
    """Turn a full disk or exhausted memory, however a library words it, into an error with a remedy."""
    try:
        yield
    except KslmError:
        raise
    except MemoryError as error:
        raise KslmError(
            f"{name}: out of memory", cause=str(error), remedy="close programs or use a smaller profile"
        ) from error
    except Exception as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        if full or "No space left on device" in str(error):
            raise KslmError(
                f"{name}: the disk holding {settings.home.root} is full",
                cause=str(error)[:300],
                remedy="free space (kslm doctor shows how much is needed) and run the same command again",
            ) from error
        raise


class _Meter:
    """Wall and CPU seconds and peak resident memory of this process and its children, sampled."""

    interval = 0.2

    def __enter__(self) -> _Meter:
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._begin, self._cpu_begin = time.monotonic(), self._cpu()
        self.peak_rss_mb = 0.0
        self._cpu_children: dict[int, float] = {}
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.seconds = time.monotonic() - self._begin
        self.cpu_seconds = round(self._cpu() - self._cpu_begin + sum(self._cpu_children.values()), 2)

    def _cpu(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _sample(self) -> None:
        while not self._stop.wait(self.interval):
            total = self._process.memory_info().rss
            for child in self._process.children(recursive=True):
                try:
                    total += child.memory_info().rss
                    times = child.cpu_times()
                    self._cpu_children[child.pid] = times.user + times.system
                except psutil.Error:
                    continue
            self.peak_rss_mb = max(self.peak_rss_mb, round(total / 1e6, 1))


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _stat_tree(path: Path) -> list[tuple[str, int, int]]:
    """Name, size and modification time of a file, or of every file below a folder."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files if p.exists()]


def _paths(value: Any, settings: Settings) -> Iterator[str]:
    """Every path below KSLM_HOME that a report's outputs name."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _paths(item, settings)
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, settings)
    elif isinstance(value, str) and value.startswith(f"{settings.home.root}/"):
        yield value
