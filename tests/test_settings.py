from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kslm.errors import SettingsError
from kslm.profile import Profile
from kslm.settings import load_profile, load_settings, profile_folders
from kslm.yaml_file import parse_yaml
from miniature import tiny_profile


def profile_text(tmp_path: Path, **changes: object) -> str:
    profile = tiny_profile(tmp_path)
    for dotted, value in changes.items():
        part = profile
        *parents, last = dotted.split("__")
        for name in parents:
            part = part.setdefault(name, {})
        part[last] = value
    return yaml.safe_dump(profile, sort_keys=False)


def test_every_shipped_profile_is_valid():
    names = {path.stem for folder in profile_folders() for path in folder.glob("*.yml")}
    assert "quick" in names
    assert {load_profile(name).profile for name in names} == names


@pytest.mark.parametrize("number", ["3e-4", "3E-4", "3.0e-4", "0.0003", "+3e-4"])
def test_scientific_notation_arrives_as_a_number(number, tmp_path):
    text = profile_text(tmp_path, train__learning_rate=1).replace("learning_rate: 1", f"learning_rate: {number}")
    assert parse_yaml(text, "x.yml", Profile).train.learning_rate == 3e-4


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"train__max_steps": -1}, "train.max_steps", "greater than or equal to 1"),
        ({"train__warm_up": 3}, "train.warm_up", "Extra inputs"),
        ({"curate__split": {"train": 0.9, "val": 0.2, "test": 0.05}}, "curate.split", "must be 1"),
        ({"model__size": "huge"}, "model.size", "quick"),
        ({"model__context_length": 32}, "file", "exceeds model.context_length 32"),
        ({"sources__pci_ids__places": [{"path": "a", "debian": "pci.ids"}]}, "sources.pci_ids.places.0", "exactly one"),
        ({"sources__pci_ids__places": []}, "sources.pci_ids", "at least one place"),
    ],
)
def test_an_error_names_file_line_and_field(change, field, says, tmp_path):
    text = profile_text(tmp_path, **change)
    with pytest.raises(SettingsError) as raised:
        parse_yaml(text, "my.yml", Profile)
    first = str(raised.value).splitlines()[0]
    name, line, rest = first.split(":", 2)
    assert name == "my.yml"
    assert field in rest and says in rest
    last_part = field.rsplit(".", 1)[-1]
    if last_part not in ("file", "0"):
        assert last_part in text.splitlines()[int(line) - 1]


def test_a_key_given_twice_is_refused(tmp_path):
    text = profile_text(tmp_path) + "seed: 1\n"
    with pytest.raises(SettingsError, match="given twice"):
        parse_yaml(text, "x.yml", Profile)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "profile: [", "\tprofile: x"])
def test_a_file_that_is_no_profile_is_refused(text):
    with pytest.raises(SettingsError, match=r"^x\.yml"):
        parse_yaml(text, "x.yml", Profile)


def test_an_unknown_profile_lists_the_known_ones():
    with pytest.raises(SettingsError, match="quick"):
        load_profile("nope")


def test_a_profile_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "latin.yml").write_bytes(b"profile: \xff\n")
    with pytest.raises(SettingsError, match=r"latin\.yml"):
        load_profile(tmp_path / "latin.yml")


def test_the_environment_decides_where_and_with_what(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KSLM_HOME", str(tmp_path / "h"))
    monkeypatch.setenv("KSLM_ENGINE", "databricks")
    settings = load_settings("quick")
    assert settings.home.root == tmp_path / "h"
    assert (settings.tracking_uri, settings.registry_uri) == ("databricks", "databricks-uc")
    monkeypatch.setenv("KSLM_ENGINE", "sail")
    monkeypatch.setenv("KSLM_CATALOG", "dev")
    assert load_settings("quick").registered_model == "dev.quick.kslm_quick"
    assert load_settings("quick").registry_uri == f"sqlite:///{tmp_path}/h/mlflow.db"


def test_a_wrong_environment_variable_is_named(monkeypatch):
    monkeypatch.setenv("KSLM_ENGINE", "flink")
    with pytest.raises(SettingsError, match="KSLM_ENGINE"):
        load_settings("quick")


def test_a_profile_may_extend_another(tmp_path):
    (tmp_path / "base.yml").write_text(profile_text(tmp_path))
    (tmp_path / "mine.yml").write_text("extends: base\nprofile: mine\ntrain:\n  learning_rate: 2e-3\n")
    mine, base = load_profile(tmp_path / "mine.yml"), load_profile(tmp_path / "base.yml")
    assert (mine.profile, mine.train.learning_rate) == ("mine", 2e-3)
    assert mine.train.max_steps == base.train.max_steps
    assert mine.sources == base.sources


def test_an_error_in_an_extending_profile_names_its_own_line(tmp_path):
    (tmp_path / "base.yml").write_text(profile_text(tmp_path))
    (tmp_path / "mine.yml").write_text("extends: base\nprofile: mine\ntrain:\n  max_steps: 0\n")
    with pytest.raises(SettingsError, match=r"mine\.yml:4: train\.max_steps"):
        load_profile(tmp_path / "mine.yml")


def test_profiles_that_extend_each_other_are_refused(tmp_path):
    (tmp_path / "a.yml").write_text("extends: b\n")
    (tmp_path / "b.yml").write_text("extends: a\n")
    with pytest.raises(SettingsError, match="extends itself"):
        load_profile(tmp_path / "a.yml")


@pytest.mark.parametrize(("name", "threshold"), [("tiny", 50), ("small", 30), ("medium", 20), ("large", 15)])
def test_the_specified_sizes_keep_the_specified_thresholds(name, threshold):
    assert load_profile(name).release.gates.max_perplexity == threshold


def test_changes_are_laid_over_the_profile():
    settings = load_settings("quick", changes=("train.max_steps=7", "train.betas=[0.8, 0.9]", "seed=3"))
    plain = load_settings("quick").profile
    assert (settings.profile.train.max_steps, settings.profile.train.betas, settings.profile.seed) == (7, (0.8, 0.9), 3)
    assert settings.profile.train.warmup_steps == plain.train.warmup_steps
    assert settings.profile.sources == plain.sources


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (("train.max_steps",), "section.field=value"),
        (("train.max_steps=",), "train.max_steps"),
        (("=3",), "section.field=value"),
        (("train..max_steps=3",), "section.field=value"),
        (("train.max_steps=3", "train.max_steps=4"), "given twice"),
        (("train=3", "train.max_steps=4"), "given twice"),
        (("train.max_steps=3\nseed: 4",), "section.field=value"),
        (("train.max_step=3",), "train.max_step: Extra inputs"),
        (("train.max_steps=many",), "train.max_steps"),
        (("train.betas=[0.8",), "not valid YAML"),
        (("profile=other",), "rename"),
        (("extends=small",), "rename"),
    ],
)
def test_a_change_that_cannot_be_made_is_an_error(changes, says):
    with pytest.raises(SettingsError, match="--set") as raised:
        load_settings("quick", changes=changes)
    assert says in str(raised.value)
