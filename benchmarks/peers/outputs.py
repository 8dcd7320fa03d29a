"""What each tool wrote, document by document: ids as uint16, without end-of-text tokens."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kslm.tokens import ShardReader

EOT = 0
Ids = Iterator[NDArray[Any]]


def kslm(out: Path) -> Ids:
    shards = ShardReader(out, verify=True)
    for name in shards.manifest.splits:
        split = shards.split(name)
        for number in range(len(split)):
            yield split.document(number)[:-1]


def indexed(out: Path) -> Ids:
    """Raw tokens, beside a raw index of the documents' ends: datatrove's format."""
    for index in sorted(out.glob("*.index")):
        tokens = np.fromfile(index.with_suffix(""), np.uint16)
        begin = 0
        for end in np.fromfile(index, np.uint64).tolist():
            assert tokens[end - 1] == EOT
            yield tokens[begin : end - 1]
            begin = end


def dolma(out: Path) -> Ids:
    """Raw tokens, beside a table of start, end, id, file and line of each document."""
    for index in sorted(out.glob("*.csv.gz")):
        tokens = np.fromfile(index.with_suffix("").with_suffix(".npy"), np.uint16)
        with gzip.open(index, "rt", encoding="utf-8") as rows:
            for start, end, *_ in csv.reader(rows):
                ids = tokens[int(start) : int(end)]
                yield ids[ids != EOT]


def ended(out: Path) -> Ids:
    """Raw tokens, in which end-of-text tokens alone tell where a document ends."""
    tokens = np.fromfile(out / "tokens.bin", np.uint16)
    begin = 0
    for end in np.flatnonzero(tokens == EOT).tolist():
        yield tokens[begin:end]
        begin = end + 1


READERS: dict[str, Callable[[Path], Ids]] = {
    "kslm": kslm,
    "tokenizers": indexed,
    "datatrove": indexed,
    "dolma": dolma,
    "datasets": ended,
}
