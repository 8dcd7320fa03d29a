"""Questions through the published index, before and after a model has been promoted."""

import pytest

from index_rows import IDS, fill
from kslm import index, published
from kslm.errors import DataError
from kslm.outputs import Ingested
from kslm.report import Report
from kslm.serve import ask
from kslm.serve.ask import Assistant, answer
from kslm.settings import Environment, Settings, load_profile
from kslm.tracking import registry

QUESTION = "Which driver does PCI 8086:1533 need? Is it CONFIG_IGB? And 8086:fffe?"


@pytest.fixture
def settings(tmp_path):
    store = f"sqlite:///{tmp_path}/mlflow.db"
    env = Environment(KSLM_HOME=tmp_path, MLFLOW_TRACKING_URI=store, MLFLOW_REGISTRY_URI=store)
    return Settings(load_profile("quick"), env)


@pytest.fixture
def indexed(settings):
    fill(settings)
    report = index.run(settings)
    report.save(settings.home.report("quick", "index"))
    return report.outputs


def test_without_an_index_the_error_says_which_stage_to_run(settings):
    with pytest.raises(DataError, match="kslm index --profile quick"):
        answer("8086:1533", settings)


def test_facts_come_from_the_index_and_a_missing_champion_costs_only_its_words(settings, indexed, monkeypatch):
    monkeypatch.setattr("kslm.lake.open", lambda *given: pytest.fail("an engine was started for an answer"))
    result = answer(QUESTION, settings)
    assert [fact.text for fact in result.facts] == [
        "PCI 8086:1533 is Intel Corporation I210",
        "PCI 8086:1533 is served by driver igb",
        "vendor 8086 is Intel Corporation; the device id is not in the list",
        "CONFIG_IGB (bool): igb; depends on NETDEVICES",
    ]
    assert result.unknown == ["Unknown device [8086:fffe]"]
    assert result.model_text is None
    assert len(result.notes) == 1 and "no alias 'champion'" in result.notes[0]
    assert not (settings.home.root / "mlflow.db").exists()


def test_a_damaged_or_removed_index_is_not_read(settings, indexed):
    database = settings.home.at(indexed.lookup)
    database.write_bytes(database.read_bytes()[:-1])
    with pytest.raises(DataError, match="kslm index --profile quick"):
        answer(QUESTION, settings)
    published.remove(settings.home.at(indexed.folder))
    with pytest.raises(DataError, match="kslm index --profile quick"):
        answer(QUESTION, settings)


@pytest.mark.parametrize(("later", "notes"), [(0, 1), (1, 2)])
def test_an_index_older_than_the_tables_says_so(settings, indexed, later, notes):
    tables = {name: version + later for name, version in indexed.inputs.items()}
    ingested = Ingested(tables=tables, hashes={}, changes={})
    Report("ingest", "id", ingested).save(settings.home.report("quick", "ingest"))
    result = answer(QUESTION, settings)
    assert len(result.notes) == notes
    assert ("kslm index --profile quick" in result.notes[-1]) == bool(later)


def test_an_assistant_opens_index_and_champion_once(settings, indexed, monkeypatch, tmp_path):
    opened = []

    class Writer:
        def __init__(self, champion):
            opened.append(champion)
            self.name = f"{champion.name} version {champion.version}"

        def write(self, question):
            return f"Use igb, or e1000e, on {len(IDS)}abc:0001."

    served = registry.Champion("kslm.quick.kslm_quick", "3", tmp_path, "onnx")
    monkeypatch.setattr(registry, "champion", lambda settings: served)
    monkeypatch.setattr(ask, "Writer", Writer)
    with Assistant(settings) as assistant:
        first = assistant.answer(QUESTION)
        published.remove(settings.home.at(indexed.folder))
        second = assistant.answer("pci 8086:1533")
        bare = assistant.answer(QUESTION, model_only=True)
    assert opened == [served]
    assert first.model_version == "kslm.quick.kslm_quick version 3"
    assert first.unverified == ["3abc:0001", "e1000e"]
    assert second.facts == first.facts[:2]
    assert bare.facts == [] and bare.unverified == ["3abc:0001", "e1000e"]
