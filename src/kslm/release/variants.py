"""How each variant is made from the trained checkpoint.

fp32        the safetensors themselves: the source of truth, run by torch
torch_int8  torch's dynamic int8 of the Linear layers, as safetensors (see torch_int8)
onnx_fp32   onnxruntime-genai's graph in float32: what int8 is made of, and the proof that the export is right
int8        that graph with ONNX Runtime's dynamic int8, weights per channel
int4        onnxruntime-genai's 4-bit weights in blocks of 32, activations in int8 (accuracy level 4)

The graph builder runs as a process of its own, offline: it is written as a program, prints, and loads torch.

Limits: CPU only. int8 is quantized in memory, so it needs about three times the float32 size.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from kslm.errors import KslmError
from kslm.runtimes import torch_int8

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
CHECKPOINT_FILES = ("config.json", "generation_config.json", "model.safetensors", *TOKENIZER_FILES)
TORCH_VARIANTS = ("fp32", "torch_int8")
ONNX_FP32 = "onnx_fp32"
SERVED = ("int4", "int8")
"""Variants that `kslm ask` can run, in the order in which they are preferred."""

_INT4_OPTIONS = {"accuracy_level": "4", "block_size": "32", "algo_config": "k_quant", "is_symmetric": "false"}
_RECIPES: dict[str, dict[str, Any]] = {
    "fp32": {},
    "torch_int8": {"scheme": "dynamic, per tensor", "packages": ["torch"]},
    ONNX_FP32: {"packages": ["onnxruntime-genai"]},
    "int8": {"scheme": "dynamic, per channel", "packages": ["onnxruntime-genai", "onnxruntime"]},
    "int4": {**_INT4_OPTIONS, "packages": ["onnxruntime-genai", "onnxruntime"]},
}


def recipe(variant: str) -> dict[str, Any]:
    """Everything beside the weights that decides a variant's bytes: options and package versions."""
    options = dict(_RECIPES[variant])
    packages = options.pop("packages", [])
    return {"variant": variant, **options, "versions": {name: version(name) for name in packages}}


def build(variant: str, checkpoint: Path, onnx_fp32: Path, out: Path) -> None:
    """Make one variant in the folder `out`.

    Args:
        checkpoint: folder of the trained model, as transformers saves it.
        onnx_fp32: the published float32 graph; read for int8 only.

    Raises:
        KslmError: the graph builder failed; its last words are the cause.
    """
    out.mkdir(parents=True, exist_ok=True)
    if variant == "fp32":
        _copy(checkpoint, out, CHECKPOINT_FILES)
    elif variant == "torch_int8":
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(checkpoint, dtype="float32").eval()
        torch_int8.save(torch_int8.quantize(model), out)
        _copy(checkpoint, out, ("config.json",))
    elif variant == ONNX_FP32:
        _build_graph(checkpoint, out, "fp32", {})
    elif variant == "int8":
        _quantize_graph(onnx_fp32, out)
    else:
        _build_graph(checkpoint, out, "int4", _INT4_OPTIONS)
    _copy(checkpoint, out, TOKENIZER_FILES)


def _copy(source: Path, out: Path, names: tuple[str, ...]) -> None:
    for name in names:
        if (source / name).exists():
            shutil.copyfile(source / name, out / name)


def _build_graph(checkpoint: Path, out: Path, precision: str, options: dict[str, str]) -> None:
    extra = [f"{key}={value}" for key, value in {"hf_token": "false", **options}.items()]
    command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", str(checkpoint), "-o", str(out)]
    command += ["-p", precision, "-e", "cpu", "-c", str(out), "--extra_options", *extra]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode or not (out / "genai_config.json").exists():
        last = [line for line in done.stderr.strip().splitlines() if line.strip()][-3:]
        raise KslmError(
            f"onnxruntime-genai could not build a {precision} graph of {checkpoint}",
            cause=" | ".join(last) or f"exit status {done.returncode}",
            remedy="kslm doctor checks the packages; kslm release --force tries again",
        )


def _quantize_graph(graph: Path, out: Path) -> None:
    """Dynamic int8 of every constant matrix, with the head of tied embeddings made constant first.

    The builder writes a tied head as Transpose(embeddings), which the quantizer takes for a computed matrix and leaves
    in float32: two thirds of a small model's decoding time.
    """
    import numpy as np
    import onnx
    from onnx import numpy_helper
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(str(graph / "model.onnx"))
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in [n for n in model.graph.node if n.op_type == "Transpose" and n.input[0] in constants]:
        order = next((list(a.ints) for a in node.attribute if a.name == "perm"), None)
        turned = np.ascontiguousarray(numpy_helper.to_array(constants[node.input[0]]).transpose(order))
        model.graph.initializer.append(numpy_helper.from_array(turned, node.output[0]))
        model.graph.node.remove(node)
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.ERROR)
    try:
        quantize_dynamic(
            model,
            out / "model.onnx",
            op_types_to_quantize=["MatMul"],
            weight_type=QuantType.QInt8,
            per_channel=True,
            use_external_data_format=True,
            extra_options={"MatMulConstBOnly": True},
        )
    finally:
        root.setLevel(level)
    _copy(graph, out, ("genai_config.json",))
