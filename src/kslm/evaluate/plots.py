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


def compared(curves: dict[str, list[tuple[int, float]]], ylabel: str, title: str) -> Figure:
    """One curve a run, in one picture.

    Args:
        curves: label of the run to (step, value) pairs.
    """
    figure, axes = blank()
    for label, curve in curves.items():
        steps, values = zip(*curve, strict=True)
        axes.plot(steps, values, "o-", label=label, linewidth=1.8, markersize=4)
        axes.annotate(f"{values[-1]:.3f}", (steps[-1], values[-1]), (5, 0), textcoords="offset points", fontsize=8)
    axes.set_xlabel("optimizer step")
    axes.set_ylabel(ylabel)
    axes.margins(x=0.08)
    dress(figure, title)
    return figure


def perplexities(metrics: dict[str, float]) -> dict[str, dict[str, float]]:
    """What `perplexity_bars` draws, from evaluate's metrics: the test split's, of the model and its baselines."""
    names = {baseline: f"baseline/{baseline}/perplexity" for baseline in COLOURS if baseline != "model"}
    names["model"] = "test/perplexity"
    return {series: _by_slice(metrics, name) for series, name in names.items()}


def _by_slice(metrics: dict[str, float], name: str) -> dict[str, float]:
    """One figure by slice, with "all" for the whole."""
    return {key.removeprefix(name).lstrip("/") or "all": v for key, v in metrics.items() if key.startswith(name)}
