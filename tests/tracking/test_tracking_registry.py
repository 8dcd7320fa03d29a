"""One folder registered, promoted, read back and copied into a cache: no MLflow global is touched on the way."""

import os
import shutil

import mlflow
import pytest

from kslm import published
from kslm.errors import DataError
from kslm.settings import Environment, Settings, load_profile
from kslm.tracking import registry
from kslm.tracking.client import connect, experiment_id, quieten


def global_state():
    """What MLflow's own functions would use; its telemetry names its session in the environment when first used."""
    environment = {name: value for name, value in os.environ.items() if "TELEMETRY" not in name}
    return mlflow.get_tracking_uri(), mlflow.get_registry_uri(), environment


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """Settings, the registry, and the version that a small folder became; and what was global before and after."""
    quieten()
    root = tmp_path_factory.mktemp("registry")
    before = global_state()
    settings = Settings(load_profile("quick"), Environment(KSLM_HOME=root / "home"))
    client = connect(settings)
    run_id = client.create_run(experiment_id(client, settings)).info.run_id
    folder = root / "artefact"
    folder.mkdir()
    (folder / "weights").write_bytes(b"0123")
    description = {"content_id": "c1", "variant": "v", "runtime": "torch", "options": {"bits": "4"}, "versions": {}}
    manifest = published.seal(folder, description)
    models = registry.Registry(settings)
    assert registry.champion(settings) is None
    models.create()
    version = models.register(run_id, folder, manifest, {"variant": "v"})
    models.promote(version)
    assert registry.champion(settings).version == version
    return settings, models, (run_id, folder, manifest, version), before, global_state()


def test_nothing_global_is_set(registered):
    *_, before, after = registered
    assert before == after


def test_before_a_store_exists_none_is_made_to_ask_for_the_champion(tmp_path):
    settings = Settings(load_profile("quick"), Environment(KSLM_HOME=tmp_path))
    assert registry.champion(settings) is None
    assert not list(tmp_path.iterdir())


def test_the_same_content_is_registered_once_and_its_tags_are_replaced(registered):
    _settings, models, (run_id, folder, manifest, version), *_ = registered
    models.create()
    assert models.register(run_id, folder, manifest, {"gate": "pass"}) == version
    tags = models.client.get_model_version(models.name, version).tags
    assert tags == {"content_id": "c1", "gate": "pass", "profile": "quick"}


def test_a_champion_makes_way_for_the_next_and_is_previous(registered):
    _settings, models, (run_id, folder, manifest, version), *_ = registered
    second = folder.with_name("second")
    shutil.copytree(folder, second)
    later = models.register(run_id, second, published.seal(second, manifest | {"content_id": "c2"}), {})
    models.offer(later)
    assert models.aliased(registry.CHALLENGER) == later
    assert models.promote(later) == version
    assert (models.aliased(registry.CHAMPION), models.aliased(registry.PREVIOUS)) == (later, version)
    assert models.aliased(registry.CHALLENGER) is None
    assert models.promote(later) is None


def test_files_that_are_not_on_this_machine_are_cached_whole(registered, monkeypatch):
    settings, models, (_, _, _, version), *_ = registered
    there = models.files(version)
    monkeypatch.setattr(models.client, "get_model_version_download_uri", lambda *_: str(there))
    folder = models.files(version)
    assert folder.is_relative_to(settings.home.cache)
    assert (folder / "weights").read_bytes() == b"0123"
    (folder / "weights").write_bytes(b"012")
    assert models.files(version) == folder
    assert published.whole(folder)
    stamp = (folder / "weights").stat().st_mtime_ns
    models.files(version)
    assert (folder / "weights").stat().st_mtime_ns == stamp


def test_a_champion_whose_files_were_altered_is_refused(registered):
    settings, _models, *_ = registered
    weights = registry.champion(settings).folder / "weights"
    weights.write_bytes(b"9999")
    try:
        with pytest.raises(DataError, match="not as it was released"):
            registry.champion(settings)
    finally:
        weights.write_bytes(b"0123")
