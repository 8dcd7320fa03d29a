"""How every plot of kslm looks: one size, a title at the left, a light grid, no frame."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def blank() -> tuple[Figure, Axes]:
    """An empty figure that can be saved without a display, and its axes."""
    figure = Figure(figsize=(8, 4.5), dpi=144, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def save(figure: Figure, path: Path, **options: Any) -> None:
    """Write a figure as PNG, from start to end: drawn into a file, it would be opened for reading and writing."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", **options)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(drawn.getvalue())


def dress(figure: Figure, title: str, *, grid: str = "y") -> None:
    """Title, grid along one axis ("x" or "y") and, where anything is labelled, a legend below the first axes."""
    axes = figure.axes[0]
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis=grid, color="#e6e8eb", linewidth=0.8)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    if axes.get_legend_handles_labels()[0]:
        figure.legend(loc="outside lower center", ncols=4, frameon=False)
