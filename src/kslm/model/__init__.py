"""The models: sizes, exact parameter counts, seeded construction and seeded sampling. No engine, no tracker."""

from kslm.model.processor import prepare_cpu, uses_bf16
from kslm.model.sampling import sample
from kslm.model.sizes import SIZES, Size, build, config_for, config_for_folder, initialise, parameter_count

__all__ = [
    "SIZES",
    "Size",
    "build",
    "config_for",
    "config_for_folder",
    "initialise",
    "parameter_count",
    "prepare_cpu",
    "sample",
    "uses_bf16",
]
