import mlflow

from kslm.tracking.run import open_run
from train_micro import micro


def test_a_run_is_found_again_in_a_moved_home_and_nothing_global_is_set(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    settings = micro(tmp_path / "before", monkeypatch)
    first = open_run(settings, "run", settings.home.checkpoints / "run")
    first.finish("KILLED")
    note = (settings.home.checkpoints / "run" / "mlflow.json").read_text()
    assert str(tmp_path) not in note

    first.client._tracking_client.store.engine.dispose()
    (tmp_path / "before").rename(tmp_path / "after")
    moved = micro(tmp_path / "after", monkeypatch)
    again = open_run(moved, "run", moved.home.checkpoints / "run")
    assert again.run_id == first.run_id
    assert again.client.get_run(again.run_id).info.status == "RUNNING"
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == before
    assert mlflow.active_run() is None
