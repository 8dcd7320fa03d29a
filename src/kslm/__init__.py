"""kslm: from what an operating system says about itself to a small, measured language model."""

__version__ = "0.1.0"
