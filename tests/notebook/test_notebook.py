"""How a notebook begins: on Databricks with widgets, elsewhere with the environment; and how it shows things."""

import json
from pathlib import Path, PurePosixPath

import pandas as pd
import pytest
import yaml

from kslm import notebook
from kslm.errors import DataError
from kslm.figures import blank, dress
from kslm.notebook.convert import cells, convert
from kslm.notebook.progress import Lines

ROOT = Path(__file__).resolve().parents[2]


class Widgets:
    """What dbutils.widgets does: one that exists keeps its value; a dropdown's default is one of its choices."""

    def __init__(self, **values):
        self.values = values
        self.kinds = {}

    def text(self, name, defaultValue, label=None):  # noqa: N803 (the names of Databricks)
        self.kinds[name] = "text"
        self.values.setdefault(name, defaultValue)

    def combobox(self, name, defaultValue, choices, label=None):  # noqa: N803
        self.text(name, defaultValue, label)
        self.kinds[name] = list(choices)

    def dropdown(self, name, defaultValue, choices, label=None):  # noqa: N803
        if not isinstance(choices, list) or defaultValue not in choices:
            raise ValueError("defaultValue must be one of choices")
        self.combobox(name, defaultValue, choices, label)

    def get(self, name):
        if name not in self.values:
            raise LookupError("InputWidgetNotDefined")
        return self.values[name]


class Spark:
    def sql(self, query):
        assert query == "SELECT current_user()"
        return self

    def first(self):
        return ("Jane.Doe@example.org",)


def on_databricks(**values):
    """What the globals of a notebook in a workspace hold."""
    dbutils = type("DBUtils", (), {"widgets": Widgets(**values)})()
    return {"dbutils": dbutils, "spark": Spark(), "display": lambda value: None}


def test_without_a_choice_the_developers_own_deployment_is_opened():
    names = on_databricks()
    book = notebook.start(names)
    settings = book.settings
    assert settings.env.engine == "databricks"
    assert settings.registered_model == "dev.dev_jane_doe_kslm.dev_jane_doe_kslm"
    assert str(settings.home.root) == "/Volumes/dev/dev_jane_doe_kslm/home"
    assert settings.experiment == "/Shared/[dev jane_doe] kslm-dev"
    assert book.display is names["display"]
    assert names["dbutils"].widgets.kinds["profile"] == ["large", "medium", "quick", "small", "tiny"]


def test_what_follows_from_catalog_and_schema_follows_a_change_of_them():
    chosen = notebook.start(on_databricks(profile="tiny", catalog="main", schema="kslm_tiny")).settings
    assert chosen.profile.profile == "tiny"
    assert chosen.registered_model == "main.kslm_tiny.kslm_tiny"
    assert str(chosen.home.root) == "/Volumes/main/kslm_tiny/home"


def test_a_job_that_gives_its_own_parameters_is_followed():
    given = {"home": "/Volumes/a/b/c", "experiment": "/Shared/mine", "model": "m"}
    settings = notebook.start(on_databricks(**given)).settings
    assert (str(settings.home.root), settings.experiment) == ("/Volumes/a/b/c", "/Shared/mine")
    assert settings.registered_model.endswith(".m")


@pytest.mark.parametrize(
    ("folder", "target"),
    [
        ("/Workspace/Users/a@b.c/.bundle/kslm/dev/files/notebooks", "dev"),
        ("/Workspace/Shared/.bundle/kslm/prod/files/notebooks", "prod"),
        ("/Workspace/Users/a@b.c/kslm/notebooks", "dev"),
        ("/Workspace/.bundle/kslm", "dev"),
    ],
)
def test_the_target_is_that_of_the_files_around_the_notebook(folder, target):
    assert notebook.Deployment.around(PurePosixPath(folder), "a@b.c").target == target


def test_names_are_the_bundles():
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text())
    defaults = {name: variable.get("default") for name, variable in bundle["variables"].items()}
    resources = [yaml.safe_load(path.read_text())["resources"] for path in (ROOT / "resources").glob("*.yml")]
    (experiment,) = (kinds["experiments"]["runs"]["name"] for kinds in resources if "experiments" in kinds)
    (model,) = (kinds["registered_models"]["model"]["name"] for kinds in resources if "registered_models" in kinds)
    assert model == "${var.schema}", "the model is named as the schema"
    for target, settings in bundle["targets"].items():
        given = defaults | settings["variables"]
        deployed = notebook.Deployment(target, "a@b.c")
        assert (deployed.catalog, deployed.profile) == (given["catalog"], given["profile"])
        if target != "dev":
            assert deployed.schema == given["schema"]
            named = experiment.replace("${var.schema}", given["schema"]).replace("${bundle.target}", target)
            assert deployed.experiment(deployed.schema) == named


def test_a_parameter_of_its_own_is_a_dropdown_or_a_variable(monkeypatch):
    names = on_databricks()
    assert notebook.start(names).ask("action", "watch", "Watch?", ["watch", "train"]) == "watch"
    assert names["dbutils"].widgets.kinds["action"] == ["watch", "train"]
    monkeypatch.setenv("KSLM_ENGINE", "sail")
    ask = notebook.start({}).ask
    assert ask("action", "watch", "Watch?", ["watch", "train"]) == "watch"
    monkeypatch.setenv("KSLM_ACTION", "train")
    assert ask("action", "watch", "Watch?", ["watch", "train"]) == "train"


def test_as_plain_python_a_table_a_plot_and_a_text_are_printed(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("KSLM_HOME", str(tmp_path))
    book = notebook.start({})
    book.display(pd.DataFrame({"bytes": [1234567, 0], "share": [0.123456, float("nan")], "ok": [True, False]}))
    figure, _ = blank()
    dress(figure, "The mix")
    book.display(figure)
    book.display(pd.DataFrame())
    book.display("text")
    lines = capsys.readouterr().out.split("\n")
    assert [line.split() for line in lines[1:3]] == [["1,234,567", "0.1235", "True"], ["0", "False"]]
    assert lines[3:] == ["[plot: The mix]", "no rows", "text", ""]
    assert ("home", str(tmp_path)) in list(book.places.itertuples(index=False, name=None))


def test_long_work_is_told_in_lines(capsys):
    with Lines().task("training", total=1000, unit="steps") as task:
        task.advance(250)
        task.update(note="loss 4.2")
    assert capsys.readouterr().out == "training: 250 of 1,000 steps: loss 4.2\n"


def test_a_notebook_becomes_jupyters(tmp_path):
    path = tmp_path / "n.py"
    path.write_text(
        "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Title\n# MAGIC\n# MAGIC text\n\n"
        "# COMMAND ----------\n\n# MAGIC %pip install x\n\n# COMMAND ----------\n\na = 1\n\nb = 2\n"
    )
    made = json.loads(convert(path).read_text())
    assert [(cell["cell_type"], cell["source"]) for cell in made["cells"]] == [
        ("markdown", "# Title\n\ntext"),
        ("code", "a = 1\n\nb = 2"),
    ]
    with pytest.raises(DataError, match="not a notebook"):
        cells("a = 1\n")
