"""Models as they are stored: a folder of weights and their configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, PreTrainedModel
from transformers.utils import logging as transformers_logging

from kslm.errors import DataError


def load_model(folder: Path) -> PreTrainedModel:
    """A published model, in float32.

    Raises:
        DataError: it does not load, or weights are missing or left over.
    """
    transformers_logging.disable_progress_bar()
    read: Any = AutoModelForCausalLM.from_pretrained
    try:
        model, info = read(folder, dtype=torch.float32, output_loading_info=True, local_files_only=True)
    except (OSError, ValueError, SafetensorError) as error:
        raise DataError(
            f"model {folder} does not load", cause=str(error)[:300], remedy="train it again: kslm train --force"
        ) from error
    if info["missing_keys"] or info["unexpected_keys"]:
        raise DataError(f"model {folder} lacks weights or holds others", remedy="kslm train --force")
    loaded: PreTrainedModel = model.eval()
    return loaded.to(torch.device("cuda")) if torch.cuda.is_available() else loaded  # type: ignore[arg-type]
