"""A folder counts only if it was sealed last and is still what was sealed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from kslm import published
from kslm.published import MANIFEST, manifest_of, measure, remove, seal, whole, withdraw


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "made"
    (made / "inner").mkdir(parents=True)
    (made / "weights").write_bytes(b"12345")
    (made / "inner" / "config").write_text("{}")
    return made


def test_a_sealed_folder_is_whole_and_says_what_it_was_given(folder):
    assert whole(folder) is None
    seal(folder, {"made_by": "a test"})
    assert whole(folder) == {"made_by": "a test", "files": {n: r.model_dump() for n, r in measure(folder).items()}}
    assert set(measure(folder)) == {"weights", "inner/config"}


@pytest.mark.parametrize(
    "harm",
    [
        lambda folder: (folder / "weights").write_bytes(b"12346"),
        lambda folder: (folder / "weights").write_bytes(b"1234"),
        lambda folder: (folder / "inner" / "config").unlink(),
        lambda folder: (folder / MANIFEST).write_text((folder / MANIFEST).read_text()[:-20]),
        lambda folder: (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace("a test", "another")),
        lambda folder: (folder / MANIFEST).write_text(json.dumps({"files": {}})),
        lambda folder: (folder / MANIFEST).write_text("[]"),
        lambda folder: seal(folder, {"files": {"weights": {"bytes": "many"}}}),
        lambda folder: seal(folder, {"files": ["weights"]}),
        withdraw,
        remove,
    ],
)
def test_a_folder_that_is_not_what_was_sealed_does_not_count(folder, harm):
    seal(folder, {"made_by": "a test"})
    harm(folder)
    assert whole(folder) is None


def test_sizes_alone_are_cheaper_and_see_less(folder):
    seal(folder)
    (folder / "weights").write_bytes(b"54321")
    assert whole(folder, hashes=False) is not None
    assert [name for name, _ in published.faults(folder, measure(folder))] == []
    (folder / "weights").write_bytes(b"5432")
    assert whole(folder, hashes=False) is None


def test_a_process_killed_before_the_seal_leaves_a_folder_that_does_not_count(tmp_path):
    script = (
        "import sys, time; from pathlib import Path; from kslm import published\n"
        "folder = Path(sys.argv[1]); published.withdraw(folder); (folder / 'weights').write_bytes(b'new')\n"
        "print('written', flush=True); time.sleep(60); published.seal(folder)"
    )
    (tmp_path / "weights").write_bytes(b"old")
    seal(tmp_path)
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "written\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert manifest_of(tmp_path) is None
