"""One way to run every variant: torch for safetensors, ONNX Runtime for graphs.

Used inside the measuring process (see worker). Importing this module loads neither
library; a graph's process never loads torch, so that its memory is its own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from kslm.release.variants import TORCH_VARIANTS
from kslm.runtimes import torch_int8
from kslm.runtimes.onnx import Ids, Logits, OnnxRuntime


class Runtime(Protocol):
    """What is asked of a variant."""

    def logits(self, window: Ids) -> Logits:
        """Logits of one window: (tokens,) to (tokens, vocabulary)."""
        ...

    def start(self, prompt: Ids) -> Logits:
        """Begin a text: logits (vocabulary,) of the token after `prompt`."""
        ...

    def step(self, token: int) -> Logits:
        """Add one token: logits (vocabulary,) of the next."""
        ...

    def timed(self, prompt: Ids, count: int) -> tuple[float, float]:
        """Seconds to read `prompt`, and to write `count` tokens greedily after it, end-of-text ignored."""
        ...


def open_runtime(variant: str, folder: Path, threads: int) -> Runtime:
    """Load one variant.

    Args:
        threads: of one operation; 0 leaves the library's own choice.
    """
    return TorchRuntime(variant, folder, threads) if variant in TORCH_VARIANTS else OnnxRuntime(folder, threads)


class TorchRuntime:
    """Safetensors through torch, eagerly."""

    def __init__(self, variant: str, folder: Path, threads: int) -> None:
        import torch
        import transformers

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        if threads:
            torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self._torch = torch
        self._model: Any
        self.missing_weights = 0
        if variant == "torch_int8":
            self._model = torch_int8.load(folder)
        else:
            loading: Any = transformers.AutoModelForCausalLM.from_pretrained
            self._model, loaded = loading(folder, dtype=torch.float32, output_loading_info=True)
            self.missing_weights = sum(len(loaded[kind]) for kind in ("missing_keys", "unexpected_keys"))
        self._model.eval()
        self._past: Any = None

    @property
    def parameters(self) -> int:
        """Number of parameters, tied ones once."""
        return sum(int(p.numel()) for p in self._model.parameters())

    @property
    def non_finite_weights(self) -> int:
        """Weights that are NaN or infinite."""
        return sum(int((~self._torch.isfinite(p)).sum()) for p in self._model.parameters())

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
