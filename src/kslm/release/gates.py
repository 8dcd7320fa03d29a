"""The gates: which figures a model must meet, and which of its variants is preferred.

Every gate is a figure, a bound and a verdict; NaN meets no bound. Gates of the model are met by the trained weights,
gates of a variant by the quantized artefact. The preferred variant is the first of `SERVED` (int4, then int8) that
meets its own gates: the fallback that small models, which lose more to four bits, need.
"""

from __future__ import annotations

import math
import operator
from dataclasses import asdict, dataclass
from typing import Any

from kslm.errors import DataError
from kslm.profile import Gates
from kslm.release.variants import SERVED

MAX_LOGITS_DIFFERENCE = 1e-2
"""Largest accepted between the float32 graph and torch, before quantization."""

_VARIANT_FIGURES = (
    "perplexity_increase", "decode_tokens_per_second", "speedup", "size_mb", "non_finite", "repetition",
)  # fmt: skip
_RELATIONS = {"<=": operator.le, "<": operator.lt, ">=": operator.ge}


@dataclass(frozen=True)
class Gate:
    """One figure held against one bound."""

    name: str
    figure: float
    relation: str
    bound: float
    passed: bool

    def __str__(self) -> str:
        verdict = "pass" if self.passed else "FAIL"
        return f"{verdict}: {self.figure:.6g} {self.relation} {self.bound:.6g}"

    def as_dict(self) -> dict[str, Any]:
        """As a report holds it."""
        return asdict(self)


def gate(name: str, figure: float, relation: str, bound: float) -> Gate:
    """Hold `figure` against `bound`."""
    return Gate(name, float(figure), relation, float(bound), bool(_RELATIONS[relation](figure, bound)))


def of_model(
    evaluation: dict[str, float], measured: dict[str, dict[str, Any]], nominal_parameters: int, bounds: Gates
) -> list[Gate]:
    """Gates of the trained weights.

    Args:
        evaluation: metrics of the evaluate stage.
        measured: by variant, from measure; fp32's are read, and onnx_fp32's where it was made.
        nominal_parameters: what the size is meant to have.
    """
    source = measured["fp32"]
    perplexity = _metric(evaluation, "test/perplexity")
    deviation = abs(source["parameters"] / nominal_parameters - 1)
    result = [gate("perplexity", perplexity, "<=", bounds.max_perplexity)]
    if bounds.below_bigram:
        result.append(gate("below_bigram", perplexity, "<", _metric(evaluation, "baseline/bigram/perplexity")))
    result += [
        gate("non_finite", source["non_finite"], "<=", 0),
        gate("missing_weights_on_reload", source["missing_weights"], "<=", 0),
        gate("size_deviation", deviation, "<=", bounds.max_size_deviation),
    ]
    if graph := measured.get("onnx_fp32"):
        difference = graph.get("logits_difference", float("nan"))
        result.append(gate("export_logits_difference", difference, "<=", MAX_LOGITS_DIFFERENCE))
    return result


def of_variant(variant: str, measured: dict[str, dict[str, Any]], bounds: Gates) -> list[Gate]:
    """Gates of one quantized variant, against fp32 on the same tokens and the same CPU; one that died meets none."""
    own, source = measured[variant], measured["fp32"]
    figure = {key: own.get(key, math.nan) for key in _VARIANT_FIGURES}
    return [
        gate(f"{variant}/perplexity_increase", figure["perplexity_increase"], "<=", bounds.max_quantized_increase),
        gate(
            f"{variant}/decode_tokens_per_second",
            figure["decode_tokens_per_second"],
            ">=",
            bounds.min_decode_tokens_per_second,
        ),
        gate(f"{variant}/speedup", figure["speedup"], ">=", bounds.min_speedup),
        gate(f"{variant}/size_mb", figure["size_mb"], "<", source["size_mb"]),
        gate(f"{variant}/non_finite", figure["non_finite"], "<=", 0),
        gate(f"{variant}/repetition", figure["repetition"], "<=", bounds.max_repetition),
    ]


def prefer(gates: dict[str, list[Gate]]) -> str:
    """The variant to serve: the first that meets all its gates, else the one that misses fewest.

    Raises:
        DataError: the profile makes no variant that can be served.
    """
    candidates = [name for name in SERVED if name in gates]
    if not candidates:
        raise DataError("no variant of this profile can be served", remedy="release.variants: add int8 or int4")
    return min(candidates, key=lambda name: sum(not g.passed for g in gates[name]))


def _metric(metrics: dict[str, float], name: str) -> float:
    try:
        return metrics[name]
    except KeyError:
        raise DataError(
            f"the evaluation has no figure {name!r}", remedy="run it again: kslm evaluate --force"
        ) from None
