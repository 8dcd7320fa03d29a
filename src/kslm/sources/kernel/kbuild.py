r"""Which object a kernel's C file is built into, from the tree's own Makefiles.

Grammar, as Documentation/kbuild/makefiles.rst has it, of what is read:

    obj-$(CONFIG_X) += foo.o dir/     foo.o is built in or a module, as CONFIG_X says; so is what `dir/Makefile` lists
    obj-y, obj-m, lib-y               the same without a choice
    foo-y, foo-objs, foo-m            what foo.o consists of; without these it is foo.c or foo.S alone
    foo-$(CONFIG_Y) += b.o            a part of it that CONFIG_Y asks for
    NAME = a.o b.o, $(NAME)           lists and folders by name, with $(addprefix p,...) and $(addsuffix s,...)
    include FILE                      read as if it stood there; `Kbuild` is preferred to `Makefile`

with ${NAME} for $(NAME), `\` at the end of a line going on in the next, and `#` for comments. $(src), $(obj) and
$(srctree) are known.

Irregular: conditions (ifeq, ifdef) are not decided, both branches count; other functions of make give nothing; lists
are put together after everything was read, whatever the operator; within a longer word a name stands for what it was
given last. A file that is part of several objects counts for the first of them by name. Names that stand for more words
than any Makefile's do (`_MOST_WORDS`) are followed no further.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

_LINE = re.compile(
    r"[ \t]*+(?:-?include[ \t]++(?P<file>.++)"
    r"|(?P<name>(?:[^\s:=+?#$()]|\$\((?:[^()=\n]|\([^()=\n]*+\))*+\))++)[ \t]*+(?:[+?]|:{1,3})?=(?P<value>.*+))"
)
_BRACES = re.compile(r"\$\{([^{}()$]*+)\}")
_CHOICE = re.compile(r"(?P<list>[^$]*?)-?\$\(.*\bCONFIG_(?P<symbol>\w+)\)+")
_INSIDE = r"(?:[^()]|\((?:[^()]|\([^()]*+\))*+\))*+"
_WORD = re.compile(rf"(?:[^\s$()]|\$(?!\()|\$\({_INSIDE}\))++")
_CALL = re.compile(rf"\$\(({_INSIDE})\)")
_AFFIX = re.compile(r"(addprefix|addsuffix)\s+([^,]*),(.*)", re.DOTALL)
_PARTS = ("y", "objs", "m")
_ELSEWHERE = ("Documentation/", "rust/", "samples/", "scripts/", "tools/", "usr/")
_MOST_WORDS = 20_000
"""That the names of one Makefile may stand for together; the tree's longest, amdgpu's, come to 2,200."""
_LONGEST_WORD = 250
_DEEPEST = 50


class Built(NamedTuple):
    """What a source file ends up in.

    Attributes:
        name: of the object, and of the module if it is one, as in file names: `snd-hda-intel`.
        folder: where the object is built, which is its Makefile's.
        symbol: the option that asks for the file, without CONFIG_; None where nothing does.
        fixed: whether it is always built in, as far as its own Makefile says.
    """

    name: str
    folder: str
    symbol: str | None
    fixed: bool


class _Word(NamedTuple):
    text: str
    symbol: str | None


def is_makefile(path: str) -> bool:
    """Whether a file of the tree may say what is built into the kernel; the outermost only names folders."""
    return "/" in path and path.rpartition("/")[2] in ("Makefile", "Kbuild") and in_kernel(path)


def in_kernel(path: str) -> bool:
    """Whether a file may become part of a kernel, as the tree's programs and samples do not."""
    return not path.startswith(_ELSEWHERE)


def built(makefiles: Mapping[str, str]) -> dict[str, Built]:
    """Source file without its suffix (`drivers/net/tun`) to what it is built into.

    Args:
        makefiles: path in the tree to text.
    """
    folders = sorted({posixpath.dirname(path) for path in makefiles if is_makefile(path)})
    lists = {folder: _Lists(folder, makefiles) for folder in folders}
    asked = {path: symbol for folder in folders for path, symbol in lists[folder].folders()}
    targets: dict[str, Built] = {}
    for folder in folders:
        around = next((asked[up] for up in _upwards(folder) if asked.get(up)), None)
        for path, here in lists[folder].files():
            target = here._replace(symbol=here.symbol or around)
            targets[path] = min(targets.get(path, target), target, key=_rank)
    return targets


