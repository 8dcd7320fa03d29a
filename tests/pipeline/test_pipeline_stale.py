"""A stage can never be stale: what its row declares is what it really imports."""

from __future__ import annotations

import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import grimp
import pytest

import kslm
from kslm.pipeline import PIPELINE
from kslm.profile import Profile

DECIDES_NOTHING = {
    "errors": "words for a person",
    "report": "how a result is handed on",
    "outputs": "how a result is handed on",
    "published": "how a folder is declared complete",
    "paths": "where things lie",
    "scratch": "where things lie until they are published",
    "settings": "values are part of the fingerprint, where `reads` names them",
    "profile": "values are part of the fingerprint, where `reads` names them",
    "yaml_file": "values are part of the fingerprint, where `reads` names them",
    "code": "tells which code this is",
    "ranks": "how processes meet",
    "figures": "the look of plots",
}
LIBRARIES_THAT_DECIDE_NOTHING = {
    "databricks-bundles": "shares a name with the workspace's own databricks-connect",
    "databricks-sdk": "shares a name with the workspace's own databricks-connect",
    "filelock": "who holds the home",
    "httpx": "carries bytes that are verified by their hash",
    "matplotlib": "plots",
    "mlflow": "records results",
    "mlflow-skinny": "records results",
    "mlflow-tracing": "records results",
    "platformdirs": "where things lie",
    "psutil": "measures",
    "pydantic": "values are part of the fingerprint",
    "pydantic-core": "values are part of the fingerprint",
    "pydantic-settings": "values are part of the fingerprint",
    "pyyaml": "values are part of the fingerprint",
    "xxhash": "names what was hashed",
    "tenacity": "when to try again",
}
BY_PROCESS = {"onnx-ir", "onnxruntime-genai", "accelerate"}
"""Used by a library or a program that a stage runs, not imported by it."""


@pytest.fixture(scope="module")
def imports():
    return grimp.build_graph("kslm", include_external_packages=True, cache_dir=None)


def closure(imports, stage):
    """Modules of kslm (without the prefix) and other packages that a stage's room imports, however indirectly."""
    own = {f"kslm.{stage}"} | imports.find_descendants(f"kslm.{stage}")
    reached = own | imports.find_upstream_modules(f"kslm.{stage}", as_package=True)
    inside = {name.removeprefix("kslm.") for name in reached if name.startswith("kslm.")}
    outside = {name for name in reached if name != "kslm" and not name.startswith("kslm.")}
    return inside, outside - sys.stdlib_module_names


def covers(room, module):
    return module == room or module.startswith(f"{room}.")


@pytest.mark.parametrize("name", PIPELINE)
def test_the_rooms_of_a_stage_are_those_that_it_imports(imports, name):
    stage = PIPELINE[name]
    inside, _ = closure(imports, name)
    rooms = {*stage.rooms, *DECIDES_NOTHING}
    missing = sorted({module for module in inside if not any(covers(room, module) for room in rooms)})
    assert not missing, f"stage {name} runs code that its fingerprint does not know: add rooms for {missing}"
    unused = [room for room in stage.rooms if not any(covers(room, module) for module in inside)]
    assert not unused, f"stage {name} does not import {unused}"


@pytest.mark.parametrize("name", PIPELINE)
def test_the_libraries_of_a_stage_are_those_that_it_imports(imports, name):
    stage = PIPELINE[name]
    distributions = packages_distributions()
    _, outside = closure(imports, name)
    used = {one.lower().replace("_", "-") for package in outside for one in distributions.get(package, [package])}
    declared = {library.lower() for library in stage.libraries}
    missing = sorted(used - declared - LIBRARIES_THAT_DECIDE_NOTHING.keys())
    assert not missing, f"stage {name} uses libraries that its fingerprint does not know: {missing}"
    unused = sorted(declared - used - BY_PROCESS)
    assert not unused, f"stage {name} does not use {unused}"


SETTINGS_THAT_DECIDE_NOTHING = {"train.threads": "how fast"}
_READ = re.compile(r"\bprofile\.([a-z_]+)(?:\.([a-z_]+))?")


@pytest.mark.parametrize("name", PIPELINE)
def test_the_settings_that_a_stage_reads_are_declared(name):
    fields = {*Profile.model_fields} - {"profile", "description", "stages"}
    used = set()
    for file in (Path(kslm.__file__).parent / name).rglob("*.py"):
        used |= {match.groups() for match in _READ.finditer(file.read_text("utf-8")) if match[1] in fields}
    reads = {*PIPELINE[name].reads, *SETTINGS_THAT_DECIDE_NOTHING}
    missing = sorted(f"{section}.{value}" for section, value in used if not {section, f"{section}.{value}"} & reads)
    assert not missing, f"stage {name} reads settings that its fingerprint does not know: {missing}"


def test_what_is_declared_to_decide_nothing_exists_and_no_room_is_declared_twice():
    root = Path(kslm.__file__).parent
    for room in DECIDES_NOTHING:
        assert (root / f"{room}.py").exists(), room
    for stage in PIPELINE.values():
        assert len(set(stage.rooms)) == len(stage.rooms)
        assert not set(stage.rooms) & set(DECIDES_NOTHING)
