"""The release stage: from a trained checkpoint to a registered, measured and, if it earns it, promoted model.

Order: build the variants, measure them together, hold them against the gates, register one version each, move the
aliases. Every step finds what an interrupted release left behind and goes on from there. A model that fails its gates
is registered and tagged with the reasons, stays `challenger`, and is never promoted; that is a result, not an error.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kslm.release import artefacts, gates, plot, work
from kslm.release.gates import Gate
from kslm.report import QUIET, Progress, Report
from kslm.settings import Settings
from kslm.tracking.registry import CHALLENGER, CHAMPION, PREVIOUS, Registry

if TYPE_CHECKING:
    from mlflow import MlflowClient

_MEASURED = (
    "perplexity",
    "perplexity_increase",
    "perplexity_increase_error",
    "size_mb",
    "decode_tokens_per_second",
    "prefill_tokens_per_second",
    "peak_rss_mb",
    "speedup",
    "repetition",
    "logits_difference",
)


def run(settings: Settings, progress: Progress = QUIET) -> Report:
    """Release the newest trained model of this profile.

    Raises:
        DataError: an earlier stage has not run, or its files were altered.
        KslmError: a variant could not be built, or the registry did not take it.
    """
    inputs = work.Inputs.of(settings)
    wanted: list[str] = list(dict.fromkeys(("fp32", *settings.profile.release.variants)))
    with work.scratch_folder(settings) as scratch:
        manifests = work.build(settings, inputs, wanted, scratch, progress)
        work.measure_all(settings, inputs, manifests, scratch, progress)
    measured = {name: manifest["metrics"] for name, manifest in manifests.items()}
    bounds = settings.profile.release.gates
    by_variant = {name: gates.of_variant(name, measured, bounds) for name in wanted if name != "fp32"}
    preferred = gates.prefer(by_variant)
    of_model = gates.of_model(inputs.evaluation, measured, _nominal(settings), bounds)
    verdicts = [*of_model, *by_variant[preferred]]
    with progress.task("register", total=len(wanted), unit="variants") as task:
        decision = _Decision(preferred, of_model, by_variant)
        models = Registry(settings)
        versions = {}
        for variant in wanted:
            tags = _tags(settings, inputs, manifests[variant], decision)
            folder = work.folder_of(settings, inputs, variant)
            versions[variant] = models.register(inputs.run_id, folder, manifests[variant], tags)
            task.advance()
    promoted = all(verdict.passed for verdict in verdicts)
    models.offer(versions[preferred])
    replaced = models.promote(versions[preferred]) if promoted else None
    everything = [*of_model, *(g for own in by_variant.values() for g in own)]
    _log(models.client, inputs.run_id, measured, everything, preferred)
    identities = {variant: manifest["content_id"] for variant, manifest in manifests.items()}
    details = {}
    for variant in wanted:
        own = measured[variant]
        details[variant] = {key: own[key] for key in (*_MEASURED, "threads", "error") if key in own} | {
            "path": str(work.folder_of(settings, inputs, variant)),
            "registered_as": _registered_as(variant, versions[variant], preferred, promoted),
            "gates": [verdict.as_dict() for verdict in by_variant.get(variant, [])],
        }
    return Report(
        stage="release",
        output_id=artefacts.content_id(inputs.weights_sha256, identities, promoted),
        metrics=_metrics(measured),
        outputs={
            "version": versions[preferred],
            "alias": CHAMPION if promoted else CHALLENGER,
            "promoted": promoted,
            "preferred": preferred,
            "model_name": models.name,
            "gates": [verdict.as_dict() for verdict in verdicts],
            "variants": details,
        },
        notes=_notes(decision, measured, replaced, models.name),
    )


@dataclass(frozen=True)
class _Decision:
    preferred: str
    of_model: list[Gate]
    by_variant: dict[str, list[Gate]]

    def refusals(self, variant: str) -> list[str]:
        """Why this variant may not be served; empty if it may."""
        return [f"{g.name} {g}" for g in (*self.of_model, *self.by_variant.get(variant, [])) if not g.passed]


def _tags(settings: Settings, inputs: work.Inputs, manifest: dict[str, Any], decision: _Decision) -> dict[str, Any]:
    """What a version shows: its figures, its gates and, where it may not be served, the reasons."""
    variant, metrics = manifest["variant"], manifest["metrics"]
    tags: dict[str, Any] = {"variant": variant, "profile": settings.profile.profile}
    tags |= {key: metrics[key] for key in (*_MEASURED, "threads", "error") if key in metrics}
    tags |= {key: inputs.lineage[key] for key in ("weights_sha256", "tokenizer_sha256", "tokens_fingerprint")}
    for verdict in (*decision.of_model, *decision.by_variant.get(variant, [])):
        tags[f"gate_{verdict.name.rpartition('/')[2]}"] = str(verdict)
    if refusals := decision.refusals(variant):
        tags["rejected"] = "; ".join(refusals)
    return tags


def _log(
    client: MlflowClient,
    run_id: str,
    measured: dict[str, dict[str, Any]],
    verdicts: list[Gate],
    preferred: str,
) -> None:
    """Log figures, gates and the picture to the training run."""
    from mlflow.entities import Metric, RunTag

    now = int(time.time() * 1000)
    figures = _metrics(measured)
    for verdict in verdicts:
        figures |= {
            f"gate/{verdict.name}/figure": verdict.figure,
            f"gate/{verdict.name}/bound": verdict.bound,
            f"gate/{verdict.name}/passed": float(verdict.passed),
        }
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, now, 0) for key, value in sorted(figures.items())],
        tags=[RunTag(f"gate/{verdict.name}", str(verdict)) for verdict in verdicts],
    )
    client.log_figure(run_id, plot.trade(measured, preferred), "release/variants.png")


def _metrics(measured: dict[str, dict[str, Any]]) -> dict[str, float]:
    return {
        f"quant/{variant}/{key}": float(metrics[key])
        for variant, metrics in measured.items()
        for key in _MEASURED
        if key in metrics
    }


def _registered_as(variant: str, version: str, preferred: str, promoted: bool) -> str:
    if variant != preferred:
        return f"version {version}"
    return f"version {version}, {CHAMPION if promoted else CHALLENGER}"


def _notes(
    decision: _Decision, measured: dict[str, dict[str, Any]], replaced: str | None, model_name: str
) -> list[str]:
    notes = []
    for variant, own in decision.by_variant.items():
        if failed := [f"{g.name} {g}" for g in own if not g.passed]:
            notes.append(f"{variant} is refused: {'; '.join(failed)}")
        if "error" in measured[variant]:
            notes.append(f"{variant} cannot run on this machine: {measured[variant]['error']}")
    if failed := [f"{g.name} {g}" for g in decision.of_model if not g.passed]:
        notes.append(f"the model is refused: {'; '.join(failed)}")
    if replaced:
        notes.append(f"version {replaced} of {model_name} was champion and is now {PREVIOUS}")
    return notes


def _nominal(settings: Settings) -> int:
    from kslm.model import SIZES

    return SIZES[settings.profile.model.size].nominal
