"""Questions about log messages of programs: which one logs them, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kslm.instruct.question import Provenance, questions
from kslm.knowledge.entities import Entities, Row
from kslm.knowledge.hardware import Attribution
from kslm.sources import catalog
from kslm.sources.catalog import CatalogEntry
from kslm.texts import Text, sentence, shortened

FEWEST_WORDS = 5
"""Words that a message needs to be told from others."""
LONGEST = 200
"""Characters of a message that are asked about."""

_PLACEHOLDER = re.compile(r"<\*>|<[A-Z_]+>")
_WORD = re.compile(r"[A-Za-z]{2,}")


def log_programs(templates: Iterable[Row], origin: Attribution) -> Iterator[Text]:
    """Which program logs each message of which enough is fixed."""
    for row in templates:
        literal = _literal(row["template"])
        if not literal or not row["tag"]:
            continue
        group = f"template:{row['template_id']}"
        provenance = Provenance("bronze.log_templates", row["template_id"], None, group, row["source"], origin.licence)
        yield from questions(
            *("log_program", provenance, f"log-template/{row['template_id']}"),
            f"{row['tag']} logs it: {shortened(row['template'], 300)}\nSee more with: journalctl -t {row['tag']}",
            context=f"{row['tag']}: {shortened(row['template'], 120)}",
            action=f"journalctl -t {row['tag']}",
            asked={"message": literal},
        )


def explained(row: Row, entries: Iterable[CatalogEntry], entities: Entities) -> Iterator[Text]:
    """What each message of a systemd catalogue means."""
    for entry in entries:
        subject, explanation = catalog.filled(entry.subject), catalog.filled(entry.text)
        if not subject or not explanation or explanation.rstrip(".") == subject.rstrip("."):
            continue
        package = row["path"].partition("/")[0]
        provenance = Provenance.of_document(row, entry.message_id, f"package:{package}")
        read = f" Documentation: {entry.documentation}." if entry.documentation else ""
        yield from questions(
            *("log_meaning", provenance, f"{row['path']}#{entry.message_id}"),
            f"{sentence(shortened(explanation))}{read}",
            context=f"{entry.defined_by}: {subject}",
            action=f"journalctl -x MESSAGE_ID={entry.message_id}",
            asked={"message": subject},
        )


def _literal(template: str) -> str | None:
    """The longest part of a template without placeholders, if it has words enough."""
    parts = (" ".join(part.split()).strip(" :,;=()[]'\"") for part in _PLACEHOLDER.split(template))
    longest = max(parts, key=len)
    is_whole = longest.count("(") == longest.count(")") and len(longest) <= LONGEST
    return longest if is_whole and len(_WORD.findall(longest)) >= FEWEST_WORDS else None
