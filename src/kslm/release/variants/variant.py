"""What a variant is: one form of the trained weights, how it is made and what runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kslm.code import code_hash, versions

Build = Callable[[Path, Mapping[str, Path], Path], None]


@dataclass(frozen=True)
class Variant:
    """One form of the trained weights.

    Attributes:
        build: `build(checkpoint, needs, out)` fills the empty folder `out`: from the folder of the trained model as
            transformers saves it, and from the published folders of the variants it needs, by name. It raises
            KslmError where a tool fails.
        runtime: which of `kslm.runtimes` runs it.
        role: `reference` is the trained weights themselves, against which the others are measured; `intermediate` is
            the same numbers in another form, made for another variant only and compared with the reference by its
            logits; `quantized` variants are gated and registered.
        needs: names of the variants that it is made of.
        options, packages: what decides its bytes, beside the weights and its code: the tool's options, and
            distributions.
        rank: its place among the variants that kslm serves, the preferred one first; None is not served.
    """

    name: str
    build: Build
    runtime: str
    role: Literal["reference", "intermediate", "quantized"] = "quantized"
    needs: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    rank: int | None = None

    def making(self) -> dict[str, Any]:
        """Everything that decides its bytes, beside the weights and the variants it needs, as JSON."""
        return {
            "variant": self.name,
            "options": dict(self.options),
            "versions": versions(self.packages),
            "code": code_hash((f"release.variants.{self.name}", "release.variants.tools")),
        }
