"""Questions about what the kernel logs: which driver prints a message, or which part of the kernel.

The same words may stand in many files: whoever reads "Failed to get clock" in a log cannot be told whose they are. So
messages are noted file by file, where their text is read (`noted`), and asked about when those of all files are known
(`kslm.curate.messages`): one in more than MOST_FILES files is not asked about, nor one whose files are of several split
groups, as a question can be in one split only. The driver is asked for where bronze.modules has it; else where it is
from.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import xxhash

from kslm.instruct.question import Provenance, questions
from kslm.instruct.shown import shown, skeleton
from kslm.knowledge.entities import Entities, Row, Target
from kslm.sources.kernel.printk import Template
from kslm.texts import Text, listed

MOST_FILES = 3
"""Files that a message may stand in and still say where it is from."""
MOST_A_FILE = 4
"""Messages of one source file that are asked about: the longest, as many files have hundreds."""

_DRIVER_ANSWERS = (
    "The {drivers} driver prints it, in {files}, at level {level}.",
    "It comes from the {drivers} driver, which prints it in {files} at level {level}.",
    "That is {drivers}: the driver prints it in {files}, at level {level}.",
)
_DRIVERS_ANSWERS = (
    "The drivers {drivers} print it, in {files}, at level {level}.",
    "It comes from one of the drivers {drivers}, which print it in {files} at level {level}.",
)
_SOURCE_ANSWERS = (
    "The kernel prints it in {files}, at level {level}.",
    "It comes from {files} and has level {level}.",
    "It is printed in {files}, at level {level}.",
)


class Place(NamedTuple):
    """Where a message stands: a document's columns, and which of its messages it is, with level and format.

    In order of these fields, the first of a message's places is the one that is asked about.
    """

    path: str
    source: str
    doc_id: str
    number: int
    version: str | None
    licence: str | None
    level: str
    format: str


def noted(row: Row, messages: Iterable[Template]) -> str | None:
    """The messages of a C file that may be asked about, as JSON: level and format; None where it has none.

    Not those of level debug, which a log does not show unless asked to, and not those of headers, which are printed
    from wherever they are included.
    """
    if row["path"].endswith(".h"):
        return None
    levels = {message.format: message.level for message in messages if message.level != "debug"}
    asked = [(level, format_) for format_, level in levels.items() if shown(format_)]
    return json.dumps(asked, ensure_ascii=False) if asked else None


def placed(row: Row) -> Iterator[tuple[str, Place]]:
    """The messages of a file, each with what it has in common with those that look alike in a log.

    Args:
        row: doc_id, source, path, version, licence of a document, and what was `noted` of it as `note`.
    """
    for number, (level, format_) in enumerate(json.loads(row["note"])):
        document = (row["path"], row["source"], row["doc_id"], number, row["version"], row["licence"])
        yield skeleton(format_), Place(*document, level, format_)


def questions_about(places: Sequence[Place], entities: Entities) -> Iterator[Text]:
    """Questions about one message.

    Args:
        places: all places where it stands, in order.
        entities: the split groups, and what files are built into.
    """
    first = places[0]
    message = shown(first.format)
    if message is None:
        return
    paths = list(dict.fromkeys(place.path for place in places))
    targets = {path: target for path in paths if (target := entities.target(path))}
    drivers = sorted({target.name for target in targets.values() if target.how == "module"})
    asks_driver = [target.how for target in targets.values()] == ["module"] * len(paths)
    of_drivers = _DRIVER_ANSWERS if len(drivers) == 1 else _DRIVERS_ANSWERS
    wordings = of_drivers if asks_driver else _SOURCE_ANSWERS
    wording = wordings[xxhash.xxh3_64_intdigest(first.format.encode()) % len(wordings)]
    answer = wording.format(drivers=listed(drivers), files=listed(paths), level=first.level)
    if not asks_driver:
        answer += _when_built([targets.get(path) for path in paths])
    kind = "message_driver" if asks_driver else "message_source"
    provenance = Provenance.of_document(first._asdict(), first.format, entities.of_source(first.path))
    yield from questions(
        *(kind, provenance, f"{first.path}#message {first.format}", answer),
        context=f"{', '.join(paths)}: {first.format}",
        action=f"modinfo {drivers[0]}" if asks_driver else f"dmesg --level={first.level}",
        asked={"message": message},
    )


def _when_built(targets: list[Target | None]) -> str:
    """What the Makefiles say of files that are no driver's."""
    if len(targets) == 1 and targets[0] and targets[0].symbol:
        return f" That file is built when CONFIG_{targets[0].symbol} is set."
    fixed = all(target is not None and target.how == "fixed" for target in targets)
    return " That is always built into the kernel." if fixed else ""
