"""What the databricks engine asks of Unity Catalog, and what it says where it is refused; see also the parity test."""

from __future__ import annotations

import pytest
from pyspark.errors.exceptions.connect import AnalysisException, SparkConnectGrpcException

import kslm.lake
from kslm.errors import KslmError
from kslm.lake import databricks, tables
from kslm.pipeline import run_stage
from kslm.settings import Environment, Settings, load_profile

SCHEMA, TABLE = "main.dev_bronze", "main.dev_bronze.documents"
DENIED = "PERMISSION_DENIED: User does not have {} '{}'."


class Session:
    """A session that knows some names, and refuses the statements that it is told to, as the workspace words it."""

    def __init__(self, exist=(), refuse=None):
        self.exist, self.refuse, self.ran, self.catalog = set(exist), refuse or {}, [], self

    def tableExists(self, name):  # noqa: N802 (Spark's name)
        return self._asked("tableExists") or name in self.exist

    def databaseExists(self, name):  # noqa: N802
        return self._asked("databaseExists") or name in self.exist

    def sql(self, statement):
        self._asked(statement)
        self.ran.append(statement.partition(" (")[0])

    def _asked(self, what):
        for start, error in self.refuse.items():
            if what.startswith(start):
                raise error


@pytest.fixture
def create(monkeypatch, tmp_path):
    def on(session):
        monkeypatch.setattr(databricks, "_session", lambda: session)
        env = Environment(
            _env_file=None, KSLM_HOME=tmp_path, KSLM_ENGINE="databricks", KSLM_CATALOG="main", KSLM_SCHEMA="dev"
        )
        with kslm.lake.open(Settings(load_profile("quick"), env)) as lake:
            return lake.name(tables.DOCUMENTS)

    return on


def test_what_exists_is_not_created_and_the_rest_only_where_it_is_missing(create):
    made = {
        (): [f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}", f"CREATE TABLE IF NOT EXISTS {TABLE}"],
        (SCHEMA,): [f"CREATE TABLE IF NOT EXISTS {TABLE}"],
        (SCHEMA, TABLE): [],
    }
    for exist, statements in made.items():
        session = Session(exist)
        assert create(session) == TABLE
        assert session.ran == statements


@pytest.mark.parametrize(
    ("exist", "refused", "error", "said"),
    [
        (
            (),
            "CREATE SCHEMA",
            SparkConnectGrpcException(DENIED.format("CREATE SCHEMA on Catalog", "main")),
            ["schema main.dev_bronze", "CREATE SCHEMA on catalog main", "databricks bundle deploy"],
        ),
        (
            (SCHEMA,),
            "CREATE TABLE",
            AnalysisException("[INSUFFICIENT_PERMISSIONS] Insufficient privileges:\nUser may not. SQLSTATE: 42501"),
            [f"table {TABLE} cannot be created", "CREATE TABLE on schema main.dev_bronze"],
        ),
        (
            (),
            "databaseExists",
            SparkConnectGrpcException(DENIED.format("USE CATALOG on Catalog", "main")),
            [f"table {TABLE}", "USE CATALOG and USE SCHEMA", "does not have USE CATALOG on Catalog 'main'"],
        ),
    ],
)
def test_a_refusal_names_the_object_the_privilege_and_the_remedy(create, exist, refused, error, said):
    with pytest.raises(KslmError) as caught:
        create(Session(exist, {refused: error}))
    assert all(part in str(caught.value) for part in said), caught.value


def test_another_error_is_not_taken_for_a_refusal(create):
    error = AnalysisException("[PARSE_SYNTAX_ERROR] Syntax error")
    with pytest.raises(AnalysisException, match="PARSE_SYNTAX_ERROR"):
        create(Session(refuse={"CREATE SCHEMA": error}))


def test_from_outside_a_workspace_it_is_refused_before_any_function_would_fail(monkeypatch, tmp_path):
    for name in ("DATABRICKS_RUNTIME_VERSION", "DATABRICKS_ENV_VERSION"):
        monkeypatch.delenv(name, raising=False)
    env = Environment(_env_file=None, KSLM_HOME=tmp_path, KSLM_ENGINE="databricks")
    with pytest.raises(KslmError, match="job or notebook only"):
        kslm.lake.open(Settings(load_profile("quick"), env))


def test_fetch_needs_no_session(monkeypatch, tmp_path):
    monkeypatch.setattr(databricks, "_session", lambda: pytest.fail("a session was asked for"))
    (tmp_path / "pci.ids").write_text("8086  Intel\n\t1533  I210\n")
    (tmp_path / "ids.yml").write_text(
        "profile: ids\nsources:\n"
        f"  ids: {{kind: pci_ids, licence: MIT, places: [{{path: {tmp_path / 'pci.ids'}}}]}}\n"
        "train: {max_steps: 1}\nrelease: {gates: {max_perplexity: 110}}\n"
    )
    env = Environment(_env_file=None, KSLM_HOME=tmp_path / "home", KSLM_ENGINE="databricks")
    report = run_stage("fetch", Settings(load_profile(tmp_path / "ids.yml"), env))
    assert list(report.outputs.sources) == ["ids"]
