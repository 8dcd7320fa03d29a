"""onnx_fp32: onnxruntime-genai's graph in float32, which others are made of, and the proof that the export is right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kslm.release.variants.tools import build_graph
from kslm.release.variants.variant import Variant


def _build(checkpoint: Path, needs: Mapping[str, Path], out: Path) -> None:
    build_graph(checkpoint, out, "fp32", {})


VARIANT = Variant("onnx_fp32", _build, runtime="onnx", role="intermediate", packages=("onnxruntime-genai", "onnx-ir"))
