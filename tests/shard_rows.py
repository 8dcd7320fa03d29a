"""Shards for tests: documents given one by one, written as the stage's tasks would."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kslm import published
from kslm.tokens import Layout, Lineage, Manifest, PartsWriter, publish
from kslm.tokens.tokenizer import vocabulary

LINEAGE = Lineage(table="gold.corpus", version=0, content_hash="0" * 32, code_version="0")


class Document(NamedTuple):
    doc_id: str
    split: str
    slice: str
    kind: str
    text_bytes: int
    ids: np.ndarray


def write_shards(
    folder: Path,
    tokenizer_json: str,
    documents: Iterable[Document],
    *,
    parts: tuple[int, int, int] = (1, 1, 1),
    fingerprint: str = "f00d",
    lineage: Lineage = LINEAGE,
) -> Manifest:
    """Publish documents in as many parts of each split; those of each part by a writer of their own."""
    documents = list(documents)
    names = [sorted({getattr(document, field) for document in documents}) for field in ("slice", "kind")]
    layout = Layout(tuple(names[0]), tuple(names[1]), parts)
    folder.mkdir(parents=True, exist_ok=True)
    published.withdraw(folder)
    columns = list(zip(*documents, strict=True))[:5] if documents else [()] * 5
    lengths = np.array([len(document.ids) for document in documents], np.int64)
    *names, text_bytes = columns
    rows = layout.rows(*names, text_bytes=text_bytes, lengths=lengths)
    records = []
    for part in np.unique(rows["part"]):
        chosen = np.flatnonzero(rows["part"] == part)
        with PartsWriter(folder, layout, len(vocabulary(tokenizer_json)), folder.parent) as writer:
            writer.add(rows[chosen], np.concatenate([documents[place].ids for place in chosen]))
            records += writer.finish()
    return publish(folder, tokenizer_json, layout, records, fingerprint=fingerprint, lineage=lineage)
