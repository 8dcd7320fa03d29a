"""Graphs made for onnxruntime-genai, on this CPU.

Text goes through onnxruntime-genai; where the logits of every position are wanted, the same graph goes through ONNX
Runtime itself. Token ids come from and go to the folder's tokenizer.json: genai's own tokenizer rejects the
split pattern of this project's vocabulary.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from kslm.runtimes import Ids, Logits


class _OnnxRuntime:
    """A graph; see Runtime."""

    def __init__(self, folder: Path, threads: int) -> None:
        import onnxruntime_genai as genai

        genai.disable_telemetry_events()
        self._genai = genai
        self._folder, self._threads = folder, threads
        config = genai.Config(str(folder))
        if threads:
            options = {"session_options": {"intra_op_num_threads": threads}}
            config.overlay(json.dumps({"model": {"decoder": options}}))
        self._model = genai.Model(config)
        self._config = json.loads((folder / "genai_config.json").read_text("utf-8"))["model"]
        self.context_length = int(self._config["context_length"])
        self._generator: Any = None
        self._session: Any = None

    def weights(self) -> dict[str, int]:
        return {}  # a graph tells nothing of them

    def logits(self, window: Ids) -> Logits:
        if self._session is None:
            self._open_session()
        feeds: dict[str, Any] = {"input_ids": window[None], "attention_mask": np.ones((1, len(window)), np.int64)}
        return self._session.run(["logits"], feeds | self._empty_cache)[0][0]

    def start(self, prompt: Ids) -> Logits:
        self._generator = self._read(prompt)
        return self._last_logits()

    def step(self, token: int) -> Logits:
        self._generator.append_tokens(np.array([token], np.int32))
        return self._last_logits()

    def timed(self, prompt: Ids, count: int) -> tuple[float, float]:
        begin = time.perf_counter()
        generator = self._read(prompt, min_length=self.context_length)
        read = time.perf_counter()
        for _ in range(count):
            generator.generate_next_token()
        return read - begin, time.perf_counter() - read

    def _read(self, prompt: Ids, **search: Any) -> Any:
        """A greedy generator that has read `prompt`; `search` is more of genai's search options."""
        parameters = self._genai.GeneratorParams(self._model)
        parameters.set_search_options(max_length=self.context_length, do_sample=False, **search)
        generator = self._genai.Generator(self._model, parameters)
        generator.append_tokens(prompt.astype(np.int32))
        return generator

    def _last_logits(self) -> Logits:
        return np.asarray(self._generator.get_logits(), np.float32).reshape(-1)

    def _open_session(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        self._session = onnxruntime.InferenceSession(
            str(self._folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        decoder = self._config["decoder"]
        shape = (1, decoder["num_key_value_heads"], 0, decoder["head_size"])
        self._empty_cache = {
            entry.name: np.zeros(shape, np.float32)
            for entry in self._session.get_inputs()
            if entry.name.startswith("past_key_values")
        }


load = _OnnxRuntime
