"""Evaluation on held-out text, beside baselines that any model must beat."""

from kslm.evaluate.stage import run

__all__ = ["run"]
