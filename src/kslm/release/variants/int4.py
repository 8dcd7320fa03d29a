"""int4: onnxruntime-genai's 4-bit weights in blocks of 32, activations in int8 (accuracy level 4)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kslm.release.variants.tools import build_graph
from kslm.release.variants.variant import Variant

_OPTIONS = {"accuracy_level": "4", "block_size": "32", "algo_config": "k_quant", "is_symmetric": "false"}


def _build(checkpoint: Path, needs: Mapping[str, Path], out: Path) -> None:
    build_graph(checkpoint, out, "int4", _OPTIONS)


VARIANT = Variant(
    "int4",
    _build,
    runtime="onnx",
    options=_OPTIONS,
    packages=("onnxruntime-genai", "onnx-ir", "onnxruntime"),
    rank=1,
)
