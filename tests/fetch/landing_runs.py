"""Profiles of a few sources, and what fetch makes of them."""

from pathlib import Path
from typing import Any

import yaml

from kslm.fetch.landing import placed
from kslm.outputs import Fetched
from kslm.paths import Home
from kslm.report import Report
from kslm.settings import Environment, Settings, load_profile


def settings_of(
    tmp_path: Path,
    sources: dict[str, Any],
    logs: tuple[Path, ...] = (),
    *,
    home: str = "home",
    refresh: bool = False,
    **env: str,
) -> Settings:
    profile = {"profile": "small_cut", "sources": sources, "train": {"max_steps": 1}}
    profile["release"] = {"gates": {"max_perplexity": 100}}
    file = tmp_path / "profile.yml"
    file.write_text(yaml.safe_dump(profile))
    environment = Environment.model_validate({"KSLM_HOME": str(tmp_path / home)} | env)
    return Settings(load_profile(file), environment, logs=logs, refresh=refresh)


def declared(kind: str, *places: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {"kind": kind, "licence": "GPL-2.0-only", "places": list(places)} | fields


def entry(report: Report[Fetched], name: str, home: Path) -> dict[str, Any]:
    """What a report says of a source, with absolute paths."""
    return placed(report.outputs.sources[name], Home(home).at).model_dump()
