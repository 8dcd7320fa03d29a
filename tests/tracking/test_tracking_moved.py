"""A local store whose home lies elsewhere than where it was written."""

import json
import shutil
import sqlite3

import pytest

from kslm.settings import Environment, Settings, load_profile
from kslm.tracking.client import connect, experiment_id
from kslm.tracking.moved import follow


def settings_of(root):
    return Settings(load_profile("quick"), Environment(KSLM_HOME=root))


def dump(root):
    with sqlite3.connect(root / "mlflow.db") as store:
        return "\n".join(store.iterdump())


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A home below a folder with a space and a letter that addresses escape, with one run that read a table."""
    settings = settings_of(tmp_path_factory.mktemp("moved") / "älter home")
    client = connect(settings)
    run = client.create_run(experiment_id(client, settings), tags={"note": "a home is no address"})
    client.log_text(run.info.run_id, "text", "a.txt")
    from mlflow.data.delta_dataset_source import DeltaDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput

    source = DeltaDatasetSource(path=str(settings.home.lake / "gold"), delta_table_version=3)
    client.log_inputs(run.info.run_id, [DatasetInput(MetaDataset(source, name="gold", digest="d")._to_mlflow_entity())])
    client.create_experiment("elsewhere", artifact_location=(settings.home.root.parent / "other").as_uri())
    return settings.home.root, run.info.run_id


@pytest.fixture
def copied(store, tmp_path):
    root, run_id = store
    target = tmp_path / "new % home"
    shutil.copytree(root, target)
    return root, target, run_id


def test_a_store_follows_its_home_and_nothing_else_is_changed(copied):
    old, new, _ = copied
    before = dump(new)
    assert old.as_uri() in before
    connect(settings_of(new))
    assert dump(new) == before.replace(old.as_uri() + "/", new.as_uri() + "/").replace(
        json.dumps(str(old))[1:-1] + "/", json.dumps(str(new))[1:-1] + "/"
    )
    assert dump(old) == before


def test_a_store_that_lies_where_it_was_written_is_left_as_it_is(store):
    root, _ = store
    before = (root / "mlflow.db").read_bytes()
    follow(settings_of(root))
    assert (root / "mlflow.db").read_bytes() == before


def test_all_addresses_change_or_none_does(copied):
    _, new, _ = copied
    before = dump(new)
    with sqlite3.connect(new / "mlflow.db") as database:
        database.execute("UPDATE datasets SET dataset_source = 'no JSON'")
    broken = dump(new)
    with pytest.raises(ValueError, match="Expecting value"):
        follow(settings_of(new))
    assert dump(new) == broken != before


def test_a_store_outside_of_the_home_and_one_that_is_not_mlflows_are_left_alone(copied, tmp_path):
    _, new, _ = copied
    before = dump(new)
    elsewhere = Environment(KSLM_HOME=tmp_path / "third", MLFLOW_TRACKING_URI=f"sqlite:///{new}/mlflow.db")
    follow(Settings(load_profile("quick"), elsewhere))
    assert dump(new) == before
    (tmp_path / "empty").mkdir()
    sqlite3.connect(tmp_path / "empty" / "mlflow.db").close()
    follow(settings_of(tmp_path / "empty"))
