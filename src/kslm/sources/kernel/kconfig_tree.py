"""What is asked for where a Kconfig file is sourced: the `if` blocks and menus around its `source`, file by file.

Documentation/kbuild/kconfig-language.rst, `source`: the file is read in its place, so blocks around it hold for what is
in it. A file that is sourced in several places (each architecture's file sources some) needs what all of them ask for.

Narrow: a path with a variable, as in `source "arch/$(SRCARCH)/Kconfig"`, is not followed; in the kernel nothing is
around it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from kslm.sources.kernel.kconfig import Sourced, read


def surroundings(texts: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """What is asked for around each file, outermost first; files of which nothing is known are left out.

    Args:
        texts: path in the kernel tree to text of each Kconfig file.
    """
    places: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for path, text in sorted(texts.items()):
        for one in read(text) if "source" in text else ():
            if isinstance(one, Sourced) and "$" not in one.path:
                relative = one.statement in ("rsource", "orsource")
                target = str(PurePosixPath(path).parent / one.path) if relative else one.path
                places[target].append((path, one.around))
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(texts):  # what a cycle gives depends on where it is entered
        _settle(path, places, found)
    return {path: asked for path, asked in found.items() if asked and path in texts}


def _settle(
    path: str, places: Mapping[str, Sequence[tuple[str, tuple[str, ...]]]], found: dict[str, tuple[str, ...]]
) -> None:
    """Fill in `found` for a file and the files that it is sourced by, these first; without recursion, for any depth."""
    waiting = [path]
    entered: set[str] = set()
    while waiting:
        file = waiting[-1]
        outer = [parent for parent, _ in places.get(file, ()) if parent not in found and parent not in entered]
        if file not in found and file not in entered and outer:
            entered.add(file)
            waiting += outer
            continue
        waiting.pop()
        if file not in found:
            asked = [(*found.get(parent, ()), *around) for parent, around in places.get(file, ())]
            common = set(asked[0]).intersection(*asked[1:]) if asked else ()
            found[file] = tuple(dict.fromkeys(one for one in (asked[0] if asked else ()) if one in common))
