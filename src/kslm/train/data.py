"""Token shards as training sequences: contiguous windows over the stream of documents.

Each document ends with an end-of-text token, so a window may hold several documents or a part of one. At a few hundred
tokens a window nearly every document is longer than a window anyway, so packing whole documents would gain little here
and cost padding; windows waste no token. Reading happens in the training process: slicing a memory map is some twenty
times as fast as receiving the same tokens from a worker.

Limits: attention crosses document boundaries within a window, and windows begin at the same offsets in every epoch
(their order differs).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from kslm.errors import DataError
from kslm.tokens.reader import TokenSplit


class Windows(Dataset[NDArray[Any]]):
    """Windows of `length` + 1 tokens, one every `length`: each token but the stream's first is predicted once.

    Args:
        tokens: (tokens,) ids, memory-mapped or not.
        length: tokens predicted in a window.
        limit: use no more than this many predicted tokens.

    Raises:
        DataError: the stream is shorter than one window.
    """

    def __init__(self, tokens: NDArray[Any], length: int, limit: int | None = None) -> None:
        self.tokens = tokens
        self.length = length
        self.count = (len(tokens) - 1) // length
        if limit is not None:
            self.count = min(self.count, max(1, limit // length))
        if self.count < 1:
            raise DataError(
                f"{len(tokens)} tokens do not fill one sequence of {length}",
                remedy="add sources to the profile, or lower train.sequence_length",
            )

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> NDArray[Any]:
        start = index * self.length
        return self.tokens[start : start + self.length + 1]


def collate(windows: list[NDArray[Any]]) -> dict[str, torch.Tensor]:
    """Stack windows to one (batch, length + 1) int64 tensor, named as the Trainer wants it."""
    return {"input_ids": torch.from_numpy(np.stack(windows).astype(np.int64))}


def bytes_per_token(split: TokenSplit, tokens: int) -> float:
    """Mean text bytes behind one token, over the whole documents among the first `tokens` tokens of a split.

    End-of-text tokens count as tokens and have no bytes.
    """
    documents = max(1, int(np.searchsorted(split.ends, tokens, side="right")))
    return float(split.text_bytes[:documents].sum() / split.ends[documents - 1])
