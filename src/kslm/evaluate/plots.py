"""Two plots: how the loss fell, and the perplexity of each slice beside its baselines."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from kslm.figures import blank, dress

COLOURS = {"unigram": "#c9ced6", "bigram": "#8d99ae", "model": "#1d5fa8"}


def loss_curve(curves: dict[str, list[tuple[int, float]]], title: str) -> Figure:
    """Training and validation loss by step.

    Args:
        curves: metric name to (step, value) pairs.
    """
    figure, axes = blank()
    styles = {"train/loss": ("#8fb8de", "training", "-"), "val/loss": ("#c8553d", "validation", "o-")}
    for name, (colour, label, style) in styles.items():
        if curves.get(name):
            steps, values = zip(*curves[name], strict=True)
            axes.plot(steps, values, style, color=colour, label=label, linewidth=1.8, markersize=5)
    axes.set_xlabel("optimizer step")
    axes.set_ylabel("loss (nats per token)")
    dress(figure, title)
    return figure


def perplexity_bars(series: dict[str, dict[str, float]], title: str) -> Figure:
    """Perplexity by slice, on a logarithmic axis.

    Args:
        series: "unigram", "bigram" and "model", each slice (or "all") to perplexity.
    """
    figure, axes = blank()
    slices = list(series["model"])
    width = 0.8 / len(series)
    for index, (name, values) in enumerate(series.items()):
        places = np.arange(len(slices)) + (index - (len(series) - 1) / 2) * width
        bars = axes.bar(places, [values[part] for part in slices], width * 0.92, label=name, color=COLOURS[name])
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=8, padding=2, color="#444")
    axes.set_yscale("log")
    axes.set_xticks(np.arange(len(slices)), slices)
    axes.set_ylabel("perplexity on held-out text (lower is better)")
    axes.margins(y=0.15)
    dress(figure, title)
    return figure
