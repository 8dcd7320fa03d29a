"""A question with its answer, as a text of the corpus and as an item of gold.instructions.

What is asked about decides the split group; where the answer is from is kept as table, key and version, and what
question and answer hold as values by name. Nobody reads them back from the English.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import xxhash

from kslm import prompt
from kslm.instruct.phrasings import load
from kslm.knowledge.entities import Row
from kslm.texts import QUESTION, Text

SECOND_PHRASING = 10
"""Every how many facts one is asked in two ways."""


class Provenance(NamedTuple):
    """Where an answer is from and whose split it follows.

    Attributes:
        table, key, version: the row: bronze.pci_ids and its row_id, bronze.modules and the module's name,
            bronze.documents and its doc_id, with `#` and the part of it.
        group: split group of the entity.
        source, licence: of the row, as in bronze.files.
    """

    table: str
    key: str
    version: str | None
    group: str
    source: str
    licence: str | None

    @classmethod
    def of_document(cls, row: Row, part: str, group: str) -> Provenance:
        """Of an answer from a part of a document, a row of bronze.documents."""
        return cls("bronze.documents", f"{row['doc_id']}#{part}", row["version"], group, row["source"], row["licence"])

    @property
    def parent(self) -> str:
        """The row as silver.documents names it: the doc_id of a document, `table/key` of another row."""
        table = self.table.removeprefix("bronze.")
        return self.key.partition("#")[0] if table == "documents" else f"{table}/{self.key}"


def questions(
    kind: str,
    provenance: Provenance,
    path: str,
    answer: str,
    *,
    asked: Mapping[str, str],
    context: str,
    action: str = "none",
    told: Mapping[str, str] | None = None,
) -> Iterator[Text]:
    """The fact asked in one way, or in two.

    Args:
        kind: of the phrasing.
        path: of the text, unique within its source.
        asked: values of the phrasing's placeholders.
        context: the facts used, in short.
        action: a command that looks or installs, worth running next; "none" where there is none.
        told: values of the answer, by name, beside those asked about.
    """
    phrasing = load().questions[kind]
    key = f"{kind}/{path}"
    fields = {**asked, **(told or {})}
    twice = xxhash.xxh3_64_intdigest(key.encode(), seed=1) % SECOND_PHRASING == 0
    for number in range(2 if twice else 1):
        question = phrasing.chosen(key, number).format(**asked)
        where = f"{path}.{number + 1}" if number else path
        yield text_of(
            question,
            answer,
            phrasing.intent,
            provenance,
            where,
            kind=kind,
            fields=fields,
            context=context,
            action=action,
        )


def text_of(
    question: str,
    answer: str,
    intent: str,
    provenance: Provenance,
    path: str,
    *,
    kind: str,
    fields: Mapping[str, str],
    context: str,
    action: str,
) -> Text:
    """One question as a text with its item."""
    item: dict[str, Any] = {"intent": intent, "context": context, "next_action": action, "kind": kind}
    item["fields"] = {name: value for name, value in fields.items() if value}
    item |= {"table": provenance.table, "key": provenance.key}
    return Text(
        *(
            provenance.parent,
            provenance.source,
            path,
            QUESTION,
            "instructions",
            provenance.group,
            provenance.version,
            provenance.licence,
        ),
        prompt.pair(question, answer),
        json.dumps(item, ensure_ascii=False, sort_keys=True),
    )
