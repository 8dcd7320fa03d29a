"""A variant is one file and one row: a toy one goes through the whole stage, is served, and its home is moved."""

import ast
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import kslm
from kslm import release
from kslm.errors import DataError, SettingsError
from kslm.pipeline import select
from kslm.profile import Profile
from kslm.release import variants
from kslm.release.variants import REFERENCE, VARIANTS
from kslm.serve.champion import Writer
from kslm.settings import Environment, Settings, load_profile
from kslm.tracking import registry

SOURCE = Path(kslm.__file__).parent

READ_BACK = """
import sys
from pathlib import Path
from kslm.settings import Environment, Settings, load_profile
from kslm.tracking import registry
from kslm.tracking.client import connect
root = Path(sys.argv[1])
settings = Settings(load_profile(root / "mini.yml"), Environment(KSLM_HOME=root))
served, client = registry.champion(settings), connect(settings)
version = client.get_model_version(served.name, served.version)
model = client.search_logged_models(["1"], filter_string=f"tags.content_id = '{version.tags['content_id']}'")[0]
print(served.folder)
print(client.download_artifacts(version.run_id, "release/variants.png"))
print(sorted(file.path for file in client.list_logged_model_artifacts(model.model_id)))
"""


def test_a_new_variant_is_built_measured_gated_served_and_moved_with_its_home(tmp_path, checkpoint, new_home, toy):
    settings = new_home(tmp_path / "home", checkpoint, "[toy]")
    report = release.run(settings)
    assert list(report.outputs.variants) == [REFERENCE, "toy"]
    assert report.outputs.preferred == "toy"
    assert report.outputs.promoted
    assert [gate.name for gate in report.outputs.variants["toy"].gates if gate.name == "toy/quantized_non_finite"]
    assert 0 < report.metrics["quant/toy/logits_difference"] < 0.1
    assert report.metrics["quant/toy/size_mb"] < 0.6 * report.metrics[f"quant/{REFERENCE}/size_mb"]
    served = registry.champion(settings)
    assert served.runtime == "torch"
    words = Writer(served).write("Which driver?")

    moved = tmp_path / "else where"
    settings.home.root.rename(moved)
    done = subprocess.run([sys.executable, "-c", READ_BACK, str(moved)], capture_output=True, text=True, check=True)
    folder, picture, files = done.stdout.strip().splitlines()
    assert Path(folder).is_relative_to(moved)
    assert Path(picture).is_file()
    assert "model.safetensors" in files
    with sqlite3.connect(moved / "mlflow.db") as store:
        assert str(tmp_path / "home") not in "\n".join(store.iterdump())
    here = Settings(load_profile(moved / "mini.yml"), Environment(KSLM_HOME=moved))
    assert Writer(registry.champion(here)).write("Which driver?") == words
    (Path(folder) / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(DataError, match="not as it was released"):
        registry.champion(here)


def test_a_variant_is_named_in_its_file_in_its_row_and_in_the_default_of_the_profile_only():
    """Words of a path-like string count too; training has a precision of the reference's name."""
    folder = SOURCE / "release" / "variants"
    for file in SOURCE.rglob("*.py"):
        words = [node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)]
        named = {part for word in words if isinstance(word, str) for part in word.split("/")} & VARIANTS.keys()
        room = file.relative_to(SOURCE).parts[0]
        allowed = {REFERENCE} if room in ("train", "model") else set()
        if file.parent == folder and file.stem in VARIANTS:
            allowed = {file.stem, *VARIANTS[file.stem].needs}
            # The graph builder's word for a precision.
            allowed |= {"fp32"} if file.stem == "onnx_fp32" else set()
            assert file.stem in named
        assert file == SOURCE / "profile.py" or named <= allowed, f"{file} names {named}"


def profile_with(names) -> Profile:
    raw = load_profile("quick").model_dump(mode="json")
    return Profile.model_validate(raw | {"release": raw["release"] | {"variants": names}})


def test_names_are_checked_before_any_stage_runs():
    variants.check(profile_with(["fp32", "int4"]))
    with pytest.raises(SettingsError, match=r"no variant named 'int3'(.|\n)*known: fp32, torch_int8, int8, int4$"):
        select(profile_with(["int8", "int3"]))
    with pytest.raises(SettingsError, match="no variant named 'onnx_fp32'"):
        select(profile_with(["int8", "onnx_fp32"]))
    with pytest.raises(SettingsError, match=r"none that can be served(.|\n)*int4, int8"):
        select(profile_with(["fp32", "torch_int8"]))
    assert "release" not in select(profile_with(["int3"]), last="train")


def test_checking_loads_no_library_that_runs_models():
    code = (
        "import sys; from kslm.release import variants; import kslm.runtimes;"
        "print({'torch', 'onnxruntime', 'onnxruntime_genai', 'transformers', 'mlflow', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_each_variant_is_made_once_after_what_it_is_made_of():
    assert variants.order(["int8", "int4", "int8"]) == ("fp32", "onnx_fp32", "int8", "int4")
    assert variants.served(VARIANTS) == ["int4", "int8"]


def test_options_versions_and_code_decide_a_variants_identity():
    making = VARIANTS["int4"].making()
    assert making["options"]["block_size"] == "32"
    assert set(making["versions"]) == {"onnxruntime-genai", "onnx-ir", "onnxruntime"}
    assert making["code"] != VARIANTS["int8"].making()["code"]
