"""Training: one plain function that a single process or `torchrun` calls alike, exact in its resumption."""

from kslm.train.stage import run

__all__ = ["run"]
