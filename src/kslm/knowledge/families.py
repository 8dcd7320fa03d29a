"""What is one driver, in a kernel tree: folders and modules grouped by place, name and need.

Rules of thumb, each bounded so that groups stay drivers and do not grow into subsystems; `kslm.knowledge.entities` says
what they are for. On Debian's 4,250 modules of Linux 6.1 they make some 3,300 groups.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

_OWN_MODULES = 4
"""Modules a folder may have and still be one driver's, and that may be of one family within a shared folder."""
_FAMILY_UNITS = 6
"""Units the first part of a module's name may occur in and still mean a driver: mlx5 does, snd does not."""


def units_of(homes: Mapping[str, str]) -> dict[str, str]:
    """Module to its unit: its folder or, where many share that, folder and family.

    A family is as much of the names' beginning as at most _OWN_MODULES of the folder have in common.
    """
    sizes: Counter[str] = Counter()
    for module, home in homes.items():
        sizes.update([home, *(f"{home}/{start}" for start in _starts(module))])
    return {
        module: home
        if sizes[home] <= _OWN_MODULES
        else next((unit for start in _starts(module) if sizes[unit := f"{home}/{start}"] <= _OWN_MODULES), home)
        for module, home in homes.items()
    }


def _starts(name: str) -> Iterator[str]:
    """The beginnings of a name at its underscores, shortest first, and the name."""
    parts = name.split("_")
    return ("_".join(parts[:count]) for count in range(1, len(parts) + 1))


def related(
    needs: Mapping[str, Iterable[str]], homes: Mapping[str, str], units: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Units of modules that need each other and are one driver, by their place or their names.

    Args:
        needs: module to the modules it depends on.
        homes: module to the folder it is built in.
        units: module to its unit.
    """
    families: dict[str, set[str]] = defaultdict(set)
    for module, unit in units.items():
        families[module.partition("_")[0]].add(unit)
    for module, needed_ones in needs.items():
        family = module.partition("_")[0]
        for needed in needed_ones:
            if needed not in homes:
                continue
            outer = homes[needed]
            nested = outer == units[needed] and outer.count("/") >= 3 and homes[module].startswith(f"{outer}/")
            alike = family == needed.partition("_")[0] and len(family) >= 3
            if nested or (alike and len(families[family]) <= _FAMILY_UNITS):
                yield units[module], units[needed]


def trees_of(homes: Mapping[str, str], groups: Mapping[str, str]) -> dict[str, str]:
    """Folders below which everything is of one driver, to group.

    Those around modules of one group, and those well inside a subsystem with few modules of their own.
    """
    built = Counter(homes.values())
    around: dict[str, set[str]] = defaultdict(set)
    own: dict[str, str] = {}
    for module, home in homes.items():
        if not home.startswith("module:"):
            own[home] = groups[module]
            for folder in upwards(home):
                around[folder].add(groups[module])
    trees = {
        folder: min(inside)
        for folder, inside in around.items()
        if len(inside) == 1 and folder.count("/") >= (2 if folder in own else 3)
    }
    few = {home: group for home, group in own.items() if built[home] <= _OWN_MODULES and home.count("/") >= 3}
    return few | trees


def last_names(folders: Mapping[str, str]) -> dict[str, str]:
    """Last parts of folders' names that mean one group only."""
    named: dict[str, set[str]] = defaultdict(set)
    for folder, group in folders.items():
        named[PurePosixPath(folder).name.replace("-", "_")].add(group)
    return {name: next(iter(groups)) for name, groups in named.items() if len(groups) == 1}


def upwards(folder: str) -> Iterator[str]:
    """The folder and those it is in, from the inside out."""
    pure = PurePosixPath(folder)
    yield folder
    yield from (str(parent) for parent in pure.parents)


class Union:
    """Union-find whose representative is the smallest name, whatever the order of joins."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def root(self, node: str) -> str:
        """The representative of a node's group; itself, where it was never joined."""
        while (parent := self._parent.get(node, node)) != node:
            self._parent[node] = self._parent.get(parent, parent)
            node = parent
        return node

    def join(self, left: str, right: str) -> None:
        """Make one group of two."""
        first, second = sorted((self.root(left), self.root(right)))
        self._parent.update({first: first, second: first})

    def roots(self) -> dict[str, str]:
        """Every node that was joined, to its representative."""
        return {node: self.root(node) for node in self._parent}
