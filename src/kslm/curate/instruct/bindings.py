"""Questions about device-tree compatibles: which hardware a string names, and where its binding is."""

from __future__ import annotations

from collections.abc import Iterator

from kslm.curate.entities import Entities, Row
from kslm.curate.facts import sentence
from kslm.curate.instruct.question import Fact, questions
from kslm.curate.records import Text
from kslm.sources.dt_binding import compatibles


def bindings(row: Row, entities: Entities) -> Iterator[Text]:
    """What each compatible of a binding is."""
    seen: set[str] = set()
    group = entities.of_binding(row["path"], row["text"])
    for compatible, title in compatibles(row["text"]):
        if compatible in seen:
            continue
        seen.add(compatible)
        key = f"{row['doc_id']}#{compatible}"
        fact = Fact("bronze.documents", key, row["version"], group, row["source"], row["licence"])
        maker, _, part = compatible.partition(",")
        named = f" The part {part} has the vendor prefix {maker}." if part else ""
        yield from questions(
            *("compatible", fact, f"{row['path']}#{compatible}"),
            f'{compatible} is described by the binding "{sentence(title).rstrip(".")}".{named} See {row["path"]}.',
            context=f"{compatible}: {title}",
            action=f"grep -rl {compatible} /proc/device-tree",
            asked={"compatible": compatible},
        )
