"""Texts to candidates: cleaned, redacted, cut to size and judged; one pass, nothing dropped without a row.

These run inside `Lake.map`, and nothing is kept beyond a batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import xxhash

from kslm import kinds
from kslm.curate.records import CANDIDATES, Candidate
from kslm.curate.refine.clean import clean
from kslm.curate.refine.filters import Refusal, Verdict, judge
from kslm.curate.refine.sections import split
from kslm.lake.arrow import batches_of
from kslm.redact import Pseudonyms, redact
from kslm.texts import Text

BATCH_BYTES = 8_000_000
"""Text gathered before a batch is handed on."""


class Limits(NamedTuple):
    """How long a document may be, in characters, and how much of its words in another language than English."""

    min_chars: int
    max_chars: int
    max_non_english: float = 0.2


def refine(text: Text, limits: Limits) -> Iterator[Candidate]:
    """Clean, redact, split and judge one text: at least one candidate, refused or not.

    doc_id is xxh3-128 of source, path, part number and content, so it is the same wherever the row was processed.
    """
    kind = kinds.of(text.kind)
    pseudonyms = Pseudonyms() if text.item else None
    redacted = redact(clean(text.text), pseudonyms=pseudonyms, machine=kind.machine)
    item = _redact_item(text.item, pseudonyms) if text.item and pseudonyms else None
    parts = split(kind, redacted.text, min_chars=limits.min_chars, max_chars=limits.max_chars)
    source, place = text.source.encode(), text.path.encode()
    for number, part in enumerate(parts or [""]):
        raw = part.encode()
        verdict = (
            Verdict(1.0, Refusal(text.refused, None))
            if text.refused
            else judge(kind.filters, part, raw, min_chars=limits.min_chars, max_non_english=limits.max_non_english)
        )
        doc_id = xxhash.xxh3_128_hexdigest(b"%b\0%b\0%d\0%b" % (source, place, number, raw))
        path = f"{text.path}#part{number + 1}" if len(parts) > 1 else text.path
        refused = verdict.refusal
        yield Candidate(
            *(doc_id, text.parent_id, text.source, path, text.kind, text.slice, text.split_group),
            *(text.version, text.licence, len(raw), redacted.count if number == 0 else 0),
            *(content_hash(raw), verdict.quality),
            *((None, None, refused.reason, refused.figure) if refused else (part, item, None, None)),
        )


def content_hash(raw: bytes) -> str:
    """xxh3-128 of a text without regard to ASCII case, blanks and line ends: equal for exact duplicates."""
    return xxhash.xxh3_128_hexdigest(raw.translate(_FOLD, _BLANKS))


_FOLD = bytes(range(256)).lower()
_BLANKS = b" \t\n"


def _redact_item(item: str, pseudonyms: Pseudonyms) -> str:
    """The JSON of a question with its strings redacted, nested ones too, one by one where there is anything to do."""
    if not redact(item).count:
        return item

    def redacted(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: redacted(inner) for key, inner in value.items()}
        return redact(value, pseudonyms=pseudonyms).text if isinstance(value, str) else value

    return json.dumps(redacted(json.loads(item)), ensure_ascii=False)


def refine_texts(batches: Iterable[pa.RecordBatch], *, limits: Limits) -> Iterator[pa.RecordBatch]:
    """Texts to candidates; for mapInArrow."""
    texts = (Text(**row) for batch in batches for row in rows(batch))
    candidates = (candidate for text in texts for candidate in refine(text, limits))
    return batches_of(CANDIDATES, candidates, BATCH_BYTES)


def rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Rows as dictionaries, a few at a time: a batch may hold a hundred megabytes of text."""
    for start in range(0, batch.num_rows, 64):
        yield from batch.slice(start, 64).to_pylist()
