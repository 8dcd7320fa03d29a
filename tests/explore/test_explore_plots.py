"""The pictures of corpus and tokens show the figures."""

import numpy as np

from kslm.explore import plots
from kslm.tokens.layout import INDEX
from kslm.tokens.reader import TokenSplit


def test_sources_are_stacked_by_slice_the_largest_at_the_top():
    rows = [
        {"source": "small", "slice": "os", "bytes": 500_000},
        {"source": "large", "slice": "os", "bytes": 1_000_000},
        {"source": "large", "slice": "admin", "bytes": 2_000_000},
        {"source": "large", "slice": "admin", "bytes": 1_000_000},
    ]
    (axes,) = plots.sources(rows).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["small", "large"]
    assert [text.get_text() for text in axes.texts] == ["0.5", "4.0"]
    by_slice = {container.get_label(): [bar.get_width() for bar in container] for container in axes.containers[:4]}
    assert (by_slice["os"], by_slice["admin"]) == ([0.5, 1.0], [0.0, 3.0])


def test_lengths_are_counted_in_tokens():
    index = np.zeros(4, INDEX)
    index["end"], index["slice"] = [1, 4, 8, 9], [0, 1, 1, 0]  # lengths 1, 3, 4, 1
    split = TokenSplit("train", (np.zeros(9),), index, ("os", "admin"), ("text",))
    (axes,) = plots.token_lengths(split).axes
    assert [bar.get_height() for bar in axes.containers[0]] == [2, 0]
    assert [bar.get_height() for bar in axes.containers[1]] == [0, 2]
