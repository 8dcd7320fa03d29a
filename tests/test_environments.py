"""The job's requirement files hold what kslm needs, and move nothing of the runtime without saying why."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "environments"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BASE = PROJECT["dependencies"]
TRAIN = BASE + PROJECT["optional-dependencies"]["train"]
MOVED = "# moved: "
# pip's options that the files may use, each with one value; `-c` and `-r` name a file beside them.
OPTIONS = {"-c", "-r", "--extra-index-url"}


def lines_of(name):
    """What pip reads of a file: (option, value) or (requirement, comment)."""
    for line in (FOLDER / name).read_text().splitlines():
        content, _, comment = (part.strip() for part in line.partition(" #"))
        if not content or content.startswith("#"):
            continue
        option, _, value = content.partition(" ")
        yield (option, value) if option in OPTIONS else (Requirement(content), comment)


def pins(name):
    """Each pin of a file and of those that it takes in: canonical name to version and comment."""
    found = {}
    for first, second in lines_of(name):
        if first == "-r":
            found |= pins(second)
        elif isinstance(first, Requirement):
            (exact,) = first.specifier
            assert exact.operator == "==" and not first.extras, first
            found[canonicalize_name(first.name)] = (exact.version, second)
    return found


def published():
    """The runtime's versions, and which of them are no constraint here."""
    versions, moved = {}, set()
    for line in (FOLDER / "runtime-5.txt").read_text().splitlines():
        if line.startswith("#") and not line.startswith(MOVED):
            continue
        name, _, version = line.removeprefix(MOVED).partition("==")
        assert canonicalize_name(name) not in versions
        versions[canonicalize_name(name)] = version
        if line.startswith(MOVED):
            moved.add(canonicalize_name(name))
    return versions, moved


def unmet(requirements, name):
    """Requirements that neither the file nor the runtime meets."""
    versions, _ = published()
    have = versions | {package: version for package, (version, _) in pins(name).items()}
    for requirement in map(Requirement, requirements):
        version = have.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version):
            yield f"{requirement}: {version}"


@pytest.mark.parametrize(("name", "requirements"), [("data.txt", BASE), ("gpu.txt", TRAIN), ("model.txt", TRAIN)])
def test_a_file_and_the_runtime_meet_what_kslm_requires(name, requirements):
    assert list(unmet(requirements, name)) == []


def test_a_requirement_that_is_not_met_is_seen():
    assert list(unmet(["torch==2.13.0"], "data.txt")) == ["torch==2.13.0: None"]
    assert list(unmet(["pydantic>=2.13"], "data.txt")) == ["pydantic>=2.13: 2.10.6"]


def test_only_what_is_on_record_as_moved_is_pinned_otherwise_and_each_pin_says_why():
    versions, moved = published()
    ours = pins("gpu.txt")
    assert {name for name in ours if name in versions} == moved
    for name in moved:
        version, reason = ours[name]
        assert Version(version) > Version(versions[name])
        assert reason, f"{name}=={version} does not say why it moves off {versions[name]}"


def test_the_runtime_constrains_every_file():
    assert [value for option, value in lines_of("data.txt") if option == "-c"] == ["runtime-5.txt"]
    assert ("-r", "data.txt") in list(lines_of("gpu.txt"))
    assert ("-r", "gpu.txt") in list(lines_of("model.txt"))


def test_torch_is_the_one_of_the_project_and_without_a_gpu_a_build_for_the_cpu():
    (required,) = (line for line in TRAIN if line.startswith("torch=="))
    assert required == f"torch=={pins('gpu.txt')['torch'][0]}"
    index = [value for option, value in lines_of("model.txt") if option == "--extra-index-url"]
    assert index == ["https://download.pytorch.org/whl/cpu"]


def test_what_both_name_is_what_the_project_was_run_with():
    """Other versions only where the runtime's own hold them back."""
    tried = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.M)
    }
    direct = {canonicalize_name(Requirement(line).name) for line in TRAIN}
    other = {name for name, (version, _) in pins("gpu.txt").items() if name in direct and tried[name] != version}
    assert other == {"onnx", "pydantic-settings"}
