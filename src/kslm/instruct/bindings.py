"""Questions about device-tree compatibles: which hardware a string names, and where its binding is.

What the root node may be, a binding lists by the hundred under the chip maker's name: of such a board it is asked only
where it is listed, unless a remark says what it is. Not asked about are compatibles of no one device (`syscon`,
`simple-mfd`, `arm,primecell`): many bindings list them, each with a title of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kslm.instruct.question import Provenance, questions
from kslm.knowledge.entities import Entities, Row
from kslm.sources.kernel.dt_binding import Binding, Compatible, compatibles
from kslm.texts import Text, listed, sentence

_GENERIC = re.compile(
    r"syscon|simple-(?:mfd|bus|pm-bus)|panel-lvds|arm,primecell|snps,dw(?:mac(?:-.*)?|c3|-pcie)|jedec,ufs-.*"
)


def bindings(row: Row, binding: Binding, entities: Entities) -> Iterator[Text]:
    """What each compatible of a binding is."""
    group = entities.of_binding(row["path"], row["text"])
    for one in compatibles(binding):
        if _GENERIC.fullmatch(one.name):
            continue
        key = f"{row['doc_id']}#{one.name}"
        fact = Provenance("bronze.documents", key, row["version"], group, row["source"], row["licence"])
        yield from questions(
            *("compatible" if one.remark or not one.of_root else "compatible_where", fact, f"{row['path']}#{one.name}"),
            " ".join([*_answer(one, entities), f"See {row['path']}."]),
            context=f"{one.name}: {one.remark or one.title}",
            action=f"grep -rl {one.name} /proc/device-tree",
            asked={"compatible": one.name},
        )


def _answer(one: Compatible, entities: Entities) -> Iterator[str]:
    title = sentence(one.title).rstrip(".")
    if one.of_root:
        yield f'{one.name} is in the list of boards and chips "{title}".'
    else:
        yield f'{one.name} is described by the binding "{title}".'
    if one.remark:
        yield sentence(f"The binding says of it: {one.remark}")
    maker, comma, _ = one.name.partition(",")
    if comma and maker in entities.vendors:
        yield sentence(f"The vendor {maker} is {entities.vendors[maker]}")
    if one.general:
        yield f"The more general {listed(one.general)} may follow it."
