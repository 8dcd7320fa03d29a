"""The notebooks: Databricks' source format, no logic of their own, and they run from top to bottom."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from corpus_rows import write_corpus
from kslm.pipeline import STAGES
from kslm.report import Anything, Report
from kslm.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
HEADER = "# Databricks notebook source\n"
SEPARATOR = "# COMMAND ----------"


def cells(path):
    """The code of each cell, in order; markdown cells are left out."""
    text = path.read_text("utf-8")
    assert text.startswith(HEADER), f"{path.name} is not in Databricks' source format"
    parts = text.removeprefix(HEADER).split(f"\n{SEPARATOR}\n")
    return [part for part in parts if not part.lstrip().startswith("# MAGIC")]


def run_notebook(path, variables):
    """Execute a notebook's cells in one namespace, as the workspace does; returns the namespace."""
    namespace = {"__name__": "__main__", **variables}
    for number, cell in enumerate(cells(path)):
        exec(compile(cell, f"{path.name}:cell {number}", "exec"), namespace)
    return namespace


def test_there_are_two_tours():
    assert {path.name for path in NOTEBOOKS} >= {"tour.py", "corpus.py"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_compiles_and_every_import_resolves(path):
    for cell in cells(path):
        for node in ast.walk(ast.parse(cell)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module]
            for name in names:
                assert importlib.util.find_spec(name), name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_logic(path):
    tree = ast.parse(path.read_text("utf-8"))
    defined = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert defined == ["parameter"]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While | ast.Try)]


class Widgets:
    """What dbutils.widgets does: a text box keeps a value that was set before."""

    def __init__(self, values):
        self.values = values

    def text(self, name, default):
        self.values.setdefault(name, default)

    def get(self, name):
        return self.values[name]


def test_widgets_are_used_where_there_are_some(monkeypatch):
    for name in ("KSLM_PROFILE", "KSLM_ENGINE", "KSLM_CATALOG", "KSLM_SCHEMA", "KSLM_HOME", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.setenv(name, "from the environment")
    dbutils = type("DBUtils", (), {"widgets": Widgets({"KSLM_CATALOG": "chosen"})})
    namespace = {"dbutils": dbutils}
    exec(compile(cells(ROOT / "notebooks" / "tour.py")[0], "tour", "exec"), namespace)
    assert namespace["os"].environ["KSLM_CATALOG"] == "chosen"
    assert namespace["os"].environ["KSLM_ENGINE"] == "databricks"


def test_the_tour_runs_from_top_to_bottom(tiny_settings_env, monkeypatch):
    for name in ("KSLM_ENGINE", "KSLM_CATALOG", "KSLM_SCHEMA", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in tiny_settings_env.items():
        monkeypatch.setenv(name, value)
    namespace = run_notebook(ROOT / "notebooks" / "tour.py", {})
    settings = namespace["settings"]
    assert str(settings.home.root) == tiny_settings_env["KSLM_HOME"]
    for stage in STAGES:
        assert Report.load(settings.home.report(settings.profile.profile, stage), Anything).output_id
    assert namespace["by_slice"]["count(doc_id)"].sum() > 10
    assert namespace["version"].name == settings.registered_model
    assert namespace["answered"].unknown == ["Unknown device [8086:1533]"]


def test_the_tour_of_the_corpus_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    for name in ("KSLM_ENGINE", "KSLM_CATALOG", "KSLM_SCHEMA", "KSLM_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KSLM_HOME", str(tmp_path))
    settings = load_settings("quick")
    outputs = write_corpus(settings)
    Report("curate", "id", outputs=Anything(**outputs)).save(settings.home.history("quick") / "curate-id.json")
    namespace = run_notebook(ROOT / "notebooks" / "corpus.py", {})
    assert namespace["counts"]["documents"].sum() == 3
    assert namespace["document"].text in capsys.readouterr().out
    assert namespace["explained"].placement.split == namespace["document"].split
    assert [run.stage for run in namespace["runs"]] == ["curate"]
