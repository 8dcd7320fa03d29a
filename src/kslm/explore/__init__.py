"""Looking at the corpus: one document, where it came from and why it is where it is; search; counts; past runs.

Functions return values; the command line prints them (`kslm corpus`), a notebook shows them (notebooks/corpus.py), with
the pictures of `kslm.explore.plots`, which need matplotlib.
"""

from kslm.explore.documents import Document, show
from kslm.explore.explain import Explanation, explain
from kslm.explore.overview import Count, PastRun, history, overview, shards
from kslm.explore.search import Hit, search
from kslm.explore.upkeep import Upkeep, maintain

__all__ = [
    "Count",
    "Document",
    "Explanation",
    "Hit",
    "PastRun",
    "Upkeep",
    "explain",
    "history",
    "maintain",
    "overview",
    "search",
    "shards",
    "show",
]
