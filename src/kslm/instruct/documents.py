"""Questions from one row of bronze.documents, made where its text is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from kslm.instruct.bindings import bindings
from kslm.instruct.commands import config_files, examples, readmes
from kslm.instruct.kconfig import symbols
from kslm.instruct.manuals import pages
from kslm.instruct.messages import explained
from kslm.instruct.options import options
from kslm.knowledge.entities import Entities, Row
from kslm.texts import Text


def _manual(row: Row, entities: Entities) -> Iterator[Text]:
    yield from pages(row, entities)
    yield from options(row, entities)


_GENERATORS: Mapping[str, Callable[[Row, Entities], Iterator[Text]]] = {
    "kconfig": symbols,
    "dt_binding": bindings,
    "man": _manual,
    "catalog": explained,
    "tldr": examples,
    "config": config_files,
    "readme_debian": readmes,
}


def from_document(row: Row, entities: Entities) -> Iterator[Text]:
    """The questions that a document's kind allows; none for prose."""
    generator = _GENERATORS.get(row["kind"])
    if generator is not None:
        yield from generator(row, entities)
