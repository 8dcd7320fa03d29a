"""A landed home, and ingest in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from landed import build_home, settings_of


@pytest.fixture
def home(tmp_path):
    return build_home(tmp_path / "a home")


@pytest.fixture
def settings(home):
    return settings_of(home)


RUN = """
import sys
import kslm.ingest
from kslm.report import Progress, Task
from kslm.settings import load_settings

class Noted(Task):
    def update(self, *, total=None, note=None):
        print("at", note, flush=True)

class Watched(Progress):
    def task(self, description, *, total=None, unit=""):
        from contextlib import nullcontext
        return nullcontext(Noted())

report = kslm.ingest.run(load_settings(sys.argv[1]), Watched())
print(report.outputs.model_dump_json(), flush=True)
"""


@pytest.fixture
def start():
    """Start ingest in a process of its own; it says "at NAME" whenever it turns to a source or a table."""

    def started(home, engine="sail", **environment):
        env = os.environ | {"KSLM_HOME": str(home), "KSLM_ENGINE": engine} | environment
        command = [sys.executable, "-c", RUN, str(home / "mini.yml")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    return started
