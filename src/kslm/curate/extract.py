"""Bronze documents to texts: what of a file is worth learning, which slice it is of, and what it belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kslm.curate.entities import Entities
from kslm.curate.instruct import from_document
from kslm.curate.instruct.manuals import page_of
from kslm.curate.records import Text
from kslm.sources import comments, dt_binding, kconfig

Row = Mapping[str, Any]

_ADMIN_GUIDE = "Documentation/admin-guide/"


def extract(row: Row, entities: Entities) -> Iterator[Text]:
    """Texts of one row of bronze.documents; at least one, which is empty where the file holds nothing to keep."""
    yield from _EXTRACTORS.get(row["kind"], _prose)(row, entities)
    yield from from_document(row, entities)


def _comments(row: Row, entities: Entities) -> Iterator[Text]:
    yield _text(row, comments.extract(row["text"]), "os", entities.of_source(row["path"]))


def _binding(row: Row, entities: Entities) -> Iterator[Text]:
    try:
        text = dt_binding.extract(row["text"])
    except ValueError:  # a schema that is not valid YAML is still text about hardware
        text = row["text"]
    yield _text(row, text, "hardware", row["path"])


def _prose(row: Row, entities: Entities) -> Iterator[Text]:
    slice_ = "admin" if row["path"].startswith(_ADMIN_GUIDE) else "os"
    yield _text(row, row["text"], slice_, entities.of_source(row["path"]))


def _symbols(row: Row, entities: Entities) -> Iterator[Text]:
    """A text for each split group of a Kconfig file."""
    sections: dict[str, list[str]] = defaultdict(list)
    for entry in kconfig.parse(row["text"]):
        if not entry.name or not (entry.prompt or entry.help):
            continue
        help_text = entry.help or ""
        group = entities.of_symbol(row["path"], help_text)
        sections[group].append(f"CONFIG_{entry.name}: {entry.prompt or ''}".rstrip(": ") + f"\n{help_text}")
    for group, found in sections.items():
        yield _text(row, "\n\n".join(section.strip() for section in found), "os", group, fragment=f"#{group}")
    if not sections:
        yield _text(row, "", "os", entities.of_source(row["path"]))


def _manual(row: Row, entities: Entities) -> Iterator[Text]:
    """A page as it is."""
    yield _text(row, row["text"], "admin", f"man:{page_of(row['path']) or row['path']}")


def _text(row: Row, text: str, slice_: str, group: str, *, fragment: str = "") -> Text:
    path = row["path"] + fragment
    return Text(row["doc_id"], row["source"], path, row["kind"], slice_, group, row["version"], row["licence"], text)


_EXTRACTORS: dict[str, Callable[[Row, Entities], Iterator[Text]]] = {
    "c": _comments,
    "kconfig": _symbols,
    "dt_binding": _binding,
    "man": _manual,
}
