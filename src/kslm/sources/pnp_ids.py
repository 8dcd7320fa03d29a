"""Reader of pnp.ids: the three letters a maker of displays or ISA Plug-and-Play devices has in UEFI's registry.

Grammar: `AAA<TAB>Maker's name`, one a line. Irregularities: a few identities are digits or lower case, some have blanks
around the tab, names hold non-breaking blanks and typographic quotes; comments start with #. A later line of an
identity that was given already is a correction of the registry, and both are yielded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kslm.sources.records import Bad

_LINE = re.compile(r"([A-Za-z0-9@]{3})[ ]*\t\s*(\S.*)")


@dataclass(frozen=True)
class PnpId:
    """One maker: its identity in upper case, its name with blanks folded, its line (from 1)."""

    identity: str
    name: str
    line: int


def parse(text: str, path: str) -> Iterator[PnpId | Bad]:
    """Every line as a record, or as a finding when it is neither an identity, a comment nor blank. Never raises."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match:
            yield PnpId(match[1].upper(), " ".join(match[2].split()), number)
        else:
            yield Bad.of(path, number, "not an identity, a tab and a name", line)


def document(text: str) -> str:
    """The makers as one sentence a line: "PnP vendor DEL is Dell Inc."."""
    return "\n".join(
        f"PnP vendor {row.identity} is {row.name.rstrip('.')}." for row in parse(text, "") if isinstance(row, PnpId)
    )
