"""Building and measuring the variants of one trained model: the release stage's slow half.

Variants lie in artefacts/<run>/<variant>/, sealed (`kslm.published`). What an interrupted release left whole is kept;
the rest is made again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kslm import outputs, published, scratch
from kslm.errors import DataError
from kslm.outputs import Evaluated, Tokenized, Trained
from kslm.paths import Home
from kslm.release import measure
from kslm.release.measure import Measured
from kslm.release.variants import REFERENCE, VARIANTS, Variant
from kslm.release.variants.tools import TOKENIZER_FILES
from kslm.report import Progress
from kslm.settings import Settings
from kslm.tokens.manifest import Manifest
from kslm.tokens.reader import ShardReader
from kslm.tokens.sampler import held_stream

MEASURED_THREADS = 1
"""Threads of every variant while it is measured. Torch with two on a busy two-core machine fell from 200 to 6 decoded
tokens per second, which would have flattered everything compared with it; and an assistant in the background has no
claim to more than one core.
"""


Manifests = dict[str, dict[str, Any]]
"""By variant: content_id, variant, runtime, options, versions, lineage, files."""


@dataclass(frozen=True)
class Inputs:
    """What earlier stages published, and where the variants of it lie.

    Attributes:
        artefacts: artefacts/<run>/.
        checkpoint, shards: where they can be mapped; see `scratch.at_hand`.
    """

    home: Home
    run_id: str
    artefacts: Path
    checkpoint: Path
    weights_sha256: str
    evaluation: dict[str, float]
    shards: Path
    lineage: dict[str, Any]

    def folder(self, variant: str) -> Path:
        """Where a variant is published."""
        return self.artefacts / variant

    def at_hand(self, variant: str) -> Path:
        """Where a published variant can be mapped."""
        return scratch.at_hand(self.home, self.folder(variant))

    @classmethod
    def of(cls, settings: Settings) -> Inputs:
        """Read the reports of training, evaluation and tokenize.

        Raises:
            DataError: one is missing, or the checkpoint is not the one that was trained.
        """
        trained, tokenized = outputs.load(settings, Trained).outputs, outputs.load(settings, Tokenized).outputs
        evaluation = outputs.load(settings, Evaluated).metrics
        home = settings.home
        checkpoint = scratch.at_hand(home, home.at(trained.checkpoint))
        weights = checkpoint / "model.safetensors"
        if not weights.is_file():
            raise DataError(f"no weights at {weights}", remedy="train again: kslm train --force")
        if (sha256 := published.file_sha256(weights)) != trained.weights_sha256:
            raise DataError(
                f"{weights} is not what was trained",
                cause=f"sha256 {sha256}, reported {trained.weights_sha256}",
                remedy="train again: kslm train --force",
            )
        shards = scratch.at_hand(home, home.at(tokenized.manifest).parent)
        lineage = {
            "training_run": trained.run_id,
            "weights_sha256": sha256,
            "tokens_fingerprint": tokenized.fingerprint,
            "tokenizer_sha256": published.file_sha256(checkpoint / "tokenizer.json"),
            "corpus": Manifest.load(shards).lineage.model_dump(),
        }
        artefacts = home.artefacts / trained.run_id
        return cls(home, trained.run_id, artefacts, checkpoint, sha256, evaluation, shards, lineage)


def content_id(*parts: Any) -> str:
    """Identity of what something is made of: 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def build(inputs: Inputs, names: tuple[str, ...], workplace: Path, progress: Progress) -> Manifests:
    """Manifests of variants, in the order given, building those that are not there.

    Args:
        names: each after those that it needs; see `variants.order`.
    """
    manifests: Manifests = {}
    with progress.task("quantize", total=len(names), unit="variants") as task:
        for name in names:
            task.update(note=name)
            variant, folder = VARIANTS[name], inputs.folder(name)
            description = _describe(variant, inputs, manifests)
            manifest = published.whole(folder)
            if manifest is None or manifest["content_id"] != description["content_id"]:
                staged = workplace / name
                staged.mkdir()
                needs = {need: inputs.at_hand(need) for need in variant.needs}
                variant.build(inputs.checkpoint, needs, staged)
                manifest = scratch.publish(staged, folder, description)
            manifests[name] = manifest
            task.advance()
    return manifests


def _describe(variant: Variant, inputs: Inputs, manifests: Manifests) -> dict[str, Any]:
    """What a variant's manifest says beside its files; its content_id covers all that decides its bytes."""
    making = variant.making()
    needs = {name: manifests[name]["content_id"] for name in variant.needs}
    identity = content_id(inputs.weights_sha256, inputs.lineage["tokenizer_sha256"], making, needs)
    return {"content_id": identity, "runtime": variant.runtime, "lineage": inputs.lineage} | making


def measure_all(
    settings: Settings, inputs: Inputs, manifests: Manifests, workplace: Path, progress: Progress
) -> Measured:
    """Figures of every variant, all measured anew (speeds of different days cannot be compared), kept in its manifest.

    Returns:
        By variant, as JSON; see `measure.measure`. Beside it size_mb, and what compares it with the reference:
        perplexity_increase with its standard error, and speedup.

    Raises:
        DataError: the trained weights cannot be run here, or there are too few tokens to measure on.
    """
    plan = _plan(settings, inputs)
    folders = {name: inputs.at_hand(name) for name in manifests}
    with progress.task("measure", total=measure.steps(plan, len(folders)), unit="measurements") as task:
        measured = measure.measure(folders, plan, workplace, task)
    reference = measured[REFERENCE]
    if "error" in reference:
        raise DataError(
            f"the checkpoint {inputs.checkpoint} cannot be run here",
            cause=reference["error"],
            remedy="kslm doctor checks the machine; kslm train --force trains again",
        )
    nats, length = {name: own.pop("nats", None) for name, own in measured.items()}, plan.windows.shape[1] - 1
    for name, own in measured.items():
        own["size_mb"] = _weights_bytes(manifests[name]) / 1e6
        if "error" not in own:
            relative, error = measure.increase(nats[name], nats[REFERENCE], plan.begins, length)
            own |= {"perplexity_increase": relative, "perplexity_increase_error": error}
            own["speedup"] = own["decode_tokens_per_second"] / reference["decode_tokens_per_second"]
        published.seal(inputs.folder(name), manifests[name] | {"metrics": own})
    return measured


def _plan(settings: Settings, inputs: Inputs) -> measure.Plan:
    release = settings.profile.release
    config = json.loads((inputs.checkpoint / "config.json").read_text("utf-8"))
    context = int(config["max_position_embeddings"])
    test = held_stream(ShardReader(inputs.shards).split("test"), settings.profile.mix)
    length = min(settings.profile.train.sequence_length, context)
    windows, begins = measure.windows_of(test, length, release.perplexity_tokens)
    prefill = min(release.prefill_tokens, context // 2, windows.size)
    return measure.Plan(
        windows=windows,
        begins=begins,
        prefill_tokens=prefill,
        decode_tokens=min(release.decode_tokens, context - prefill),
        repeats=release.repeats,
        threads=MEASURED_THREADS,
        seed=settings.profile.seed,
    )


def _weights_bytes(manifest: dict[str, Any]) -> int:
    """Bytes of the model without its tokenizer, which every variant shares."""
    shared = (*TOKENIZER_FILES, "generation_config.json")
    return sum(int(record["bytes"]) for name, record in manifest["files"].items() if name not in shared)
