"""The models: sizes, exact parameter counts, seeded construction and seeded sampling. No engine, no tracker."""

from kslm.model.sampling import sample
from kslm.model.sizes import SIZES, Size, build, config_for, parameter_count

__all__ = ["SIZES", "Size", "build", "config_for", "parameter_count", "sample"]
