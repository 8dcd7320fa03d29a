"""Questions about the options of commands, from their manual pages."""

from __future__ import annotations

from collections.abc import Iterator

from kslm.curate.entities import Entities, Row
from kslm.curate.facts import sentence
from kslm.curate.instruct.manuals import COMMANDS, SHORTEST_DESCRIPTION, page_of
from kslm.curate.instruct.question import Fact, questions, shortened
from kslm.curate.records import Text
from kslm.sources.man_options import man_options

LONGEST_OPTION = 500
"""Characters of an option's description."""


def options(row: Row, entities: Entities) -> Iterator[Text]:
    """What each option of a command's page does, as far as its first sentences."""
    page = page_of(row["path"])
    if page is None or page.section[0] not in COMMANDS:
        return
    seen: set[str] = set()
    for option, description in man_options(row["text"]):
        said = shortened(description, LONGEST_OPTION)
        if option in seen or len(said) < SHORTEST_DESCRIPTION:
            continue
        seen.add(option)
        key, group = f"{row['doc_id']}#{option}", f"man:{page}"
        fact = Fact("bronze.documents", key, row["version"], group, row["source"], row["licence"])
        yield from questions(
            *("page_option", fact, f"{row['path']}#option {option}", f"{page.name} {option}: {sentence(said)}"),
            context=f"{page} {option}: {shortened(said, 80)}",
            action=f"man {page.section} {page.name}",
            asked={"option": option, "name": page.name},
        )
