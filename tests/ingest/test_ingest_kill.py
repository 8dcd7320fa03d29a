"""SIGKILL at any moment, then the same command: the same content as an undisturbed run."""

from __future__ import annotations

import json
import signal

import pytest

from landed import build_home


def finish(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out.splitlines()[-1])["hashes"]


MOMENTS = ["at logs", "at bronze.documents", "at bronze.pci_ids", "at bronze.quarantine"]


@pytest.mark.parametrize("moments", [MOMENTS[2:3], pytest.param(MOMENTS, marks=pytest.mark.long)], ids=len)
def test_killed_runs_end_in_the_same_content(home, tmp_path, start, moments):
    for moment in moments:
        process = start(home)
        for line in process.stdout:
            if line.strip() == moment:
                break
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=30) == -signal.SIGKILL
        process.stdout.close()
        process.stderr.close()
    assert finish(start(home)) == finish(start(build_home(tmp_path / "undisturbed")))
