"""Items whose answers are in documents, made of the typed fields of gold.instructions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from kslm.curate.benchmark.item import Item, loading
from kslm.knowledge.entities import Row
from kslm.lake.arrow import to_batch
from kslm.lake.tables import Table
from kslm.sources.man.options import spellings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

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


_ASKED = Table.of(
    "scratch.asked",
    "number",
    "number, split, maker, task, question, described, answer, split_group, vague BOOLEAN, item_id, item",
)
"""A question of gold.instructions as an item: `number` is its item_id there, `item_id` the one of gold.benchmark."""


def from_instructions(instructions: DataFrame, *, largest: int, most_of_page: int) -> Iterator[Item]:
    """Items of split test, each with the most frequent answer that training gives to its like.

    What comes back to this process is no more than can be asked, however much is known.

    Args:
        instructions: rows of gold.instructions, splits train and test: the columns ASKED.
        largest: the first items of a task by their id.
        most_of_page: the first items of a manual page in a task.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    asked = instructions.select(*ASKED).mapInArrow(item_rows, _ASKED.ddl)
    trained, test = asked.where("split = 'train'"), asked.where("split = 'test'")
    often = Window.partitionBy("maker").orderBy(F.col("times").desc(), "answer")
    answers = trained.groupBy("maker", "answer").agg(F.count(F.lit(1)).alias("times"))
    first = answers.withColumn("rank", F.row_number().over(often)).where("rank = 1").collect()
    guesses = {row["maker"]: row["answer"] for row in first}
    newest = Window.partitionBy("item_id").orderBy(F.col("number").desc())
    of_page = Window.partitionBy("task", "split_group").orderBy("item_id")
    of_task = Window.partitionBy("task").orderBy("item_id")
    rows = (
        _telling(trained, test)
        .withColumn("rank", F.row_number().over(newest))
        .where("rank = 1")
        .withColumn("rank", F.row_number().over(of_page))
        .where((F.col("rank") <= most_of_page) | ~F.col("split_group").startswith("man:"))
        .withColumn("rank", F.row_number().over(of_task))
        .where(F.col("rank") <= largest)
    )
    for row in rows.select("maker", "item").collect():
        item = Item(**json.loads(row["item"]))
        yield item._replace(baselines={"most_frequent": guesses.get(row["maker"], ""), **item.baselines})


def item_rows(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Columns ASKED of gold.instructions to rows of _ASKED; for mapInArrow."""
    for batch in batches:
        yield to_batch([row for asked in batch.to_pylist() if (row := _row_of(asked))], _ASKED)


def _row_of(row: Row) -> tuple[Any, ...] | None:
    maker = _MAKERS.get(row["kind"])
    fields: dict[str, Any] = dict(row["fields"])
    place = (row["fact_table"], row["fact_key"], row["fact_version"], row["split_group"])
    item = maker(fields, place) if maker else None
    if maker is None or item is None:
        return None
    vague = len(item.described) < SHORTEST_TASK or bool(_VAGUE.match(item.described))
    told = (item.task, item.question, item.described, item.answers[0], item.group, vague, item.item_id)
    return row["item_id"], row["split"], maker.__name__, *told, json.dumps(item._asdict())


def _telling(trained: DataFrame, test: DataFrame) -> DataFrame:
    """Those of split test with one answer that no training text gives away in the same words."""
    from pyspark.sql import functions as F  # noqa: N812

    completes = "task = 'command_completion'"
    several = test.groupBy("question").agg(F.min("answer").alias("first"), F.max("answer").alias("last"))
    told = trained.select("described", "answer").distinct()
    asked = (
        test.where(f"{completes} AND NOT vague")
        .join(told, ["described", "answer"], "left_anti")
        .join(several.where("first < last").select("question"), "question", "left_anti")
    )
    return test.where(f"NOT ({completes})").unionByName(asked.select(*_ASKED.columns))
