"""The dashboard has a Lakeview dashboard's shape, and its queries run on real tables and give what it shows."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
import yaml
from deltalake import DeltaTable

import kslm.lake
import parity
from kslm.lake import tables
from kslm.redact.pseudonyms import KINDS, PLACEHOLDER
from landed import settings_of

FOLDER = Path(__file__).resolve().parents[1] / "resources"
RESOURCE = yaml.safe_load((FOLDER / "corpus.dashboard.yml").read_text())["resources"]["dashboards"]["corpus_overview"]
DASHBOARD = json.loads((FOLDER / RESOURCE["file_path"]).read_text())
DATASETS = {dataset["name"]: "".join(dataset["queryLines"]) for dataset in DASHBOARD["datasets"]}
WIDGETS = [(item, item["widget"]) for page in DASHBOARD["pages"] for item in page["layout"]]
CHARTS = [widget for _, widget in WIDGETS if "spec" in widget]
COLUMNS = 6
# The versions of the widgets' specifications that Lakeview's own exports carry.
VERSIONS = {"bar": 3, "counter": 2, "table": 1}
TABLE = re.compile(r"\$\{resources\.schemas\.(\w+)\.catalog_name\}\.\$\{resources\.schemas\.\1\.name\}\.(\w+)")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Each dataset on the tables of the small world: its columns, and its rows."""
    home, _ = parity.expected(tmp_path_factory)
    with kslm.lake.open(settings_of(home, "sail")) as lake:

        def name(match):
            (table,) = (table for table in tables.ALL if str(table) == ".".join(match.groups()))
            return lake.name(table)

        frames = {dataset: lake.spark.sql(TABLE.sub(name, query)) for dataset, query in DATASETS.items()}
        return {dataset: (frame.columns, frame.collect()) for dataset, frame in frames.items()}


def named(tree):
    """Every field that an encoding names."""
    if isinstance(tree, dict):
        return {tree[key] for key in tree if key == "fieldName"}.union(*map(named, tree.values()))
    return set().union(*map(named, tree)) if isinstance(tree, list) else set()


def test_names_occur_once_and_every_dataset_is_shown():
    for names in (
        [dataset["name"] for dataset in DASHBOARD["datasets"]],
        [page["name"] for page in DASHBOARD["pages"]],
        [widget["name"] for _, widget in WIDGETS],
    ):
        assert len(names) == len(set(names))
    assert {query["query"]["datasetName"] for chart in CHARTS for query in chart["queries"]} == set(DATASETS)


@pytest.mark.parametrize("page", DASHBOARD["pages"], ids=lambda page: page["name"])
def test_widgets_lie_on_the_grid_beside_each_other(page):
    areas = []
    for item in page["layout"]:
        x, y, width, height = (item["position"][key] for key in ("x", "y", "width", "height"))
        assert min(x, y) >= 0 and min(width, height) >= 1 and x + width <= COLUMNS
        areas.append(set(itertools.product(range(x, x + width), range(y, y + height))))
    assert sum(map(len, areas)) == len(set().union(*areas))


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart["name"])
def test_a_chart_names_fields_of_its_query_and_they_columns_of_the_tables(chart, results):
    spec, (query,) = chart["spec"], [each["query"] for each in chart["queries"]]
    assert spec["version"] == VERSIONS[spec["widgetType"]]
    assert spec["frame"]["title"]
    fields = {field["name"]: field["expression"] for field in query["fields"]}
    assert named(spec["encodings"]) == set(fields)
    columns, _ = results[query["datasetName"]]
    for name, expression in fields.items():
        summed, column = re.fullmatch(r"(SUM\()?`(\w+)`\)?", expression).groups()
        assert column in columns
        assert name == (f"sum({column})" if summed else column)
    assert query["disaggregated"] is (spec["widgetType"] == "table")


def test_the_queries_count_what_the_tables_hold(results, tmp_path_factory):
    home, _ = parity.expected(tmp_path_factory)

    def held(table):
        return DeltaTable(home / "lake" / f"mini_{table.layer}" / table.name).to_pyarrow_table().to_pylist()

    def total(dataset, column):
        return sum(row[column] for row in results[dataset][1])

    assert total("corpus", "documents") == len(held(tables.CORPUS))
    assert total("rejects", "documents") == len(held(tables.REJECTS))
    assert total("quarantine", "findings") == len(held(tables.QUARANTINE))
    texts = [row["text"] for row in held(tables.SILVER_DOCUMENTS) if row["redactions"]]
    assert texts
    assert total("redactions", "redactions") == sum(len(PLACEHOLDER.findall(text)) for text in texts)


def test_every_kind_of_redaction_is_counted():
    (kinds,) = re.findall(r"<\((.+?)\)-", DATASETS["redactions"])
    assert kinds.split("|") == list(KINDS)


def test_it_names_no_catalog_schema_or_warehouse_of_its_own():
    assert RESOURCE["warehouse_id"] == "${var.warehouse_id}"
    for query in DATASETS.values():
        sources = re.findall(r"FROM (\S+)", query)
        assert all(source == "(" or TABLE.fullmatch(source) for source in sources)
    # In this file the CLI fills in references to resources, and nothing else.
    assert set(re.findall(r"\$\{(\w+)\.", json.dumps(DASHBOARD))) == {"resources"}
    for schema in {schema for query in DATASETS.values() for schema, _ in TABLE.findall(query)}:
        declared = yaml.safe_load((FOLDER / f"{schema}.schema.yml").read_text())["resources"]["schemas"][schema]
        assert declared["name"].endswith(f"_{schema}")
