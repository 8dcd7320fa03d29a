"""Kconfig files as a tree: each entry with the `if` blocks and menus that are around where its file is sourced.

Documentation/kbuild/kconfig-language.rst, `source`: the file is read in its place, so blocks around it hold for what is
in it. A file that is sourced in several places (each architecture's file sources some) needs what all of them ask for.

Narrow: a path with a variable, as in `source "arch/$(SRCARCH)/Kconfig"`, is not followed; in the kernel nothing is
around it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from kslm.sources.kernel.kconfig import ConfigEntry, Sourced, read


def entries(texts: Mapping[str, str]) -> Iterator[tuple[str, ConfigEntry]]:
    """Every entry of a tree with its file's path, in order of path and line; each file is read once.

    Args:
        texts: path in the kernel tree to text of each Kconfig file.
    """
    files = {path: list(read(texts[path])) for path in sorted(texts)}
    around = _surroundings(files)
    for path, statements in files.items():
        outer = around.get(path, ())
        for entry in statements:
            if isinstance(entry, ConfigEntry):
                yield path, replace(entry, around=(*outer, *entry.around))


def _surroundings(files: Mapping[str, Sequence[ConfigEntry | Sourced]]) -> dict[str, tuple[str, ...]]:
    """What is asked for around each file, outermost first."""
    places: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for path, statements in files.items():
        for statement in statements:
            if isinstance(statement, Sourced) and "$" not in statement.path:
                relative = statement.keyword in ("rsource", "orsource")
                target = str(PurePosixPath(path).parent / statement.path) if relative else statement.path
                places[target].append((path, statement.around))
    settled: dict[str, tuple[str, ...]] = {}
    for path in files:  # what a cycle gives depends on where it is entered
        _settle(path, places, settled)
    return settled


def _settle(
    path: str, places: Mapping[str, Sequence[tuple[str, tuple[str, ...]]]], settled: dict[str, tuple[str, ...]]
) -> None:
    """Settle a file and the files that it is sourced by, these first; without recursion, for any depth."""
    waiting = [path]
    entered: set[str] = set()
    while waiting:
        file = waiting[-1]
        outer = [parent for parent, _ in places.get(file, ()) if parent not in settled and parent not in entered]
        if file not in settled and file not in entered and outer:
            entered.add(file)
            waiting += outer
            continue
        waiting.pop()
        if file not in settled:
            first, *others = [(*settled.get(parent, ()), *around) for parent, around in places.get(file, ())] or [()]
            common = set(first).intersection(*others)
            settled[file] = tuple(dict.fromkeys(condition for condition in first if condition in common))
