"""What each variant trades, in one picture: perplexity against decoding speed, each dot as large as its file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def trade(variants: dict[str, dict[str, Any]], preferred: str) -> Figure:
    """Draw the variants that were measured; the preferred one is filled.

    Args:
        variants: by name: perplexity, decode_tokens_per_second, size_mb.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    drawn = {name: measured for name, measured in variants.items() if "perplexity" in measured}
    largest = max((measured["size_mb"] for measured in drawn.values()), default=1.0)
    for name, measured in drawn.items():
        at = (measured["decode_tokens_per_second"], measured["perplexity"])
        filled = "tab:blue" if name == preferred else "none"
        axes.scatter(
            *at, s=60 + 900 * measured["size_mb"] / largest, facecolors=filled, edgecolors="tab:blue", alpha=0.6
        )
        axes.annotate(f"{name}\n{measured['size_mb']:.1f} MB", at, ha="center", va="center", fontsize=8)
    axes.set_xlabel("decoded tokens per second, batch of one")
    axes.set_ylabel("perplexity on held-out text (lower is better)")
    axes.margins(0.25)
    axes.grid(alpha=0.3)
    axes.set_title("Variants: quality, speed and size")
    return figure
