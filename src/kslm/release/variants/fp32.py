"""fp32: the trained safetensors themselves, run by torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kslm.release.variants.tools import TOKENIZER_FILES, copy
from kslm.release.variants.variant import Variant


def _build(checkpoint: Path, needs: Mapping[str, Path], out: Path) -> None:
    copy(checkpoint, out, ("config.json", "generation_config.json", "model.safetensors", *TOKENIZER_FILES))


VARIANT = Variant("fp32", _build, runtime="torch", role="reference")
