"""Building and measuring the variants of one trained model: the release stage's slow half.

What an interrupted release left whole is kept; the rest is made again.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kslm.errors import DataError
from kslm.release import artefacts, measure, variants
from kslm.report import Progress, Report
from kslm.settings import Settings

MEASURED_THREADS = 1
"""Threads of every variant while it is measured. Torch with two on a busy two-core machine fell from 200 to 6 decoded
tokens per second, which would have flattered everything compared with it; and an assistant in the background has no
claim to more than one core.
"""


@dataclass(frozen=True)
class Inputs:
    """What earlier stages published."""

    run_id: str
    checkpoint: Path
    weights_sha256: str
    evaluation: dict[str, float]
    shards: Path
    lineage: dict[str, Any]

    @classmethod
    def of(cls, settings: Settings) -> Inputs:
        """Read the reports of train, evaluate and tokenize.

        Raises:
            DataError: one is missing, or the checkpoint is not the one that was trained.
        """
        profile, home = settings.profile.profile, settings.home
        train, evaluation, tokens = (Report.load(home.report(profile, s)) for s in ("train", "evaluate", "tokenize"))
        checkpoint = Path(train.outputs["checkpoint"])
        weights = checkpoint / "model.safetensors"
        if not weights.is_file():
            raise DataError(f"no weights at {weights}", remedy="train again: kslm train --force")
        if (found := artefacts.file_sha256(weights)) != train.outputs["weights_sha256"]:
            raise DataError(
                f"{weights} is not what was trained",
                cause=f"sha256 {found}, reported {train.outputs['weights_sha256']}",
                remedy="train again: kslm train --force",
            )
        shards = Path(tokens.outputs["manifest"]).parent
        manifest = json.loads((shards / "manifest.json").read_text("utf-8"))
        lineage = {
            "training_run": train.outputs["run_id"],
            "weights_sha256": found,
            "tokens_fingerprint": tokens.outputs["fingerprint"],
            "tokenizer_sha256": artefacts.file_sha256(checkpoint / "tokenizer.json"),
            "corpus": manifest.get("lineage", {}),
        }
        return cls(train.outputs["run_id"], checkpoint, found, evaluation.metrics, shards, lineage)


def build(
    settings: Settings, inputs: Inputs, wanted: list[str], scratch: Path, progress: Progress
) -> dict[str, dict[str, Any]]:
    """Manifests of all variants, building those that are not there; the float32 graph comes before int8."""
    names = list(wanted)
    if "int8" in names:
        names.insert(names.index("int8"), variants.ONNX_FP32)
    manifests = {}
    with progress.task("quantize", total=len(names), unit="variants") as task:
        for name in names:
            task.update(note=name)
            recipe, folder = variants.recipe(name), folder_of(settings, inputs, name)
            identity = artefacts.content_id(inputs.weights_sha256, inputs.lineage["tokenizer_sha256"], recipe)
            manifest = artefacts.current(folder, identity)
            if manifest is None:
                staged = scratch / name
                variants.build(name, inputs.checkpoint, folder_of(settings, inputs, variants.ONNX_FP32), staged)
                description = {
                    "content_id": identity,
                    "variant": name,
                    "recipe": recipe,
                    "lineage": inputs.lineage,
                }
                manifest = artefacts.publish(staged, folder, description)
                shutil.rmtree(staged)
            manifests[name] = manifest
            task.advance()
    return manifests


def measure_all(
    settings: Settings,
    inputs: Inputs,
    manifests: dict[str, dict[str, Any]],
    scratch: Path,
    progress: Progress,
) -> None:
    """Fill in every manifest's metrics, all measured anew: speeds of different days cannot be compared."""
    plan = _plan(settings, inputs)
    folders = {name: folder_of(settings, inputs, name) for name in manifests}
    with progress.task("measure", total=measure.steps(plan, len(folders)), unit="measurements") as task:
        results = measure.measure(folders, plan, scratch, task)
    if "error" in results["fp32"]:
        raise DataError(
            f"the checkpoint {inputs.checkpoint} cannot be run here",
            cause=results["fp32"]["error"],
            remedy="kslm doctor checks the machine; kslm train --force trains again",
        )
    source = results["fp32"]
    baseline = source["losses"]
    for name, manifest in manifests.items():
        metrics = results[name]
        metrics["size_mb"] = _weights_bytes(manifest) / 1e6
        if "error" not in metrics:
            relative, error = measure.increase(metrics.pop("losses"), baseline)
            metrics |= {"perplexity_increase": relative, "perplexity_increase_error": error}
            metrics["speedup"] = metrics["decode_tokens_per_second"] / source["decode_tokens_per_second"]
        artefacts.write_manifest(folders[name], manifest | {"metrics": metrics})
        manifest["metrics"] = metrics


def _plan(settings: Settings, inputs: Inputs) -> measure.Plan:
    from kslm.tokens import EOT_ID, ShardReader

    release = settings.profile.release
    config = json.loads((inputs.checkpoint / "config.json").read_text("utf-8"))
    context = int(config["max_position_embeddings"])
    tokens = ShardReader(inputs.shards).split("test").tokens
    windows = measure.spread_windows(
        tokens, min(settings.profile.train.sequence_length, context), release.perplexity_tokens
    )
    prefill = min(release.prefill_tokens, context // 2, windows.size)
    return measure.Plan(
        windows=windows,
        prefill_tokens=prefill,
        decode_tokens=min(release.decode_tokens, context - prefill),
        repeats=release.repeats,
        threads=MEASURED_THREADS,
        seed=settings.profile.seed,
        end_id=EOT_ID,
    )


def folder_of(settings: Settings, inputs: Inputs, variant: str) -> Path:
    """Where a variant of this run is published."""
    return settings.home.artefacts / inputs.run_id / variant


@contextmanager
def scratch_folder(settings: Settings) -> Iterator[Path]:
    """An empty local folder for unfinished work, without the leftovers of a killed release.

    A Volume takes no random writes, so on Databricks it lies on the driver's own disk.
    """
    if settings.on_databricks:
        with tempfile.TemporaryDirectory(prefix="kslm-release-") as path:
            yield Path(path)
        return
    folder = settings.home.cache / "release"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _weights_bytes(manifest: dict[str, Any]) -> int:
    """Bytes of the model without its tokenizer, which every variant shares."""
    shared = (*variants.TOKENIZER_FILES, "generation_config.json")
    return sum(int(record["bytes"]) for name, record in manifest["files"].items() if name not in shared)
