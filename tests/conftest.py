"""Fixtures for every room."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

import campaign
from miniature import tiny_profile, write_sources

LONGEST = (
    "test_parity_connect.py",
    "test_parity_spark.py",
    "test_cluster.py",
    "test_cluster_failures.py",
    "test_train_ranks.py",
    "test_release_stage.py",
    "test_parity.py",
    "test_train_stage.py",
    "test_notebooks.py",
)

campaign.load_hypothesis_profile()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what the campaign is about, or what is not; begin with what takes longest.

    So that no worker is left alone with that at the end.
    """
    left_out = [item for item in items if not _wanted(item)]
    config.hook.pytest_deselected(items=left_out)
    rank = {name: number for number, name in enumerate(LONGEST)}
    items[:] = sorted((item for item in items if _wanted(item)), key=lambda item: rank.get(item.path.name, len(rank)))


def _wanted(item: pytest.Item) -> bool:
    """In a campaign, what tries more or longer than it else does; without one, all but what is too long."""
    is_long = item.get_closest_marker("long") is not None
    if campaign.LONG:
        return is_long or item.get_closest_marker("hypothesis") is not None or "tries" in item.fixturenames
    return not is_long


@pytest.fixture
def tries() -> Callable[[int], int]:
    """How often a loop over seeds is to go round; what asks for it is part of a campaign."""
    return campaign.tries


@pytest.fixture(autouse=True)
def environment_left_alone() -> Iterator[None]:
    """MLflow and Spark write into the environment, where the next test's settings would find it."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys():
        if name.startswith(("MLFLOW_", "SPARK_", "KSLM_")):
            del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if os.environ.get(name) != value})


@pytest.fixture
def tiny_settings_env(tmp_path: Path) -> dict[str, str]:
    """Environment variables of a fresh KSLM_HOME; KSLM_PROFILE names the miniature profile's file."""
    sources = write_sources(tmp_path / "sources")
    profile = tmp_path / "miniature.yml"
    profile.write_text(yaml.safe_dump(tiny_profile(sources)))
    return {"KSLM_HOME": str(tmp_path / "home"), "KSLM_PROFILE": str(profile), "OMP_NUM_THREADS": "1"}
