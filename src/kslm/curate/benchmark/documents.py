"""Items whose answers are in documents, made of the typed fields of gold.instructions."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from kslm.curate.benchmark.item import Item, loading, most_frequent
from kslm.knowledge.entities import Row
from kslm.sources.man.options import spellings

ASKED = ("item_id", "kind", "fields", "fact_table", "fact_key", "fact_version", "split", "split_group")
"""Columns of gold.instructions that items are made from."""

SHORTEST_TASK = 18
"""Characters of what a command or an option is described as."""

_VAGUE = re.compile(
    r"(?i)(?:takes (?:an? )?boolean|ignored|(?:the )?same as|like -|(?:is )?(?:an? )?(?:synonym|alias)|no-?op\b)"
)

_Fields = Mapping[str, str]
_Place = tuple[str, str, str | None, str]


def _module(fields: _Fields, place: _Place) -> Item:
    asked = f"Which command loads the module that {fields['symbol']}=m builds?"
    guess = f"modprobe {fields['symbol'].removeprefix('CONFIG_').lower()}"
    return Item("installation_steps", asked, loading(fields["module"]), {"name_in_question": guess}, *place)


def _package(fields: _Fields, place: _Place) -> Item:
    name, package = fields["name"], fields["package"]
    asked = f"{name}: command not found. How do I install it on Debian?"
    guess = {"name_in_question": f"apt install {name}"}
    return Item("installation_steps", asked, [f"apt install {package}", package], guess, *place)


def _config_file(fields: _Fields, place: _Place) -> Item:
    file, package = fields["file"], fields["package"]
    asked = f"Which command installs the Debian package that {file} is from?"
    guess = {"name_in_question": f"apt install {file.split('/')[2]}"}
    return Item("installation_steps", asked, [f"apt install {package}", package], guess, *place)


def _example(fields: _Fields, place: _Place) -> Item:
    task = fields["task"]
    return Item("command_completion", f"Which command does this: {task}?", [fields["typed"]], {}, *place, task)


def _option(fields: _Fields, place: _Place) -> Item:
    forms, described = fields["forms"], fields["described"]
    asked = f'Which option of {fields["name"]} is described as "{described}"?'
    return Item("command_completion", asked, [forms, *spellings(forms)], {}, *place, described)


def _page(fields: _Fields, place: _Place) -> Item | None:
    """None of a page that is no command's."""
    if "command" not in fields:
        return None
    described = fields["described"]
    asked = f'Which command is described as "{described.rstrip(".")}"?'
    return Item("command_completion", asked, [fields["command"]], {}, *place, described)


_Maker = Callable[[_Fields, _Place], Item | None]
_MAKERS: Mapping[str, _Maker] = {
    **{"symbol_module": _module, "module_symbol": _module},
    "page_install": _package,
    **{"file_owner": _config_file, "file_missing": _config_file, "file_changed": _config_file},
    "task": _example,
    "page_option": _option,
    **{"page_what": _page, "page_find": _page},
}
"""By kind of question, what it asks as an item; those of one maker are guessed from one another."""
KINDS = tuple(_MAKERS)
"""Kinds of question that items are made of."""


class _Question(NamedTuple):
    split: str
    maker: _Maker
    item: Item


def from_instructions(instructions: Iterable[Row]) -> Iterator[Item]:
    """Items of split test, each with the most frequent answer that training gives to its like.

    Args:
        instructions: rows of gold.instructions, splits train and test: the columns ASKED.
    """
    questions = [question for row in instructions if (question := _question_of(row))]
    counts: dict[_Maker, Counter[str]] = defaultdict(Counter)
    for split, maker, item in questions:
        if split == "train":
            counts[maker][item.answers[0]] += 1
    guesses = {maker: most_frequent(answers) for maker, answers in counts.items()}
    for _, maker, item in _telling(questions):
        yield item._replace(baselines={"most_frequent": guesses.get(maker, ""), **item.baselines})


def _question_of(row: Row) -> _Question | None:
    maker = _MAKERS.get(row["kind"])
    fields: dict[str, Any] = dict(row["fields"])
    place = (row["fact_table"], row["fact_key"], row["fact_version"], row["split_group"])
    item = maker(fields, place) if maker else None
    return _Question(row["split"], maker, item) if maker and item else None


def _telling(questions: Iterable[_Question]) -> Iterator[_Question]:
    """Those of split test with one answer that no training text gives away in the same words."""
    by_split: dict[str, list[_Question]] = {"train": [], "test": []}
    for question in questions:
        by_split[question.split].append(question)
    trained = {(item.described, item.answers[0]) for _, _, item in by_split["train"]}
    answers: dict[str, set[str]] = defaultdict(set)
    for _, _, item in by_split["test"]:
        answers[item.question].add(item.answers[0])
    for question in by_split["test"]:
        item = question.item
        vague = len(item.described) < SHORTEST_TASK or _VAGUE.match(item.described)
        if item.task != "command_completion" or not (
            vague or (item.described, item.answers[0]) in trained or len(answers[item.question]) > 1
        ):
            yield question
