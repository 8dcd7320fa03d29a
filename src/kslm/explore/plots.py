"""Pictures of the corpus and of its tokens, for a notebook."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from matplotlib.figure import Figure

from kslm.card.plots import COLOURS, mixed
from kslm.card.statistics import Rows
from kslm.figures import blank, dress
from kslm.profile import Mix
from kslm.tokens.reader import TokenSplit
from kslm.tokens.sampler import Epoch


def sources(rows: Rows) -> Figure:
    """Megabytes of text by source, the largest at the top, in parts by slice.

    Args:
        rows: `Statistics.sources`.
    """
    figure, axes = blank()
    sizes: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        sizes[row["source"]][row["slice"]] += row["bytes"] / 1e6
    names = sorted(sizes, key=lambda name: sum(sizes[name].values()))
    left = np.zeros(len(names))
    for part, colour in COLOURS.items():
        widths = np.array([sizes[name].get(part, 0.0) for name in names])
        axes.barh(names, widths, left=left, color=colour, label=part)
        left += widths
    totals = [f"{total:,.1f}" if total >= 0.1 else f"{total:.2g}" for total in left]
    axes.bar_label(axes.barh(names, left, color="none"), labels=totals, padding=3, fontsize=8)
    axes.set_xlabel("MB of text in gold.corpus")
    axes.margins(x=0.1)
    dress(figure, "Where the text is from", grid="x")
    return figure


def mix(epoch: Epoch, wanted: Mix) -> Figure:
    """Share of each slice in the tokens of an epoch, beside the share asked for."""
    got = {name: amount.share for name, amount in epoch.by_slice.items()}
    return mixed(got, {str(name): share for name, share in wanted.shares.items()})


def token_lengths(split: TokenSplit) -> Figure:
    """Documents of a split by their length in tokens, for each slice."""
    figure, axes = blank()
    lengths = np.diff(split.ends.astype(np.int64), prepend=0)
    edges = 2.0 ** np.arange(0, np.ceil(np.log2(max(lengths.max(initial=1), 2))) + 1)
    present = [name for name in COLOURS if name in split.slice_names]
    parts = [lengths[split.slices == split.slice_names.index(name)] for name in present]
    axes.hist(parts, edges.tolist(), stacked=True, color=[COLOURS[name] for name in present], label=present)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("tokens of a document (powers of two)")
    axes.set_ylabel("documents")
    dress(figure, f"How long documents are, {split.name} split")
    return figure
