"""The data card: what the corpus holds, counted from the tables that hold it."""

from kslm.card.page import write
from kslm.card.statistics import Statistics, collect

__all__ = ["Statistics", "collect", "write"]
