"""Questions about what the kernel logs, of the messages noted in its files.

The same words may stand in many files, so messages are brought together by the engine: whether one is asked about
follows from all places where it stands (`kslm.instruct.kernel_messages`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from kslm.curate.records import TEXTS
from kslm.instruct.kernel_messages import MOST_A_FILE, MOST_FILES, Place, placed, questions_about
from kslm.knowledge.entities import Entities
from kslm.lake.arrow import to_batch
from kslm.lake.tables import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_COLUMNS = ", ".join(f"{name} INT" if name == "number" else name for name in Place._fields)
_PLACES = Table.of("scratch.places", "skeleton", f"skeleton, split_group, size INT, {_COLUMNS}")


def message_texts(notes: DataFrame, entities: Entities) -> DataFrame:
    """Questions about the messages of all files, as TEXTS.

    Args:
        notes: doc_id, source, path, version, licence of C files, and what was noted of each as `note`.
        entities: the split groups, and what files are built into.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    places = notes.mapInArrow(partial(place_rows, entities=entities), _PLACES.ddl)
    told = (
        places.groupBy("skeleton")
        .agg(
            F.count_distinct("path").alias("paths"),
            F.min("split_group").alias("least"),
            F.max("split_group").alias("most"),
        )
        .where((F.col("paths") <= MOST_FILES) & (F.col("least") == F.col("most")))
        .select("skeleton")
    )
    alike = told.join(places, "skeleton").groupBy("skeleton")
    asked = alike.agg(F.sort_array(F.collect_list(F.struct(*Place._fields, "size"))).alias("places"))
    first = F.col("places").getItem(0)
    columns = [first.getField(name).alias(f"_{name}") for name in ("doc_id", "size", "format")]
    longest = Window.partitionBy("_doc_id").orderBy(F.col("_size").desc(), "_format")
    chosen = asked.select("places", *columns).withColumn("rank", F.row_number().over(longest))
    chosen = chosen.where(F.col("rank") <= MOST_A_FILE).select("places")
    return chosen.mapInArrow(partial(question_rows, entities=entities), TEXTS.ddl)


def place_rows(batches: Iterable[pa.RecordBatch], *, entities: Entities) -> Iterator[pa.RecordBatch]:
    """Files' notes to one row a message, with its skeleton and its file's group; for mapInArrow."""
    for batch in batches:
        rows = [
            (skeleton, entities.of_source(place.path), len(place.format), *place)
            for row in batch.to_pylist()
            for skeleton, place in placed(row)
        ]
        yield to_batch(rows, _PLACES)


def question_rows(batches: Iterable[pa.RecordBatch], *, entities: Entities) -> Iterator[pa.RecordBatch]:
    """Places of one message a row, in order, to rows of TEXTS; for mapInArrow."""
    for batch in batches:
        found = [
            [Place(*(place[name] for name in Place._fields)) for place in of_one]
            for of_one in batch.column("places").to_pylist()
        ]
        yield to_batch([text for places in found for text in questions_about(places, entities)], TEXTS)
