"""The models: sizes, exact parameter counts, seeded construction and seeded sampling. No engine, no tracker."""

from kslm.model.processor import prepare_cpu, processor_name, use_threads, uses_bf16
from kslm.model.sampling import sample
from kslm.model.sizes import SIZES, Size, config_for, initialise, parameter_count
from kslm.model.stored import load_model

__all__ = [
    "SIZES",
    "Size",
    "config_for",
    "initialise",
    "load_model",
    "parameter_count",
    "prepare_cpu",
    "processor_name",
    "sample",
    "use_threads",
    "uses_bf16",
]
