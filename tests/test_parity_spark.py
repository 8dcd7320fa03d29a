"""The same landing folder on classic Spark without a cluster: equal tables, and equal bytes in every shard.

In a campaign only: `test_cluster` compares the same, on the same engine with executors of their own.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import parity
from kslm.errors import KslmError
from kslm.lake.spark_session import find_java
from world import build_world


@pytest.mark.long
@pytest.mark.spark
@pytest.mark.timeout(600)
def test_classic_spark_agrees_with_sail(tmp_path, tmp_path_factory):
    try:
        find_java()
    except KslmError as error:
        pytest.skip(str(error))
    home = build_world(tmp_path / "spark home")
    jars = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "kslm-tests"
    jars.mkdir(parents=True, exist_ok=True)
    (home / "cache").mkdir()
    (home / "cache" / "ivy").symlink_to(jars, target_is_directory=True)
    process = parity.start("spark", 2, [home])
    try:
        _, expected = parity.expected(tmp_path_factory)
        assert parity.outcomes(process) == [expected]
    finally:
        process.kill()
