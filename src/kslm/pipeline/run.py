"""Run a stage, or return what it left if that is still valid.

A stage is a function `run(settings, progress) -> Report`. Its fingerprint covers the settings it reads, the code that
it runs, the libraries that decide its result and the content that earlier stages published; a stage whose report
carries the same fingerprint, and whose files are still there, is current and is not run again. The report is written
last, so a killed stage has none.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import xxhash

from kslm import outputs, ranks
from kslm.code import code_hash, versions
from kslm.errors import DataError, KslmError
from kslm.outputs import Outputs
from kslm.pipeline.graph import PIPELINE, before
from kslm.pipeline.hold import claim
from kslm.pipeline.meter import Meter
from kslm.profile import Section
from kslm.report import QUIET, Anything, Progress, Report
from kslm.settings import Settings


def current_report(name: str, settings: Settings) -> Report[Outputs] | None:
    """The stage's report if it is still valid for these settings, inputs and code; otherwise None."""
    path = settings.home.report(settings.profile.profile, name)
    try:
        report = Report.load(path, PIPELINE[name].makes)
        wanted = fingerprint(name, settings)
    except DataError:
        return None
    published = (settings.home.at(path) for path in outputs.paths(report.outputs))
    report.reused = report.fingerprint == wanted and all(path.exists() for path in published)
    return report if report.reused else None


def run_stage(name: str, settings: Settings, *, progress: Progress = QUIET, force: bool = False) -> Report[Outputs]:
    """Run one stage and publish its report, or return the current one.

    Under torchrun every rank calls this; rank 0 decides whether there is work, and reports.

    Args:
        name: one of STAGES.
        force: run it even if it is current.

    Raises:
        SettingsError: KSLM_SCHEMA names a schema that holds another profile's tables.
        KslmError: as the stage does; also for a full disk or too little memory, and for several ranks at a stage that
            one process runs.
    """
    stage = PIPELINE[name]
    if ranks.world() > 1 and not stage.ranked:
        alone = ", ".join(other.name for other in PIPELINE.values() if other.ranked)
        raise KslmError(f"stage {name} runs in one process", remedy=f"use torchrun for {alone} only")
    with ranks.joined():
        if not ranks.rank():
            claim(settings)
        report = None if force or ranks.rank() else current_report(name, settings)
        if report := ranks.agree(report):
            return report
        wanted = fingerprint(name, settings)
        with _actionable(name, settings), Meter() as meter:
            report = stage.run(settings, progress)
        if ranks.rank():
            return report
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
        SettingsError: the profile lacks a stage that it reads from.
    """
    stage = PIPELINE[name]
    parts: dict[str, Any] = {
        "settings": {part: _json(attrgetter(part)(settings.profile)) for part in stage.reads},
        "code": code_hash(stage.rooms),
        "libraries": versions(stage.libraries),
        "inputs": {
            maker: Report.load(settings.home.report(settings.profile.profile, maker), Anything).output_id
            for maker in before(settings.profile, name)
        },
        "also": stage.also(settings),
    }
    if stage.engine:
        parts["engine"] = settings.env.engine
        parts["python"] = sys.version_info[:2]  # its Unicode tables and regular expressions read the text
    return xxhash.xxh3_128_hexdigest(json.dumps(parts, sort_keys=True).encode())


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


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(item) for key, item in value.items()}
    return value.deciding() if isinstance(value, Section) else value
