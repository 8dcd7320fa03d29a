from __future__ import annotations

import json

import pytest

from kslm.errors import DataError
from kslm.outputs import Ingested, Trained
from kslm.published import write_atomically
from kslm.report import QUIET, Report


def test_a_report_comes_back_as_it_was_saved(tmp_path):
    outputs = Ingested(tables={"bronze.files": 3}, hashes={"bronze.files": "aa"}, changes={})
    report = Report("ingest", "abc", outputs, metrics={"ingest/mb": 1.5}, notes=["n"])
    report.save(tmp_path / "quick" / "ingest.json")
    assert Report.load(tmp_path / "quick" / "ingest.json", Ingested) == report
    saved = json.loads((tmp_path / "quick" / "ingest.json").read_text())
    assert saved["outputs"]["tables"] == {"bronze.files": 3} and saved["metrics"] == {"ingest/mb": 1.5}
    with pytest.raises(DataError, match=r"unreadable stage report .*ingest\.json"):
        Report.load(tmp_path / "quick" / "ingest.json", Trained)


def test_a_missing_report_says_which_stage_to_run(tmp_path):
    with pytest.raises(DataError, match="kslm ingest --profile quick"):
        Report.load(tmp_path / "quick" / "ingest.json", Ingested)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"stage": "x"}', '{"stage": "x", "output_id": "y", "odd": 1}'])
def test_a_damaged_report_is_an_error_naming_the_file(text, tmp_path):
    (tmp_path / "train.json").write_text(text)
    with pytest.raises(DataError, match=r"train\.json"):
        Report.load(tmp_path / "train.json", Trained)


def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path):
    path = tmp_path / "a.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new \ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_the_quiet_progress_accepts_work():
    with QUIET.task("reading", total=10, unit="B") as task:
        assert task.advance(5) is None
