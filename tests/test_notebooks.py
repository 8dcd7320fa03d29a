"""The notebooks: Databricks' source format, no logic of their own, and they run from top to bottom.

As plain Python in this process, and as .ipynb under Jupyter in one kernel, on one home that the tour has prepared.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import runpy
import warnings
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from kslm.notebook.convert import cells, to_jupyter
from kslm.pipeline import STAGES
from kslm.report import Anything, Report
from kslm.settings import load_settings
from miniature import tiny_profile, write_sources

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
SHOWN = {
    "ask": (3, 0),
    "compare": (3, 1),
    "corpus": (7, 3),
    "evaluate": (3, 1),
    "release": (4, 1),
    "tokens": (4, 2),
    "tour": (6, 2),
    "train": (3, 1),
}
"""Tables of each notebook, at the least, and plots."""
TOLD = {
    "ask": ["is served by driver vendor1", "miniature.kslm_", "unconfirmed:"],
    "compare": ["miniature", "test/perplexity", "[plot: Validation loss by run]"],
    "corpus": ["[plot: Where the text is from]", "[plot: How long documents are]", "made from a row of bronze."],
    "evaluate": ["[plot: Perplexity by slice, test split]", "test/top1"],
    "release": ["[plot: Variants: quality, speed and size]", "int8", "champion"],
    "tokens": ["[plot: The mix, in tokens]", "bytes, ", "gold.corpus"],
    "train": ["[plot: Loss of miniature", "FINISHED"],
}
"""What they print as plain Python."""


def code(path):
    return [text for kind, text in cells(path.read_text("utf-8")) if kind == "code"]


def test_each_has_its_promise_here():
    assert {path.stem for path in NOTEBOOKS} == set(SHOWN) == {*TOLD, "tour"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_opens_by_saying_what_it_is_what_it_needs_and_how_long_it_takes(path):
    kind, text = cells(path.read_text("utf-8"))[0]
    assert kind == "markdown"
    assert text.startswith("# ")
    assert "* **Needs**: " in text
    assert "* **Takes**: " in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_on_databricks_it_installs_what_lies_beside_it_first(path):
    install, restart = path.read_text("utf-8").split("\n# COMMAND ----------\n")[1:3]
    assert restart.strip() == "# MAGIC %restart_python"
    assert install.strip().startswith("# MAGIC %pip install ")
    named = [Path(word) for word in re.findall(r"\.\.[\w./-]*", install)]
    assert named
    assert all((path.parent / relative).exists() for relative in named)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_compiles_and_every_import_resolves(path):
    for cell in code(path):
        for node in ast.walk(ast.parse(cell)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module]
            for name in names:
                assert importlib.util.find_spec(name), name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_logic(path):
    """No definitions, no loops; a condition asks only what was chosen for the parameter `action`."""
    tree = ast.parse(path.read_text("utf-8"))
    held = (ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.While, ast.Try, ast.IfExp, ast.Match)
    assert not [node for node in ast.walk(tree) if isinstance(node, held)]
    asked = [ast.unparse(node.test) for node in ast.walk(tree) if isinstance(node, ast.If)]
    assert all(re.fullmatch(r"action == '[\w ]+'", condition) for condition in asked)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_it_shows_is_displayed_or_printed(path):
    """A last expression would be a tuple or a dictionary to read; displaying says how a thing is shown."""
    for cell in code(path):
        last = ast.parse(cell).body[-1]
        assert not isinstance(last, ast.Expr) or isinstance(last.value, ast.Call), cell


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A home that the tour has taken through all stages, as plain Python: its variables, and what the tour left."""
    folder = tmp_path_factory.mktemp("notebooks")
    profile = folder / "miniature.yml"
    profile.write_text(yaml.safe_dump(tiny_profile(write_sources(folder / "sources"))))
    variables = {
        "KSLM_HOME": str(folder / "home"),
        "KSLM_PROFILE": str(profile),
        "KSLM_ENGINE": "sail",
        "KSLM_QUESTION": "Which driver does PCI 1001:0002 need?",
        "KSLM_WORDS": "device",
        "OMP_NUM_THREADS": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        set_environment(patch, variables)
        left = runpy.run_path(str(ROOT / "notebooks" / "tour.py"), run_name="__main__")
    return variables, left


def set_environment(patch, variables):
    for name in ("KSLM_CATALOG", "KSLM_SCHEMA", "KSLM_ACTION", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_TRACKING_URI"):
        patch.delenv(name, raising=False)
    for name, value in variables.items():
        patch.setenv(name, value)


def test_the_tour_runs_every_stage(prepared, monkeypatch):
    variables, left = prepared
    set_environment(monkeypatch, variables)
    settings = load_settings(variables["KSLM_PROFILE"])
    assert left["settings"].home == settings.home
    for stage in STAGES:
        assert Report.load(settings.home.report(settings.profile.profile, stage), Anything).output_id
    assert left["released"].outputs.promoted
    assert "vendor1" in " ".join(fact.text for fact in left["answered"].facts)


@pytest.mark.parametrize("name", TOLD)
def test_as_plain_python(name, prepared, monkeypatch, capsys):
    set_environment(monkeypatch, prepared[0])
    runpy.run_path(str(ROOT / "notebooks" / f"{name}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert not [words for words in TOLD[name] if words not in printed]


def test_under_jupyter(prepared, monkeypatch):
    """All in one kernel, whose imports are most of what each would cost alone."""
    set_environment(monkeypatch, prepared[0])
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    warnings.filterwarnings("ignore", message=".*TCP without encryption.*")
    client = NotebookClient(nbformat.v4.new_notebook(), timeout=300, kernel_name="python3")
    with client.setup_kernel():
        for path in NOTEBOOKS:
            outputs = run_cells(client, nbformat.reads(to_jupyter(path.read_text("utf-8")), as_version=4))
            assert not [output for output in outputs if output["output_type"] in ("error", "execute_result")], path
            assert not [output["text"] for output in outputs if output.get("name") == "stderr"], path
            kinds = [kind for output in outputs for kind in output.get("data", {})]
            tables, plots = SHOWN[path.stem]
            assert kinds.count("text/html") >= tables, path
            assert kinds.count("image/png") == plots, path


def run_cells(client, notebook):
    """Run a notebook in the client's kernel; returns the outputs of all its cells."""
    nbformat.validate(notebook)
    client.nb = notebook
    for index, cell in enumerate(notebook.cells):
        client.execute_cell(cell, index)
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]
