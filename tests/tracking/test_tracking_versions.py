"""Versions as a table, and the way back to the one before."""

import shutil

import pytest

from kslm import published
from kslm.errors import DataError, KslmError
from kslm.settings import Environment, Settings, load_profile
from kslm.tracking import registry
from kslm.tracking.client import connect, experiment_id
from kslm.tracking.versions import roll_back, rows, versions


def test_the_version_before_becomes_the_champion_again_and_nothing_that_is_damaged(tmp_path):
    settings = Settings(load_profile("quick"), Environment(KSLM_HOME=tmp_path / "home"))
    client = connect(settings)
    run_id = client.create_run(experiment_id(client, settings)).info.run_id
    models = registry.Registry(settings)
    assert versions(settings) == []
    models.create()
    with pytest.raises(KslmError, match="no version to go back to"):
        roll_back(settings)
    for content, perplexity in (("c1", 70.5), ("c2", 64.25)):
        folder = tmp_path / content
        folder.mkdir()
        (folder / "weights").write_text(content)
        described = {"content_id": content, "variant": "v", "runtime": "torch", "options": {}, "versions": {}}
        tags = {"variant": "int4", "perplexity": perplexity}
        models.promote(models.register(run_id, folder, published.seal(folder, described), tags))
    models.offer("1")
    assert [(row["version"], row["aliases"], row["perplexity"]) for row in rows(versions(settings))] == [
        ("2", "champion", 64.25),
        ("1", "challenger, previous", 70.5),
    ]

    assert roll_back(settings) == "1"
    aliases = {alias: models.aliased(alias) for alias in ("champion", "previous", "challenger")}
    assert aliases == {"champion": "1", "previous": "2", "challenger": "1"}
    assert registry.champion(settings).version == "1"
    assert roll_back(settings) == "2"

    damaged = models.files("1") / "weights"
    shutil.copy(damaged, tmp_path / "kept")
    damaged.write_text("xx")
    with pytest.raises(DataError, match="not as it was released"):
        roll_back(settings)
    assert models.aliased("champion") == "2"
