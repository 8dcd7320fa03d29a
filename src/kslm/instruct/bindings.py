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
    for compatible in compatibles(binding):
        if _GENERIC.fullmatch(compatible.name):
            continue
        kind = "compatible" if compatible.remark or not compatible.of_root else "compatible_where"
        provenance = Provenance.of_document(row, compatible.name, group)
        yield from questions(
            *(kind, provenance, f"{row['path']}#{compatible.name}"),
            " ".join([*_answer(compatible, entities), f"See {row['path']}."]),
            context=f"{compatible.name}: {compatible.remark or compatible.title}",
            action=f"grep -rl {compatible.name} /proc/device-tree",
            asked={"compatible": compatible.name},
        )


def _answer(compatible: Compatible, entities: Entities) -> Iterator[str]:
    title = sentence(compatible.title).rstrip(".")
    if compatible.of_root:
        yield f'{compatible.name} is in the list of boards and chips "{title}".'
    else:
        yield f'{compatible.name} is described by the binding "{title}".'
    if compatible.remark:
        yield sentence(f"The binding says of it: {compatible.remark}")
    maker, comma, _ = compatible.name.partition(",")
    if comma and maker in entities.vendors:
        yield sentence(f"The vendor {maker} is {entities.vendors[maker]}")
    if compatible.general:
        yield f"The more general {listed(compatible.general)} may follow it."
