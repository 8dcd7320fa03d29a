"""Torch's dynamic int8, kept as safetensors: integers, scales and zero points as ordinary tensors beside the rest.

Loading packs the integers for this machine's kernels again: outputs are equal, to the last bit, to those of the model
that was quantized.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kslm.errors import DataError
from kslm.runtimes.torch import TorchRuntime, prepare

if TYPE_CHECKING:
    from torch import nn

FILE_NAME = "model.int8.safetensors"


def load(folder: Path, threads: int) -> TorchRuntime:
    """Load a model; see `rebuild`."""
    prepare(threads)
    return TorchRuntime(rebuild(folder))


def rebuild(folder: Path) -> nn.Module:
    """The quantized model of folder/config.json and folder/FILE_NAME.

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


def _disagrees(folder: Path, cause: str) -> DataError:
    return DataError(
        f"{folder / FILE_NAME} does not fit {folder / 'config.json'}", cause=cause, remedy="kslm release --force"
    )
