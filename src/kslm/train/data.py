"""Tokens as training sequences: contiguous windows over an epoch's stream of documents, in an order of their own.

Each document ends with an end-of-text token, so a window may hold several documents or a part of one. At a few hundred
tokens a window nearly every document is longer than a window anyway, so packing whole documents would gain little here
and cost padding; windows waste no token. Reading happens in the training process: gathering a window from memory maps
is several times as fast as receiving the same tokens from a worker.

A run's sequences are numbered through all its epochs, and which tokens one holds follows from its number alone. So a
resumed run reads nothing again, and any number of ranks sees the same sequences at each step.

Limits: attention crosses document boundaries within a window; an epoch's last, incomplete optimizer step is left out.
"""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from torch.utils.data import Dataset

from kslm.errors import DataError
from kslm.tokens.reader import TokenSplit
from kslm.tokens.sampler import shuffled
from kslm.tokens.stream import Stream

PLACE = "sampler.json"
"""Of a checkpoint: the `Place` its next sequence is read at."""


class Windows(Dataset[NDArray[Any]]):
    """Windows of `length` + 1 tokens, one every `length`: each token but the stream's first is predicted once.

    Args:
        tokens: ids, (tokens,) or a stream of them.
        length: tokens predicted in a window.
        limit: use no more than this many predicted tokens.

    Raises:
        DataError: the stream is shorter than one window.
    """

    def __init__(self, tokens: Stream | NDArray[Any], length: int, limit: int | None = None) -> None:
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


class Epochs(Protocol):
    """What is read epoch by epoch: a `tokens.sampler.Sampler`, or the split as it is stored."""

    def tokens(self, epoch: int) -> int:
        """Tokens of an epoch, without drawing it."""

    def stream(self, epoch: int) -> Stream:
        """An epoch as it is read."""


class Stored:
    """Every epoch the whole split, in the order of the shards: what the mix is compared with."""

    def __init__(self, split: TokenSplit) -> None:
        self._stream = Stream(split, np.arange(len(split)))

    def tokens(self, epoch: int) -> int:
        """Tokens of the split."""
        return len(self._stream)

    def stream(self, epoch: int) -> Stream:
        """The split."""
        return self._stream


class Place(BaseModel):
    """Where reading stands: kept with each checkpoint, and compared when training goes on from it.

    Attributes:
        shards: the manifest's content_id.
        sequence: number of the next sequence, counted over all epochs.
        document: hash of the document that it begins in, as in the shards' index.
        offset: tokens of that document before it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    shards: str
    seed: int
    sequence: int
    epoch: int
    document: str
    offset: int


class Sequences(Dataset[NDArray[Any]]):
    """All windows of a run, in the order in which they are read: `steps` x `step` of `length` + 1 tokens each.

    Args:
        length: tokens predicted in a window.
        step: sequences of an optimizer step; an epoch ends with a whole one.
        shards: the manifest's content_id.

    Raises:
        DataError: an epoch does not fill one step.
    """

    def __init__(self, epochs: Epochs, length: int, step: int, steps: int, *, seed: int, shards: str) -> None:
        self.length, self.step, self.steps = length, step, steps
        self.seed, self.shards = seed, shards
        self._epochs = epochs
        self._ends: list[int] = []
        self._drawn = -1
        self._stream: Stream
        self._order: NDArray[np.int64]
        self._of(len(self))

    def __len__(self) -> int:
        return self.steps * self.step

    def __getitem__(self, index: int) -> NDArray[Any]:
        stream, start = self._begin(index)
        return stream[start : start + self.length + 1]

    def passes(self, sequence: int) -> float:
        """Epochs read before a sequence, the one that it lies in as far as it was read."""
        epoch, number = self._of(sequence)
        return epoch + number / (self._ends[epoch] - (self._ends[epoch - 1] if epoch else 0))

    def place(self, sequence: int) -> Place:
        """Where a sequence is read."""
        epoch, _ = self._of(sequence)
        stream, start = self._begin(sequence)
        number, offset = stream.place(start)
        document = int(stream.split.index["hash"][stream.documents[number]])
        return Place(
            shards=self.shards,
            seed=self.seed,
            sequence=sequence,
            epoch=epoch,
            document=f"{document:016x}",
            offset=offset,
        )

    def check(self, checkpoint: Path, step: int) -> None:
        """Make sure that a checkpoint goes on in these sequences.

        Raises:
            DataError: it was reading others, or does not tell.
        """
        remedy = "train anew: kslm train --force"
        try:
            left = Place.model_validate_json((checkpoint / PLACE).read_bytes())
        except (OSError, ValidationError) as error:
            raise DataError(f"{checkpoint / PLACE} does not tell", cause=str(error), remedy=remedy) from None
        if left.shards != self.shards:
            raise DataError(
                f"{checkpoint} stands in epoch {left.epoch} of the shards {left.shards}",
                cause=f"the shards at hand are {self.shards}",
                remedy=remedy,
            )
        if left != (here := self.place(step * self.step)):
            raise DataError(
                f"{checkpoint} stands at another place than the sampler comes to",
                cause=f"left: {left.model_dump_json()}; here: {here.model_dump_json()}",
                remedy=remedy,
            )

    def _of(self, sequence: int) -> tuple[int, int]:
        """The epoch that a sequence lies in, and its number there."""
        while not self._ends or self._ends[-1] <= sequence:
            self._ends.append((self._ends[-1] if self._ends else 0) + self._sequences(len(self._ends)))
        epoch = bisect_right(self._ends, sequence)
        return epoch, sequence - (self._ends[epoch - 1] if epoch else 0)

    def _sequences(self, epoch: int) -> int:
        windows = max(self._epochs.tokens(epoch) - 1, 0) // self.length
        if windows < self.step:
            raise DataError(
                f"the {windows} training sequences of {self.length} tokens in epoch {epoch} are fewer than one step's "
                f"{self.step}",
                remedy="add sources to the profile, or lower train.micro_batch_size or train.grad_accum_steps",
            )
        return windows // self.step * self.step

    def _begin(self, sequence: int) -> tuple[Stream, int]:
        """The stream that holds a sequence, and where it begins there."""
        epoch, number = self._of(sequence)
        if epoch != self._drawn:
            self._stream = self._epochs.stream(epoch)
            windows = np.arange((len(self._stream) - 1) // self.length)
            self._order = shuffled(windows, self.seed, epoch)
            self._drawn = epoch
        return self._stream, int(self._order[number]) * self.length


def collate(windows: list[NDArray[Any]]) -> dict[str, torch.Tensor]:
    """Stack windows to one (batch, length + 1) int64 tensor, named as the Trainer wants it."""
    return {"input_ids": torch.from_numpy(np.stack(windows).astype(np.int64))}


def bytes_per_token(stream: Stream, tokens: int) -> float:
    """Mean text bytes behind one token, over the whole documents among the first `tokens` tokens of a stream.

    End-of-text tokens count as tokens and have no bytes.
    """
    documents = max(1, int(np.searchsorted(stream.ends, tokens, side="right")))
    return float(stream.text_bytes[:documents].sum() / stream.ends[documents - 1])