def by_option(targets: Mapping[str, Built]) -> dict[str, str]:
    """Kconfig symbol, without CONFIG_, to the names of what is built for it, of `built`; with a blank between."""
    by_symbol: dict[str, set[str]] = {}
    for target in targets.values():
        if target.symbol:
            by_symbol.setdefault(target.symbol, set()).add(target.name)
    return {symbol: " ".join(sorted(names)) for symbol, names in by_symbol.items()}


def _rank(target: Built) -> tuple[bool, str, str, str]:
    return (target.fixed, target.name, target.folder, target.symbol or "")


def _upwards(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = posixpath.dirname(folder)


class _Lists:
    """What a folder's Makefile assigns; a name with a choice at its end goes with the one that ends in y."""

    def __init__(self, folder: str, makefiles: Mapping[str, str]) -> None:
        here = _Word(folder or ".", None)
        self._folder = folder
        self._given: dict[str, list[_Word]] = {"src": [here], "obj": [here], "srctree": [_Word(".", None)]}
        self._known: dict[str, list[_Word]] = {}
        self._read_files: set[str] = set()
        self._depth = 0
        self._room = _MOST_WORDS
        paths = (posixpath.join(folder, name) for name in ("Kbuild", "Makefile"))
        self._read(next(path for path in paths if path in makefiles), makefiles)

    def files(self) -> Iterator[tuple[str, Built]]:
        """Source files, without suffix, of each object built here."""
        for kind in ("obj-y", "obj-m", "lib-y"):
            for word in self._words(kind):
                if word.text.endswith(".o"):
                    for part in self._parts(word.text[:-2]):
                        name, fixed = posixpath.basename(word.text)[:-2], word.symbol is None and kind != "obj-m"
                        yield self._path(part.text), Built(name, self._folder, part.symbol or word.symbol, fixed)

    def folders(self) -> Iterator[tuple[str, str | None]]:
        """Folders that are built from here, and the options that ask for them."""
        for word in self._words("obj-y"):
            if word.text.endswith("/"):
                yield self._path(word.text), word.symbol

    def _path(self, text: str) -> str:
        return posixpath.normpath(posixpath.join(self._folder, text))

    def _parts(self, name: str) -> list[_Word]:
        given = [part for end in _PARTS for part in self._words(f"{name}-{end}")]
        parts = [part._replace(text=part.text[:-2]) for part in given if part.text.endswith(".o")]
        return parts or [_Word(name, None)]

    def _read(self, path: str, makefiles: Mapping[str, str]) -> None:
        self._read_files.add(path)
        for line in _BRACES.sub(r"$(\1)", makefiles[path].replace("\\\n", " ")).split("\n"):
            match = _LINE.match(line) if "=" in line or "include" in line else None
            if match is None:
                continue
            if match["file"] is not None:
                self._known.clear()
                for inner in [posixpath.normpath(word.text) for word in self._expanded(match["file"])]:
                    if inner in makefiles and inner not in self._read_files:
                        self._read(inner, makefiles)
                continue
            choice = _CHOICE.fullmatch(match["name"])
            name, symbol = (f"{choice['list']}-y", choice["symbol"]) if choice else (match["name"], None)
            words = _WORD.findall(match["value"].partition("#")[0])
            self._given.setdefault(name, []).extend(_Word(word, symbol) for word in words)
        self._known.clear()

    def _words(self, name: str) -> list[_Word]:
        """What a name stands for, in full; worked out once, as names may stand for each other many times over."""
        if self._depth > _DEEPEST:
            return []
        if name not in self._known:
            self._known[name] = []  # what a name says of itself is nothing
            self._depth += 1
            expansion = (
                word._replace(symbol=word.symbol or given.symbol)
                for given in self._given.get(name, ())
                for word in self._expanded(given.text)
            )
            words = list(islice(expansion, max(self._room, 0)))
            self._known[name] = words
            self._room -= len(words)
            self._depth -= 1
        return self._known[name]

    def _expanded(self, value: str) -> Iterator[_Word]:
        for text in _WORD.findall(value):
            whole = _CALL.fullmatch(text)
            if whole is None:
                known = _CALL.sub(lambda call: self._last(call[1]), text) if "$(" in text else text
                if len(known) <= _LONGEST_WORD:
                    yield _Word(known, None)
            elif affix := _AFFIX.match(whole[1]):
                added = self._last_of(affix[2])
                for word in self._expanded(affix[3]):
                    yield word._replace(text=added + word.text if affix[1] == "addprefix" else word.text + added)
            else:
                yield from self._words(whole[1])

    def _last(self, name: str) -> str:
        """What a name within a word stands for."""
        words = self._words(name)
        return words[-1].text if words else ""

    def _last_of(self, value: str) -> str:
        words = list(islice(self._expanded(value), 1))
        return words[0].text if words else ""
