"""`kslm corpus` on a small corpus."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from corpus_rows import BRONZE_TEXT, TEXTS, write_corpus
from kslm.cli import app as cli
from kslm.report import Anything, Report
from kslm.settings import load_settings

IGB, IRQ, PAGE = TEXTS


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KSLM_HOME", str(home))
        settings = load_settings("quick")
        outputs = write_corpus(settings)
    Report("curate", "id", outputs=Anything(**outputs)).save(settings.home.history("quick") / "curate-id.json")
    return home


@pytest.fixture
def kslm(home, monkeypatch):
    monkeypatch.setenv("KSLM_HOME", str(home))

    def call(*arguments):
        result = CliRunner().invoke(cli.app, ["corpus", *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return " ".join(result.output.split())

    return call


def test_the_overview_names_slices_and_sources(kslm):
    text = kslm()
    assert "hardware tree 1" in text
    assert "all" in text


def test_show_prints_the_text_and_what_is_known(kslm):
    text = kslm("show", IGB[:8])
    assert TEXTS[IGB] in text
    for known in ("drivers/net/igb/igb.c", "GPL-2.0-only", "6.1", "train", "group0"):
        assert known in text
    assert "refused near duplicate (0.91)" in kslm("show", "ee" * 16)


def test_search_lists_documents(kslm):
    text = kslm("search", "interrupt", "coalescing")
    assert text.index(IGB[:12]) < text.index(IRQ[:12])
    assert "no document" in kslm("search", "--slice", "admin", "interrupt")


def test_explain_tells_of_origin_redaction_split_and_duplicates(kslm):
    text = kslm("explain", IRQ)
    for told in ("bronze.documents", "linux-source", "2 × <email-n>", "Why this split", "group 'group1' stands at"):
        assert told in text
    assert "jane@example.org" in BRONZE_TEXT
    assert "jane" not in text
    refused = kslm("explain", "ee" * 16)
    assert "Why it was refused near duplicate: 0.91" in refused
    assert PAGE[:12] in refused


def test_history_and_a_past_run(kslm, home):
    listed = kslm("history")
    assert "curate curate-id.json" in listed
    assert "gold.corpus +3 ~0 −0" in listed
    report = home / "reports" / "quick" / "history" / "curate-id.json"
    assert TEXTS[IGB] in kslm("show", IGB, "--at", str(report))


def test_maintain_prints_a_table(kslm):
    text = kslm("maintain", "--retention-hours", "1")
    assert "gold.corpus" in text
    assert "MB" in text


@pytest.mark.parametrize("command", ["show", "search", "explain", "history", "maintain"])
def test_every_command_explains_itself(command):
    result = CliRunner().invoke(cli.app, ["corpus", command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output
