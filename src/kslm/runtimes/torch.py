"""Safetensors, as transformers saves them, through torch, eagerly."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from kslm.runtimes import Ids, Logits


def load(folder: Path, threads: int) -> TorchRuntime:
    """Load a model in float32."""
    prepare(threads)
    import torch
    from transformers import AutoModelForCausalLM

    loading: Any = AutoModelForCausalLM.from_pretrained
    model, report = loading(folder, dtype=torch.float32, output_loading_info=True)
    return TorchRuntime(model, sum(len(report[kind]) for kind in ("missing_keys", "unexpected_keys")))


def prepare(threads: int) -> None:
    """Set torch up for running models in this process: quiet, on so many threads."""
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if threads:
        torch.set_num_threads(threads)


class TorchRuntime:
    """A model of transformers; see Runtime.

    Args:
        missing_weights: how many the file lacked, or had too many.
    """

    def __init__(self, model: Any, missing_weights: int = 0) -> None:
        import torch

        self._torch = torch
        self._model = model.eval().requires_grad_(False)
        self._missing = missing_weights
        self._past: Any = None
        self.context_length = int(model.config.max_position_embeddings)

    def weights(self) -> dict[str, int]:
        """See Runtime."""
        parameters = list(self._model.parameters())
        return {
            "parameters": sum(int(tensor.numel()) for tensor in parameters),
            "non_finite_weights": sum(int((~self._torch.isfinite(tensor)).sum()) for tensor in parameters),
            "missing_weights": self._missing,
        }

    def logits(self, window: Ids) -> Logits:
        """See Runtime."""
        out = self._model(input_ids=self._torch.from_numpy(window)[None], use_cache=False)
        return np.asarray(out.logits[0].float().numpy())

    def start(self, prompt: Ids) -> Logits:
        """See Runtime."""
        self._past = None
        return self._forward(prompt)

    def step(self, token: int) -> Logits:
        """See Runtime."""
        return self._forward(np.array([token], np.int64))

    def timed(self, prompt: Ids, count: int) -> tuple[float, float]:
        """See Runtime."""
        begin = time.perf_counter()
        logits = self.start(prompt)
        read = time.perf_counter()
        for _ in range(count):
            logits = self.step(int(logits.argmax()))
        return read - begin, time.perf_counter() - read

    def _forward(self, ids: Ids) -> Logits:
        out = self._model(
            input_ids=self._torch.from_numpy(ids)[None], past_key_values=self._past, use_cache=True, logits_to_keep=1
        )
        self._past = out.past_key_values
        return np.asarray(out.logits[0, -1].float().numpy())
