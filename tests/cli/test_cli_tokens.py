"""`kslm tokens export` through the command line, on the shards of the micro profile."""

import numpy as np
import pytest
from typer.testing import CliRunner

from kslm.cli.app import app
from kslm.errors import DataError, KslmError
from train_micro import settings_of, write_profile


@pytest.fixture
def export(tmp_path, monkeypatch):
    monkeypatch.setenv("KSLM_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    profile = write_profile(tmp_path / "micro.yml")

    def run(*arguments):
        return CliRunner().invoke(app, ["tokens", "export", "--profile", str(profile), *arguments])

    return run


def test_export_says_what_it_wrote(export, tmp_path):
    settings_of(tmp_path / "home")
    result = export("--epoch", "2", "--to", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    tokens = len(np.fromfile(tmp_path / "out" / "train.bin", "<u2"))
    assert f"wrote train.bin: {tokens:,} tokens of uint16, little-endian" in result.output
    assert "wrote vocab.json: 400 tokens; end of text is 0" in result.output
    assert "60." in result.output and "hardware" in result.output
    again = export("--to", str(tmp_path / "out"))
    assert isinstance(again.exception, KslmError) and "--force" in again.exception.remedy


def test_without_shards_it_says_what_to_run(export):
    result = export()
    assert isinstance(result.exception, DataError) and "tokenize" in str(result.exception)
