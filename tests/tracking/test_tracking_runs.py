"""Past runs, side by side."""

import pytest

from kslm.errors import DataError
from kslm.settings import Environment, Settings, load_profile
from kslm.tracking import runs
from kslm.tracking.client import connect, experiment_id
from kslm.tracking.run import MlflowTracker


def test_runs_are_read_newest_first_with_their_curves_and_differences(tmp_path):
    settings = Settings(load_profile("quick"), Environment(KSLM_HOME=tmp_path))
    assert runs.recent(settings) == []
    with pytest.raises(DataError, match="no run"):
        runs.newest(settings)
    assert not list(tmp_path.iterdir())
    client = connect(settings)
    assert runs.recent(settings) == []
    experiment = experiment_id(client, settings)
    for number, loss in enumerate((3.5, 3.25)):
        run = client.create_run(experiment, run_name=f"run{number}", start_time=1_000_000 + number)
        tracker = MlflowTracker(client, experiment, run.info.run_id)
        tracker.params({"train.learning_rate": f"0.0{number + 1}", "seed": "1"})
        tracker.metrics({"val/loss": 5.0}, 10)
        tracker.metrics({"val/loss": loss}, 20)
        tracker.finish("FINISHED")
    client.create_run(experiment, run_name="just begun", start_time=1_000_002)

    found = runs.recent(settings)
    assert [run.name for run in found] == ["just begun", "run1", "run0"]
    assert runs.newest(settings) == found[0] or runs.newest(settings).minutes > found[0].minutes
    assert list(runs.losses(settings, found).items()) == [
        (found[1].label, [(10, 5.0), (20, 3.25)]),
        (found[2].label, [(10, 5.0), (20, 3.5)]),
    ]
    table = {row["figure"]: list(row.values())[1:] for row in runs.figures(found)}
    assert table["val/loss"] == [None, 3.25, 3.5]
    assert table["status"] == ["RUNNING", "FINISHED", "FINISHED"]
    assert runs.differences(found[1:]) == [
        {"parameter": "train.learning_rate", found[1].label: "0.02", found[2].label: "0.01"}
    ]
