"""torch_int8: torch's dynamic int8 of the Linear layers, kept as safetensors.

`torch.ao.quantization.quantize_dynamic` replaces every Linear by a module whose weights are packed for this machine's
kernels; transformers cannot save those, and torch's own way of saving them is pickle. So the int8 integers, their scale
and their zero point are written as ordinary tensors; the runtime of the same name packs them again.

Limits: weights have one scale a tensor (torch's default); embeddings stay float32, so a model with tied embeddings
holds its largest matrix twice; torch calls this API deprecated in favour of torchao, which is slower on CPUs in eager
mode.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kslm.release.variants.tools import TOKENIZER_FILES, copy
from kslm.release.variants.variant import Variant
from kslm.runtimes.torch_int8 import FILE_NAME

if TYPE_CHECKING:
    from torch import nn


def _build(checkpoint: Path, needs: Mapping[str, Path], out: Path) -> None:
    from transformers import AutoModelForCausalLM

    save(quantize(AutoModelForCausalLM.from_pretrained(checkpoint, dtype="float32").eval()), out)
    copy(checkpoint, out, ("config.json", *TOKENIZER_FILES))


def quantize(model: nn.Module) -> nn.Module:
    """A copy of `model` with every Linear in dynamic int8."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)


def save(model: nn.Module, folder: Path) -> None:
    """Write a quantized model's tensors to folder/FILE_NAME: int8 weights beside their scales, the rest as it is."""
    import torch
    from safetensors.torch import save_file
    from torch.ao.nn.quantized.dynamic import Linear as QuantizedLinear

    tensors: dict[str, Any] = {}
    linears: dict[str, Any] = {n: module for n, module in model.named_modules() if isinstance(module, QuantizedLinear)}
    for name, module in linears.items():
        weight = module.weight()
        tensors[f"{name}.weight.int8"] = weight.int_repr()
        tensors[f"{name}.weight.scale"] = torch.tensor(weight.q_scale(), dtype=torch.float64)
        tensors[f"{name}.weight.zero_point"] = torch.tensor(weight.q_zero_point(), dtype=torch.int64)
        if module.bias() is not None:
            tensors[f"{name}.bias"] = module.bias().detach()
    for name, tensor in model.state_dict().items():
        if isinstance(tensor, torch.Tensor) and not any(name.startswith(f"{linear}.") for linear in linears):
            tensors[name] = tensor.contiguous()
    save_file(tensors, folder / FILE_NAME, metadata={"format": "pt"})


VARIANT = Variant(
    "torch_int8",
    _build,
    runtime="torch_int8",
    options={"scheme": "dynamic, per tensor"},
    packages=("torch",),
)
