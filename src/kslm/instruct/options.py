"""Questions about the options of commands, from their manual pages.

An option is asked about by one of its names, the first long one, and answered with all of its forms. Left out: how to
ask a command for its help or version, which tells nothing about it, descriptions that only refer to another place, that
have not two words (a row of a table) or end where a list begins, and options that share their description with an
earlier one of the page. Where a page describes an option twice (a summary, then a section), the longer description
counts. Narrow: pages are read one at a time, so an option that several pages of a package describe in the same words
(LVM's common options) is asked about for each of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kslm.instruct.manuals import SHORTEST_DESCRIPTION
from kslm.instruct.question import Provenance, questions
from kslm.knowledge.entities import Entities, Row
from kslm.sources.man.names import command_of, page_of
from kslm.sources.man.options import man_options, spellings
from kslm.texts import Text, sentence, shortened

LONGEST_OPTION = 500
"""Characters of an option's description."""

LONGEST_SUMMARY = 80
"""Characters of a description in short."""

FEWEST_WORDS = 2
"""Different words of a description."""

_WORD = re.compile(r"[A-Za-z]{3,}")
_OF_ITSELF = re.compile(r"--?(?:(?:\w+-?)?help(?:-\w+)?|version|usage|man|\?)")
_MAYBE_OF_ITSELF = frozenset(("-h", "-H", "-v", "-V"))
_TELLS_OF_ITSELF = re.compile(r".{0,50}\b(?:help|version|usage)\b.{0,50}", re.IGNORECASE | re.DOTALL)
_ONLY_REFERS = re.compile(
    r"(?:For [^.]{1,60}, )?(?:please )?see\b(?:[^.]|\.(?!\s))*\.?(?: This option is \w+\.)?", re.IGNORECASE
)


def options(row: Row, text: str, entities: Entities) -> Iterator[Text]:
    """What each option of a command's page does, as far as its first sentences."""
    page = page_of(row["path"])
    command = command_of(page, text) if page else None
    if page is None or command is None:
        return
    for option, (forms, said) in _described(text).items():
        provenance = Provenance.of_document(row, option, f"man:{page}")
        yield from questions(
            *("page_option", provenance, f"{row['path']}#option {option}", f"{command} {forms}: {sentence(said)}"),
            context=f"{command}({page.section}) {forms}: {shortened(said, LONGEST_SUMMARY)}",
            action=f"man {page.section} {page.name}",
            asked={"option": option, "name": command},
            told={"forms": forms, "described": shortened(said, LONGEST_SUMMARY)},
        )


def _described(text: str) -> dict[str, tuple[str, str]]:
    """The options of a page worth asking about: the name to ask by, to its forms and the longest description."""
    found: dict[str, tuple[str, str]] = {}
    for forms, description in man_options(text):
        said = shortened(description, LONGEST_OPTION)
        if (names := spellings(forms)) and _tells(names, said):
            option = next((name for name in names if name.startswith("--")), names[0])
            if option not in found or len(said) > len(found[option][1]):
                found[option] = (forms, said)
    first = {said: option for option, (_, said) in reversed(found.items())}
    return {option: kept for option, kept in found.items() if first[kept[1]] == option}


def _tells(names: list[str], said: str) -> bool:
    """Whether a description says what the option does."""
    words = {word.lower() for word in _WORD.findall(said)}
    if len(words) < FEWEST_WORDS or said.endswith(":"):
        return False
    if len(said) < SHORTEST_DESCRIPTION or _ONLY_REFERS.fullmatch(said) or any(map(_OF_ITSELF.fullmatch, names)):
        return False
    return _MAYBE_OF_ITSELF.isdisjoint(names) or _TELLS_OF_ITSELF.fullmatch(said) is None
