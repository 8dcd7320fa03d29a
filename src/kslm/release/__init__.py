"""Release: quantize a trained model, measure every variant, hold it against its gates, register and promote it."""

from kslm.release.stage import run

__all__ = ["run"]
