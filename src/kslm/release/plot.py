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
    from kslm.figures import blank, dress

    figure, axes = blank()
    drawn = {name: measured for name, measured in variants.items() if "perplexity" in measured}
    largest = max((measured["size_mb"] for measured in drawn.values()), default=1.0)
    for name, measured in drawn.items():
        at = (measured["decode_tokens_per_second"], measured["perplexity"])
        area = 40 + 460 * measured["size_mb"] / largest
        chosen = name == preferred
        axes.scatter(*at, s=area, facecolors="#1d5fa9" if chosen else "#c9ced8", edgecolors="#1d5fa9")
        label = f"{name}{' (preferred)' if chosen else ''}\n{measured['size_mb']:.1f} MB"
        above = (0, area**0.5 / 2 + 3)
        axes.annotate(label, at, xytext=above, textcoords="offset points", ha="center", va="bottom", fontsize=9)
    axes.set_xlabel("decoded tokens per second, batch of one (more is better)")
    axes.set_ylabel("perplexity on held-out text (lower is better)")
    axes.margins(0.2, 0.25)
    dress(figure, "Variants: quality, speed and size")
    return figure
