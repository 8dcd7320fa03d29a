"""PyTorch's dynamic int8, kept as safetensors.

`torch.ao.quantization.quantize_dynamic` replaces every Linear by a module whose weights are packed for this machine's
kernels; transformers cannot save those, and torch's own way of saving them is pickle. So the int8 integers, their scale
and their zero point are written as ordinary tensors, and loading packs them again: outputs are equal to the last bit.

Limits: weights have one scale a tensor (torch's default); embeddings stay float32, so a model with tied embeddings
holds its largest matrix twice; torch calls this API deprecated in favour of torchao, which is slower on CPUs in eager
mode.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kslm.errors import DataError

if TYPE_CHECKING:
    from torch import nn

FILE_NAME = "model.int8.safetensors"


def quantize(model: nn.Module) -> nn.Module:
    """A copy of `model` with every Linear in dynamic int8."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantized: nn.Module = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8)
    return quantized


def save(model: nn.Module, folder: Path) -> None:
    """Write a quantized model's tensors to folder/FILE_NAME: int8 weights beside their scales, the rest as it is."""
    import torch
    from safetensors.torch import save_file

    tensors: dict[str, Any] = {}
    linears = dict(_quantized_linears(model))
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


def load(folder: Path) -> nn.Module:
    """Rebuild the quantized model from folder/config.json and folder/FILE_NAME.

    Raises:
        DataError: a tensor is missing or has no place in the model.
    """
    import torch
    from safetensors.torch import load_file
    from torch.ao.nn.quantized.dynamic import Linear as QuantizedLinear
    from transformers import AutoConfig, AutoModelForCausalLM

    tensors = load_file(folder / FILE_NAME)
    model: nn.Module = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder)).eval()
    linears = {name: module for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    packed: dict[str, nn.Module] = {}
    for name, module in linears.items():
        try:
            integers = tensors.pop(f"{name}.weight.int8")
            scale = float(tensors.pop(f"{name}.weight.scale"))
            zero_point = int(tensors.pop(f"{name}.weight.zero_point"))
        except KeyError as missing:
            raise _disagrees(folder, f"no tensor {missing}") from None
        quantized = QuantizedLinear(module.in_features, module.out_features, dtype=torch.qint8)
        weight = torch._make_per_tensor_quantized_tensor(integers, scale, zero_point)
        quantized.set_weight_bias(weight, tensors.pop(f"{name}.bias", None))
        packed[name] = quantized
    result = model.load_state_dict(tensors, strict=False)
    missing_keys = [key for key in result.missing_keys if key.rpartition(".")[0] not in linears]
    if missing_keys or result.unexpected_keys:
        raise _disagrees(folder, f"missing {missing_keys[:3]}, unexpected {result.unexpected_keys[:3]}")
    for name, replacement in packed.items():
        model.set_submodule(name, replacement)
    return model


def _quantized_linears(model: nn.Module) -> list[tuple[str, Any]]:
    from torch.ao.nn.quantized.dynamic import Linear as QuantizedLinear

    return [(name, module) for name, module in model.named_modules() if isinstance(module, QuantizedLinear)]


def _disagrees(folder: Path, cause: str) -> DataError:
    return DataError(
        f"{folder / FILE_NAME} does not fit {folder / 'config.json'}", cause=cause, remedy="kslm release --force"
    )
