"""Publish the look-up index that answers are made from."""

from kslm.index.stage import run

__all__ = ["run"]
