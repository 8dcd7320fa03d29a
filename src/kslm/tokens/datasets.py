"""Shards as a `datasets.Dataset` of documents, for notebooks and for tuning with other libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kslm.tokens.reader import TokenSplit

if TYPE_CHECKING:
    from datasets import Dataset


def to_dataset(split: TokenSplit) -> Dataset:
    """The documents of a split, in the order of the shards: input_ids, slice, kind.

    `input_ids`, of uint16 or uint32 and ended by the end-of-text token, are the shards' memory maps themselves: nothing
    is copied, and nothing read before it is asked for. Needs the library `datasets`.
    """
    import pyarrow as pa
    from datasets import Dataset

    chunks, begin, first = [], 0, 0
    for part in split.parts:
        last = int(np.searchsorted(split.ends, begin + len(part), "right"))
        offsets = np.concatenate([[begin], split.ends[first:last]]).astype(np.int64) - begin
        chunks.append(pa.LargeListArray.from_arrays(pa.array(offsets), _mapped(part)))
        begin, first = begin + len(part), last
    columns = {"input_ids": pa.chunked_array(chunks)}
    for name, names in (("slice", split.slice_names), ("kind", split.kind_names)):
        numbers = split.index[name]
        columns[name] = pa.DictionaryArray.from_arrays(pa.array(numbers), pa.array(names, pa.string())).cast(
            pa.string()
        )
    return Dataset(pa.table(columns))


def _mapped(part: Any) -> Any:
    """An Arrow array over the memory that a numpy array lies in."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.from_numpy_dtype(part.dtype), len(part), [None, pa.py_buffer(part)])
