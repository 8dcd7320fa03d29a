"""The card's pictures: shares of the slices, what was refused, how long documents are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from kslm.card.statistics import Statistics
from kslm.figures import blank, dress

COLOURS = {"os": "#1d5fa8", "hardware": "#c8553d", "admin": "#588157", "instructions": "#8d6a9f"}


def shares(statistics: Statistics) -> Figure:
    """Share of each slice in the tokens of the first epoch, beside the share asked for."""
    return mixed(
        {name: statistics.metrics.get(f"tokenize/epoch0/share/{name}", 0.0) for name in COLOURS},
        statistics.asked_shares,
    )


def mixed(actual: Mapping[str, float], wanted: Mapping[str, float]) -> Figure:
    """`shares`, from shares by slice, 0 to 1; nothing may be wanted."""
    figure, axes = blank()
    slices = list(COLOURS)
    got = [100 * actual.get(name, 0.0) for name in slices]
    asked = [100 * wanted.get(name, 0.0) for name in slices]
    places = np.arange(len(slices))
    bars = axes.bar(places, got, 0.6, color=[COLOURS[name] for name in slices], label="tokens of an epoch")
    axes.bar_label(bars, fmt="{:.1f} %", padding=3, fontsize=9)
    if any(asked):
        axes.hlines(asked, places - 0.38, places + 0.38, colors="#222", linewidth=2, label="asked for")
    axes.set_xticks(places, slices)
    axes.set_ylabel("share of an epoch's tokens (%)")
    axes.margins(y=0.12)
    dress(figure, "The mix, in tokens")
    return figure


def refusals(statistics: Statistics) -> Figure:
    """Megabytes refused, by reason, on a logarithmic axis."""
    figure, axes = blank()
    rows = sorted(statistics.rejects, key=lambda row: row["bytes"] or 0)
    names = [row["reason"] for row in rows]
    sizes = [max((row["bytes"] or 0) / 1e6, 1e-3) for row in rows]
    bars = axes.barh(names, sizes, color="#8d99ae")
    axes.bar_label(bars, labels=[f"{row['documents']:,}" for row in rows], padding=3, fontsize=8)
    if rows:  # an axis without data cannot be logarithmic
        axes.set_xscale("log")
    axes.set_xlabel("MB left out (the number beside a bar counts documents)")
    axes.margins(x=0.15)
    dress(figure, "What was left out of the corpus, and why", grid="x")
    return figure


def lengths(statistics: Statistics) -> Figure:
    """Documents by length, for each slice."""
    figure, axes = blank()
    by_slice: dict[str, dict[int, int]] = defaultdict(dict)
    for row in statistics.lengths:
        by_slice[row["slice"]][int(row["power"])] = row["documents"]
    for name, colour in COLOURS.items():
        if documents := by_slice.get(name):
            powers = sorted(documents)
            axes.plot([2.0**power for power in powers], [documents[p] for p in powers], "o-", color=colour, label=name)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("bytes of a document (powers of two)")
    axes.set_ylabel("documents")
    dress(figure, "How long documents are")
    return figure
