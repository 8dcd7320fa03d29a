"""The release stage: from a trained checkpoint to a registered, measured and, if it earns it, promoted model.

Order: build the variants, measure them together, hold them against the gates, register one version each, move the
aliases. Every step finds what an interrupted release left behind and goes on from there. A model that fails its gates
is registered and tagged with the reasons, stays `challenger`, and is never promoted; that is a result, not an error.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kslm import scratch
from kslm.outputs import GateResult, Released, VariantResult
from kslm.release import gates, plot, variants, work
from kslm.release.measure import Measured
from kslm.release.variants import VARIANTS
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
_SHOWN = (*_MEASURED, "threads", "error")


def run(settings: Settings, progress: Progress = QUIET) -> Report[Released]:
    """Release the newest trained model of this profile.

    Raises:
        SettingsError: the profile names variants that there are not, or none that can be served.
        DataError: an earlier stage has not run, or its files were altered.
        KslmError: a variant could not be built, or the registry did not take it.
    """
    variants.check(settings.profile)
    inputs = work.Inputs.of(settings)
    with scratch.emptied(settings.home.scratch / "release") as workplace:
        names = variants.order(settings.profile.release.variants)
        manifests = work.build(inputs, names, workplace, progress)
        measured = work.measure_all(settings, inputs, manifests, workplace, progress)
    decision = _decide(settings, inputs, measured)
    models = Registry(settings)
    versions = _register(models, inputs, manifests, decision, progress)
    version = versions[decision.preferred]
    models.offer(version)
    replaced = models.promote(version) if decision.promoted else None
    _log(models.client, inputs.run_id, decision)
    identities = {name: manifest["content_id"] for name, manifest in manifests.items()}
    return Report(
        stage="release",
        output_id=work.content_id(inputs.weights_sha256, identities, decision.promoted),
        metrics=_metrics(measured) | _headline(measured[decision.preferred]),
        outputs=Released(
            version=version,
            alias=decision.alias,
            promoted=decision.promoted,
            preferred=decision.preferred,
            model_name=models.name,
            gates=decision.decisive,
            variants={
                name: VariantResult(
                    path=settings.home.relative(inputs.folder(name)),
                    registered_as=f"version {number}" + (f", {decision.alias}" if number == version else ""),
                    gates=decision.by_variant.get(name, []),
                    **{key: measured[name][key] for key in _SHOWN if key in measured[name]},
                )
                for name, number in versions.items()
            },
        ),
        notes=_notes(decision, replaced, models.name),
    )


@dataclass(frozen=True)
class _Decision:
    """What the gates make of the figures: which variant is preferred, and whether it is promoted."""

    measured: Measured
    preferred: str
    of_model: list[GateResult]
    by_variant: dict[str, list[GateResult]]

    @property
    def decisive(self) -> list[GateResult]:
        """The gates that the preferred variant has to meet."""
        return [*self.of_model, *self.by_variant[self.preferred]]

    @property
    def promoted(self) -> bool:
        return all(gate.passed for gate in self.decisive)

    @property
    def alias(self) -> str:
        return CHAMPION if self.promoted else CHALLENGER


def _decide(settings: Settings, inputs: work.Inputs, measured: Measured) -> _Decision:
    from kslm.model import SIZES

    bounds, nominal = settings.profile.release.gates, SIZES[settings.profile.model.size].nominal
    quantized = [name for name in measured if VARIANTS[name].role == "quantized"]
    by_variant = {name: gates.of_variant(name, measured, bounds) for name in quantized}
    of_model = gates.of_model(inputs.evaluation, measured, nominal, bounds)
    return _Decision(measured, gates.prefer(by_variant), of_model, by_variant)


def _register(
    models: Registry, inputs: work.Inputs, manifests: work.Manifests, decision: _Decision, progress: Progress
) -> dict[str, str]:
    """Versions by variant; what was made for another variant only is not registered."""
    names = [name for name in manifests if VARIANTS[name].role != "intermediate"]
    versions = {}
    models.create()
    with progress.task("register", total=len(names), unit="variants") as task:
        for name in names:
            content = {key: inputs.lineage[key] for key in ("weights_sha256", "tokenizer_sha256", "tokens_fingerprint")}
            tags = _tags(name, decision) | content
            versions[name] = models.register(inputs.run_id, inputs.folder(name), manifests[name], tags)
            task.advance()
    return versions


def _tags(variant: str, decision: _Decision) -> dict[str, Any]:
    """What a version shows: its figures, its gates and, where it may not be served, the reasons."""
    figures = decision.measured[variant]
    held = [*decision.of_model, *decision.by_variant.get(variant, [])]
    tags: dict[str, Any] = {"variant": variant} | {key: figures[key] for key in _SHOWN if key in figures}
    tags |= {f"gate_{gate.name.rpartition('/')[2]}": gates.verdict(gate) for gate in held}
    if refusals := gates.refusals(held):
        tags["rejected"] = refusals
    return tags


def _log(client: MlflowClient, run_id: str, decision: _Decision) -> None:
    from mlflow.entities import Metric, RunTag

    now = int(time.time() * 1000)
    figures = _metrics(decision.measured)
    held = [*decision.of_model, *(gate for own in decision.by_variant.values() for gate in own)]
    for gate in held:
        figures |= {
            f"gate/{gate.name}/figure": gate.figure,
            f"gate/{gate.name}/bound": gate.bound,
            f"gate/{gate.name}/passed": float(gate.passed),
        }
    client.log_batch(
        run_id,
        metrics=[Metric(key, value, now, 0) for key, value in sorted(figures.items())],
        tags=[RunTag(f"gate/{gate.name}", gates.verdict(gate)) for gate in held],
    )
    client.log_figure(run_id, plot.trade(decision.measured, decision.preferred), "release/variants.png")


def _metrics(measured: Measured) -> dict[str, float]:
    return {
        f"quant/{variant}/{key}": float(figures[key])
        for variant, figures in measured.items()
        for key in _MEASURED
        if key in figures
    }


def _headline(figures: dict[str, Any]) -> dict[str, float]:
    """The preferred variant's figures under names that do not depend on which it is."""
    return {f"release/{key}": float(figures[key]) for key in _MEASURED if key in figures}


def _notes(decision: _Decision, replaced: str | None, model_name: str) -> list[str]:
    notes = []
    for variant, own in decision.by_variant.items():
        if refusals := gates.refusals(own):
            notes.append(f"{variant} is refused: {refusals}")
        if error := decision.measured[variant].get("error"):
            notes.append(f"{variant} cannot run on this machine: {error}")
    if refusals := gates.refusals(decision.of_model):
        notes.append(f"the model is refused: {refusals}")
    if replaced:
        notes.append(f"version {replaced} of {model_name} was champion and is now {PREVIOUS}")
    return notes
