"""Stage tokenize: gold.corpus to token shards."""

from kslm.tokenize.stage import run

__all__ = ["run"]
