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
    for option, (forms, description) in _described(text).items():
        provenance = Provenance.of_document(row, option, f"man:{page}")
        yield from questions(
            *("page_option", provenance, f"{row['path']}#option {option}"),
            f"{command} {forms}: {sentence(description)}",
            context=f"{command}({page.section}) {forms}: {shortened(description, LONGEST_SUMMARY)}",
            action=f"man {page.section} {page.name}",
            asked={"option": option, "name": command},
            told={"forms": forms, "described": shortened(description, LONGEST_SUMMARY)},
        )


def _described(text: str) -> dict[str, tuple[str, str]]:
    """The options of a page worth asking about: the name to ask by, to its forms and the longest description."""
    longest: dict[str, tuple[str, str]] = {}
    for forms, paragraph in man_options(text):
        description = shortened(paragraph, LONGEST_OPTION)
        if (names := spellings(forms)) and _tells(names, description):
            option = next((name for name in names if name.startswith("--")), names[0])
            if option not in longest or len(description) > len(longest[option][1]):
                longest[option] = (forms, description)
    first = {description: option for option, (_, description) in reversed(longest.items())}
    return {option: described for option, described in longest.items() if first[described[1]] == option}


def _tells(names: list[str], description: str) -> bool:
    """Whether a description says what the option does."""
    words = {word.lower() for word in _WORD.findall(description)}
    if len(words) < FEWEST_WORDS or len(description) < SHORTEST_DESCRIPTION or description.endswith(":"):
        return False
    if _ONLY_REFERS.fullmatch(description) or any(map(_OF_ITSELF.fullmatch, names)):
        return False
    return _MAYBE_OF_ITSELF.isdisjoint(names) or _TELLS_OF_ITSELF.fullmatch(description) is None
