"""What is said where an experiment cannot be had, or a privilege on the registered model is missing."""

from __future__ import annotations

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_PARAMETER_VALUE, PERMISSION_DENIED

from kslm import published
from kslm.errors import KslmError, SettingsError
from kslm.settings import Environment, Settings, load_profile
from kslm.tracking.client import connect, experiment_id
from kslm.tracking.registry import Registry

MODEL = "main.dev.dev_quick"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    names = {"KSLM_CATALOG": "main", "KSLM_SCHEMA": "dev", "KSLM_REGISTERED_MODEL": "dev_quick"}
    env = Environment(_env_file=None, KSLM_HOME=tmp_path_factory.mktemp("home"), **names)
    return Settings(load_profile("quick"), env)


@pytest.fixture
def refuse(monkeypatch):
    """Make one method of a client fail, with a code."""

    def method(client, name, code=PERMISSION_DENIED, message="User may not"):
        def refused(*_, **__):
            raise MlflowException(message, error_code=code)

        monkeypatch.setattr(client, name, refused)

    return method


def test_an_experiment_is_made_once_and_found_again(settings, refuse):
    client = connect(settings)
    made = experiment_id(client, settings)
    refuse(client, "create_experiment")
    assert experiment_id(client, settings) == made


def test_an_experiment_that_cannot_be_made_says_which_name_to_give(settings, refuse, monkeypatch):
    client = connect(settings)
    monkeypatch.setattr(client, "get_experiment_by_name", lambda _: None)
    refuse(client, "create_experiment", INVALID_PARAMETER_VALUE, "parent folder /kslm does not exist")
    with pytest.raises(SettingsError) as caught:
        experiment_id(client, settings)
    for said in ("/kslm/quick", "parent folder", "MLFLOW_EXPERIMENT_NAME", "/Users/<you>/kslm"):
        assert said in str(caught.value)


def test_one_that_another_process_made_at_that_moment_is_taken(settings, monkeypatch):
    client, other = connect(settings), connect(settings)
    known = experiment_id(other, settings)
    answers = iter([None, other.get_experiment_by_name(settings.experiment)])
    monkeypatch.setattr(client, "get_experiment_by_name", lambda _: next(answers))
    assert experiment_id(client, settings) == known


def test_an_experiment_that_may_not_be_read(settings, refuse):
    client = connect(settings)
    refuse(client, "get_experiment_by_name")
    with pytest.raises(KslmError, match="CAN EDIT"):
        experiment_id(client, settings)


@pytest.fixture(scope="module")
def version(settings, tmp_path_factory):
    """A run, an artefact, its manifest, and the version that it became."""
    folder = tmp_path_factory.mktemp("artefact")
    (folder / "weights").write_bytes(b"0123")
    description = {"content_id": "c1", "variant": "v", "runtime": "torch", "options": {}, "versions": {}}
    manifest = published.seal(folder, description)
    models = Registry(settings)
    run_id = models.client.create_run(experiment_id(models.client, settings)).info.run_id
    models.create()
    return run_id, folder, manifest, models.register(run_id, folder, manifest, {})


CALLS = {
    "get_registered_model": (lambda models, *_: models.create(), "cannot be read", "EXECUTE on it"),
    "create_model_version": (
        lambda models, run_id, folder, manifest, _: models.register(
            run_id, folder, manifest | {"content_id": "other"}, {}
        ),
        "cannot be given a version",
        "CREATE MODEL VERSION on it",
    ),
    "set_model_version_tag": (
        lambda models, run_id, folder, manifest, _: models.register(run_id, folder, manifest, {"gate": "pass"}),
        "cannot have its versions tagged",
        "MANAGE on it",
    ),
    "set_registered_model_alias": (lambda models, *of: models.offer(of[-1]), "alias", "MANAGE on it"),
    "delete_registered_model_alias": (lambda models, *of: models.promote(of[-1]), "alias", "MANAGE on it"),
}


@pytest.mark.parametrize("method", CALLS)
def test_a_refusal_names_the_model_the_privilege_and_who_runs(settings, version, refuse, method):
    call, problem, privilege = CALLS[method]
    models = Registry(settings)
    refuse(models.client, method)
    with pytest.raises(KslmError) as caught:
        call(models, *version)
    for said in (MODEL, problem, privilege, "run_as", "User may not"):
        assert said in str(caught.value), caught.value


def test_a_model_that_exists_is_not_created_and_one_that_may_not_be_says_so(settings, version, refuse):
    models = Registry(settings)
    refuse(models.client, "create_registered_model")
    models.create()
    models.name = "main.dev.another"
    with pytest.raises(KslmError, match=r"CREATE MODEL on schema main\.dev "):
        models.create()


def test_another_error_is_not_taken_for_a_refusal(settings, refuse):
    models = Registry(settings)
    refuse(models.client, "get_registered_model", INTERNAL_ERROR)
    with pytest.raises(MlflowException, match="User may not"):
        models.create()
