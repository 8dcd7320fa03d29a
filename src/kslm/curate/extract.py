"""Bronze documents to texts: what of a file is worth learning, which slice it is of, and what it belongs to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kslm.curate.entities import Entities
from kslm.curate.facts import page_question, symbol_question
from kslm.curate.records import Text
from kslm.sources import comments, dt_binding, kconfig

Row = Mapping[str, Any]

_ADMIN_GUIDE = "Documentation/admin-guide/"
_HEADING = re.compile(r"^\S")
_PAGE = re.compile(r"(?:^|/)([^/]+?)\.([0-9][a-z]*)(?:\.(?:gz|xz|zst|bz2))?$")
_NAME_LINE = re.compile(r"\s+(?:-|--|–|—)\s+")


def extract(row: Row, entities: Entities) -> Iterator[Text]:
    """Texts of one row of bronze.documents; at least one, which is empty where the file holds nothing to keep."""
    return _EXTRACTORS.get(row["kind"], _prose)(row, entities)


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
    """A text for each split group of a Kconfig file, and a question for each symbol with a help text."""
    sections: dict[str, list[str]] = defaultdict(list)
    questions: list[Text] = []
    seen: dict[str, int] = defaultdict(int)
    for entry in kconfig.parse(row["text"]):
        if not entry.name or not (entry.prompt or entry.help):
            continue
        help_text = entry.help or ""
        group = entities.of_symbol(row["path"], help_text)
        sections[group].append(f"CONFIG_{entry.name}: {entry.prompt or ''}".rstrip(": ") + f"\n{help_text}")
        if help_text:
            seen[entry.name] += 1
            again = f".{seen[entry.name]}" if seen[entry.name] > 1 else ""
            asked = symbol_question(entry.name, entry.prompt, help_text)
            questions.append(
                _text(row, asked, "instructions", group, fragment=f"#CONFIG_{entry.name}{again}", kind="question")
            )
    for group, found in sections.items():
        yield _text(row, "\n\n".join(section.strip() for section in found), "os", group, fragment=f"#{group}")
    yield from questions
    if not sections:
        yield _text(row, "", "os", entities.of_source(row["path"]))


def _manual(row: Row, entities: Entities) -> Iterator[Text]:
    """A page as it is, and the question its NAME section answers."""
    found = _PAGE.search(row["path"])
    page = f"{found[1]}({found[2]})" if found else row["path"]
    group = f"man:{page}"
    yield _text(row, row["text"], "admin", group)
    description = name_line(row["text"])
    if found and description:
        yield _text(row, page_question(page, description), "instructions", group, fragment="#NAME", kind="question")


def name_line(page: str) -> str | None:
    """What a rendered manual page says after the dash in its NAME section; None where it has none."""
    lines = iter(page.splitlines())
    for line in lines:
        if line.strip().upper() == "NAME":
            break
    body: list[str] = []
    for line in lines:
        if body and (not line.strip() or _HEADING.match(line)):
            break
        if line.strip():
            body.append(line.strip())
    parts = _NAME_LINE.split(" ".join(body), maxsplit=1)
    return parts[1].strip() or None if len(parts) == 2 else None


def _text(row: Row, text: str, slice_: str, group: str, *, fragment: str = "", kind: str | None = None) -> Text:
    path = row["path"] + fragment
    return Text(
        row["doc_id"], row["source"], path, kind or row["kind"], slice_, group, row["version"], row["licence"], text
    )


_EXTRACTORS: dict[str, Callable[[Row, Entities], Iterator[Text]]] = {
    "c": _comments,
    "kconfig": _symbols,
    "dt_binding": _binding,
    "man": _manual,
}
