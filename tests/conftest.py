"""Fixtures for every room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from miniature import tiny_profile, write_sources

LONGEST = ("test_parity_spark.py", "test_parity.py", "test_release_stage.py", "test_notebooks.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left alone with it at the end."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


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
