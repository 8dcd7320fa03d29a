"""A question through the real tables, before any model has been promoted."""

import pytest

from kslm import lake
from kslm.errors import DataError
from kslm.index import store as index
from kslm.lake import tables
from kslm.report import Report
from kslm.serve.ask import answer
from kslm.settings import Environment, Settings, load_profile


@pytest.fixture
def settings(tmp_path):
    store = f"sqlite:///{tmp_path}/mlflow.db"
    env = Environment(KSLM_HOME=tmp_path, MLFLOW_TRACKING_URI=store, MLFLOW_REGISTRY_URI=store)
    return Settings(load_profile("quick"), env)


def test_without_tables_the_error_says_which_stage_to_run(settings):
    with pytest.raises(DataError, match="ingest"):
        answer("8086:1533", settings)


def test_facts_come_from_the_tables_and_a_missing_champion_costs_only_its_words(settings):
    ids = [
        ("1", "vendor", "8086", None, None, None, "Intel Corporation", 1, "v", "s"),
        ("2", "device", "8086", "1533", None, None, "I210", 2, "v", "s"),
    ]
    modules = [
        (
            "igb",
            "k/igb.ko",
            False,
            None,
            "GPL",
            ["pci:v00008086d00001533sv*sd*bc*sc*i*"],
            [],
            [],
            {"debug": "d"},
            "v",
            "s",
        )
    ]
    files = {
        "drivers/Kconfig": 'config IGB\n\tbool "igb"\n',
        "Kconfig": 'if NETDEVICES\nsource "drivers/Kconfig"\nendif\n',
    }
    documents = [
        (path, "linux", path, "kconfig", "v", "GPL-2.0-only", "s", 9, text, "now") for path, text in files.items()
    ]
    with lake.open(settings) as engine:
        for table, rows in ((tables.PCI_IDS, ids), (tables.MODULES, modules), (tables.DOCUMENTS, documents)):
            engine.make_equal(table, engine.spark.createDataFrame(rows, table.ddl))
    Report("ingest", "content-1").save(settings.home.report("quick", "ingest"))
    result = answer("Which driver does PCI 8086:1533 need? Is it CONFIG_IGB? And 8086:fffe?", settings)
    assert [fact.text for fact in result.facts][:2] == [
        "PCI 8086:1533 is Intel Corporation I210",
        "PCI 8086:1533 is served by driver igb",
    ]
    assert any(fact.text == "CONFIG_IGB (bool): igb; depends on NETDEVICES" for fact in result.facts)
    assert result.unknown == ["Unknown device [8086:fffe]"]
    assert result.model_text is None
    assert "no alias 'champion'" in result.notes[0]
    assert not (settings.home.root / "mlflow.db").exists()
    assert index.ensure(settings).name == "quick-content-1-3.sqlite"
