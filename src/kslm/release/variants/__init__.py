"""The variants of a model: a file here for each, and its name below. Importing them loads no library."""

from __future__ import annotations

from collections.abc import Iterable

from kslm.errors import SettingsError
from kslm.profile import Profile
from kslm.release.variants import fp32, int4, int8, onnx_fp32, torch_int8
from kslm.release.variants.variant import Variant

VARIANTS: dict[str, Variant] = {
    module.VARIANT.name: module.VARIANT for module in (fp32, torch_int8, onnx_fp32, int8, int4)
}
REFERENCE = next(name for name, variant in VARIANTS.items() if variant.role == "reference")

__all__ = ["REFERENCE", "VARIANTS", "Variant", "check", "order", "served"]


def check(profile: Profile) -> None:
    """Refuse a profile whose variants cannot be made, or of which none can be served.

    Raises:
        SettingsError: says which names there are.
    """
    known = [name for name, variant in VARIANTS.items() if variant.role != "intermediate"]
    where = f"profile {profile.profile}: release.variants"
    if unknown := [name for name in profile.release.variants if name not in known]:
        raise SettingsError(f"{where} has no variant named {unknown[0]!r}", remedy=f"known: {', '.join(known)}")
    if not served(profile.release.variants):
        raise SettingsError(f"{where} has none that can be served", remedy=f"add one of: {', '.join(served(known))}")


def served(names: Iterable[str]) -> list[str]:
    """Those that kslm can serve, the preferred one first."""
    ranks = {name: rank for name in names if (rank := VARIANTS[name].rank) is not None}
    return sorted(ranks, key=lambda name: ranks[name])


def order(names: Iterable[str]) -> tuple[str, ...]:
    """What is made for these variants, each once: the reference first, and before each one what it is made of."""
    ordered: dict[str, None] = {}

    def add(name: str) -> None:
        for need in VARIANTS[name].needs:
            add(need)
        ordered[name] = None

    for name in (REFERENCE, *names):
        add(name)
    return tuple(ordered)
