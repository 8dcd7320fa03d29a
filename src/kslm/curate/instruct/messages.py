"""Questions about log messages: where the kernel prints them, which program logs them, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from kslm.curate.entities import Entities, Row, module_name
from kslm.curate.facts import Origin, sentence
from kslm.curate.instruct.question import Fact, questions, shortened
from kslm.curate.records import Text
from kslm.sources import catalog, printk

FEWEST_WORDS = 4
"""Words that a message needs to be told from others."""
LONGEST = 200
"""Characters of a message that are asked about."""
MOST_A_FILE = 4
"""Messages of one source file that are asked about: the longest, as many files have hundreds."""

_CONVERSION = re.compile(r"%[-+ #0-9.*]*(?:hh|ll|[hlLzt])?(?:p[A-Za-z]*|[a-zA-Z%])|\\[nrt]|<\*>|<[A-Z_]+>")
_WORD = re.compile(r"[A-Za-z]{2,}")


def kernel_messages(row: Row, entities: Entities) -> Iterator[Text]:
    """Where the longest messages of a C file are printed: the file, and its driver where the name tells.

    A message is the longest part of a format between its conversions, as that is what a log has literally.
    """
    found: dict[str, str] = {}
    for template in printk.templates(row["text"]):
        literal = _literal(template.format)
        if literal and template.level != "debug":  # a log does not show those unless asked to
            found.setdefault(literal, template.level)
    group = entities.of_source(row["path"])
    driver = _module(row["path"], group, entities)
    of = f", part of the {driver} driver" if driver else ""
    for literal in sorted(found, key=lambda text: (-len(text), text))[:MOST_A_FILE]:
        key = f"{row['doc_id']}#{literal}"
        fact = Fact("bronze.documents", key, row["version"], group, row["source"], row["licence"])
        yield from questions(
            *("message_source", fact, f"{row['path']}#message {literal}"),
            f"The kernel prints it in {row['path']}{of}, at level {found[literal]}.",
            context=f"{row['path']}: {literal}",
            action=f"modinfo {driver}" if driver else f"dmesg --level={found[literal]}",
            asked={"message": literal},
        )


def log_programs(templates: Iterable[Row], origin: Origin) -> Iterator[Text]:
    """Which program logs each message of which enough is fixed."""
    for row in templates:
        literal = _literal(row["template"])
        if not literal or not row["tag"]:
            continue
        group = f"template:{row['template_id']}"
        fact = Fact("bronze.log_templates", row["template_id"], None, group, row["source"], origin.licence)
        yield from questions(
            *("log_program", fact, f"log-template/{row['template_id']}"),
            f"{row['tag']} logs it: {shortened(row['template'], 300)}\nSee more with: journalctl -t {row['tag']}",
            context=f"{row['tag']}: {shortened(row['template'], 120)}",
            action=f"journalctl -t {row['tag']}",
            asked={"message": literal},
        )


def explained(row: Row, entities: Entities) -> Iterator[Text]:
    """What each message of a systemd catalogue means."""
    for entry in catalog.parse(row["text"]):
        if not entry.subject or not entry.text:
            continue
        package = row["path"].partition("/")[0]
        fact = Fact(
            *("bronze.documents", f"{row['doc_id']}#{entry.message_id}", row["version"], f"package:{package}"),
            *(row["source"], row["licence"]),
        )
        read = f" Documentation: {entry.documentation}." if entry.documentation else ""
        yield from questions(
            *("log_meaning", fact, f"{row['path']}#{entry.message_id}", f"{sentence(shortened(entry.text))}{read}"),
            context=f"{entry.defined_by}: {entry.subject}",
            action=f"journalctl -x MESSAGE_ID={entry.message_id}",
            asked={"message": entry.subject},
        )


def _literal(template: str) -> str | None:
    """The longest part of a template without placeholders, if it has words enough."""
    parts = (" ".join(part.split()).strip(" :,;=()[]'\"") for part in _CONVERSION.split(template))
    longest = max(parts, key=len)
    is_whole = longest.count("(") == longest.count(")") and len(longest) <= LONGEST
    return longest if is_whole and len(_WORD.findall(longest)) >= FEWEST_WORDS else None


def _module(path: str, group: str, entities: Entities) -> str | None:
    """The module that a file or its folder is named after, if it is of the same split group."""
    place = PurePosixPath(path)
    named = (module_name(place.stem), module_name(place.parent.name))
    return next((name for name in named if entities.modules.get(name) == group), None)
