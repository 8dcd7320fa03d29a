"""The gates: which figures a model must meet, and which of its variants is preferred.

Every gate is a figure, a bound and a verdict; NaN meets no bound. Gates of the model are met by the trained weights,
gates of a variant by the quantized artefact, and no two have one name. The preferred variant is the first of those
that can be served that meets its own gates: the fallback that small models, which lose more to few bits, need.
"""

from __future__ import annotations

import math
import operator

from kslm.errors import DataError
from kslm.outputs import GateResult
from kslm.profile import Gates
from kslm.release.measure import Measured
from kslm.release.variants import REFERENCE, VARIANTS, served

MAX_LOGITS_DIFFERENCE = 1e-2
"""Largest accepted between an intermediate variant and the reference, before quantization."""

_RELATIONS = {"<=": operator.le, "<": operator.lt, ">=": operator.ge}


def hold(name: str, figure: float, relation: str, bound: float) -> GateResult:
    """Hold `figure` against `bound`."""
    passed = bool(_RELATIONS[relation](figure, bound))
    return GateResult(name=name, figure=float(figure), relation=relation, bound=float(bound), passed=passed)


def verdict(gate: GateResult) -> str:
    """A gate in words, without its name."""
    return f"{'pass' if gate.passed else 'FAIL'}: {gate.figure:.6g} {gate.relation} {gate.bound:.6g}"


def refusals(gates: list[GateResult]) -> str:
    """The gates that were missed, in words; empty where all are met."""
    return "; ".join(f"{gate.name} {verdict(gate)}" for gate in gates if not gate.passed)


def of_evaluation(evaluation: dict[str, float], bounds: Gates) -> list[GateResult]:
    """The gates that the metrics of the evaluate stage decide: a model that misses one is not worth releasing."""
    perplexity = _metric(evaluation, "test/perplexity")
    result = [hold("perplexity", perplexity, "<=", bounds.max_perplexity)]
    if bounds.below_bigram:
        result.append(hold("below_bigram", perplexity, "<", _metric(evaluation, "baseline/bigram/perplexity")))
    return result


def of_model(
    evaluation: dict[str, float], measured: Measured, nominal_parameters: int, bounds: Gates
) -> list[GateResult]:
    """Gates of the trained weights.

    Args:
        evaluation: metrics of the evaluate stage.
        measured: by variant, from measure; the reference's are read, and how far from it the others' logits are.
        nominal_parameters: what the size is meant to have.
    """
    source = measured[REFERENCE]
    deviation = abs(source["parameters"] / nominal_parameters - 1)
    result = [
        *of_evaluation(evaluation, bounds),
        hold("non_finite", source["non_finite"], "<=", 0),
        hold("missing_weights_on_reload", source["missing_weights"], "<=", 0),
        hold("size_deviation", deviation, "<=", bounds.max_size_deviation),
    ]
    return result + [
        hold("export_logits_difference", own.get("logits_difference", math.nan), "<=", MAX_LOGITS_DIFFERENCE)
        for name, own in measured.items()
        if VARIANTS[name].role == "intermediate"
    ]


def of_variant(variant: str, measured: Measured, bounds: Gates) -> list[GateResult]:
    """Gates of a quantized variant, against the reference on the same tokens and CPU; one that died meets none."""
    rows = (
        ("perplexity_increase", "perplexity_increase", "<=", bounds.max_quantized_increase),
        ("decode_tokens_per_second", "decode_tokens_per_second", ">=", bounds.min_decode_tokens_per_second),
        ("speedup", "speedup", ">=", bounds.min_speedup),
        ("size_mb", "size_mb", "<", measured[REFERENCE]["size_mb"]),
        ("quantized_non_finite", "non_finite", "<=", 0),
        ("repetition", "repetition", "<=", bounds.max_repetition),
    )
    own = measured[variant]
    return [hold(f"{variant}/{name}", own.get(key, math.nan), relation, bound) for name, key, relation, bound in rows]


def prefer(gates: dict[str, list[GateResult]]) -> str:
    """The variant to serve: the first that meets all its gates, else the one that misses fewest."""
    return min(served(gates), key=lambda name: sum(not gate.passed for gate in gates[name]))


def _metric(metrics: dict[str, float], name: str) -> float:
    try:
        return metrics[name]
    except KeyError:
        raise DataError(
            f"the evaluation has no figure {name!r}", remedy="run it again: kslm evaluate --force"
        ) from None
