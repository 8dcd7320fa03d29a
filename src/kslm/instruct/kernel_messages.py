"""Questions about what the kernel logs: which driver prints a message, or which part of the kernel.

The same words may stand in many files: whoever reads "Failed to get clock" in a log cannot be told whose they are. So
messages are noted file by file, where their text is read (`noted`), and asked about when those of all files are known
(`message_questions`): one in more than MOST_FILES files is not asked about, nor one whose files are of several split
groups, as a question can be in one split only. The driver is asked for where bronze.modules has it; else where it is
from.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
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


class _Place(NamedTuple):
    row: Row
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


def message_questions(rows: Iterable[Row], entities: Entities) -> Iterator[Text]:
    """Questions about the messages of all files.

    Args:
        rows: doc_id, source, path, version, licence of documents, and what was `noted` of each as `note`.
        entities: the split groups, and what files are built into.
    """
    places: dict[str, list[_Place]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row["path"], row["source"], row["doc_id"])):
        for level, format_ in json.loads(row["note"]):
            places[skeleton(format_)].append(_Place(row, level, format_))
    first: dict[str, list[list[_Place]]] = defaultdict(list)
    for alike in places.values():
        paths = {place.row["path"] for place in alike}
        if len(paths) <= MOST_FILES and (len(paths) == 1 or len({entities.of_source(path) for path in paths}) == 1):
            first[alike[0].row["doc_id"]].append(alike)
    for of_file in first.values():
        for alike in sorted(of_file, key=lambda alike: (-len(alike[0].format), alike[0].format))[:MOST_A_FILE]:
            yield from _questions(alike, entities)


def _questions(places: list[_Place], entities: Entities) -> Iterator[Text]:
    row, level, format_ = places[0]
    message = shown(format_)
    if message is None:
        return
    paths = list(dict.fromkeys(place.row["path"] for place in places))
    targets = {path: target for path in paths if (target := entities.target(path))}
    drivers = sorted({target.name for target in targets.values() if target.how == "module"})
    asks_driver = [target.how for target in targets.values()] == ["module"] * len(paths)
    of_drivers = _DRIVER_ANSWERS if len(drivers) == 1 else _DRIVERS_ANSWERS
    wordings = of_drivers if asks_driver else _SOURCE_ANSWERS
    wording = wordings[xxhash.xxh3_64_intdigest(format_.encode()) % len(wordings)]
    answer = wording.format(drivers=listed(drivers), files=listed(paths), level=level)
    if not asks_driver:
        answer += _when_built([targets.get(path) for path in paths])
    kind = "message_driver" if asks_driver else "message_source"
    provenance = Provenance.of_document(row, format_, entities.of_source(row["path"]))
    yield from questions(
        *(kind, provenance, f"{row['path']}#message {format_}", answer),
        context=f"{', '.join(paths)}: {format_}",
        action=f"modinfo {drivers[0]}" if asks_driver else f"dmesg --level={level}",
        asked={"message": message},
    )


def _when_built(targets: list[Target | None]) -> str:
    """What the Makefiles say of files that are no driver's."""
    if len(targets) == 1 and targets[0] and targets[0].symbol:
        return f" That file is built when CONFIG_{targets[0].symbol} is set."
    fixed = all(target is not None and target.how == "fixed" for target in targets)
    return " That is always built into the kernel." if fixed else ""
