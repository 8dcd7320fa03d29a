"""Questions about the kernel's configuration symbols, from Kconfig files.

What a file below arch/ says holds for one architecture: question and answer name it. What a symbol needs
is what its own file and those that source it ask for; of a symbol that a file defines twice it is not said, since one
definition is enough. A symbol without a prompt, which only others select, is not asked about as something that
one is offered or sets. Which module a symbol builds is asked only where its help text names one and no Makefile says
that it is another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from kslm.instruct.question import Provenance, questions
from kslm.knowledge.entities import Entities, Row, module_name
from kslm.sources.kernel import kconfig
from kslm.sources.records import ConfigSymbol
from kslm.texts import Text, sentence, shortened

_ANOTHER = re.compile(r"""(?:\.ko)?["'`>)]*(?:\s+or\s+|(?:,|\s+and|,\s+and)\s+(?=\S*[_\d]))["'`<(]*([\w-]+)""")
"""A second module right after a module's name; "and will be loaded" is none."""
_STATES = {"tristate": "y (built in) or m (a module)", "bool": "y"}


def symbols(row: Row, symbols: Iterable[ConfigSymbol], entities: Entities) -> Iterator[Text]:
    """What each symbol of a Kconfig file with a help text does, how to set it, and the module it builds.

    Symbols defined twice in a file are asked about by their first help text; a prompt that a file has twice is not
    asked about.
    """
    entries = [entry for entry in symbols if entry.name]
    defined = Counter(entry.name for entry in entries)
    prompts = Counter(entry.prompt for entry in entries)
    seen: set[str] = set()
    for entry in entries:
        if not entry.help or entry.name in seen:
            continue
        seen.add(entry.name)
        group = entities.of_symbol(row["path"], entry.help, entry.name)
        provenance = Provenance.of_document(row, f"CONFIG_{entry.name}", group)
        needs = _needs(entry) if defined[entry.name] == 1 else ""
        yield from _symbol(entry, entry.help, needs, row["path"], provenance)
        if entry.prompt and prompts[entry.prompt] == 1 and len(entry.prompt.split()) > 1 and entry.kind in _STATES:
            yield from _enable(entry, entry.prompt, needs, row["path"], provenance)
        if entry.module and _is_sure(entry, entry.help, entry.module, entities):
            yield from _module(entry, entry.module, row["path"], provenance)


def _is_sure(entry: ConfigSymbol, help_text: str, module: str, entities: Entities) -> bool:
    """Whether the help text names this module alone, and the Makefiles, where they tell, this one too."""
    after = re.split(rf"\b{re.escape(module)}(?![\w-])", help_text)[-1]
    next_one = _ANOTHER.match(after)
    others = (next_one[1] if next_one else None, kconfig.module_called(after))
    built = module_name(entities.options.get(entry.name or "", "")).split()
    return all(other in (None, module) for other in others) and (not built or module_name(module) in built)


def _needs(entry: ConfigSymbol) -> str:
    depends = f"It depends on {entry.requires}." if entry.requires else ""
    offered = f"It is offered only with {entry.offered}." if entry.offered else ""
    return " ".join(filter(None, (depends, offered)))


def _symbol(entry: ConfigSymbol, help_text: str, needs: str, file: str, provenance: Provenance) -> Iterator[Text]:
    symbol, architecture = f"CONFIG_{entry.name}", kconfig.architecture(file)
    kind, there = ("_of_architecture", f" on {architecture}") if architecture else ("", "")
    title = sentence(f"{symbol}{there}: {entry.prompt}") if entry.prompt else f"{symbol}{there}:"
    yield from questions(
        *(f"symbol_help{'' if entry.prompt else '_selected'}{kind}", provenance, f"{file}#{symbol}"),
        f"{title} {sentence(shortened(help_text))} {needs}".rstrip(),
        context=f"{symbol}{there}: {entry.prompt or shortened(help_text, 80)}",
        action=_look(symbol),
        asked={"symbol": symbol, "architecture": architecture or ""},
    )


def _enable(entry: ConfigSymbol, prompt: str, needs: str, file: str, provenance: Provenance) -> Iterator[Text]:
    symbol, architecture = f"CONFIG_{entry.name}", kconfig.architecture(file)
    kind, there = ("_of_architecture", f" on {architecture}") if architecture else ("", "")
    menu = f", menu {' / '.join(entry.menus)}," if entry.menus else ""
    parts = [f"{f'For {architecture}, set' if architecture else 'Set'} {symbol} to {_STATES[entry.kind]};"]
    parts += [f'it is in {file}{menu} as "{prompt}".', needs, f"Look at the present state with: {_look(symbol)}"]
    yield from questions(
        *(f"symbol_enable{kind}", provenance, f"{file}#{symbol}.enable", " ".join(filter(None, parts))),
        context=f"{symbol}{there}: {prompt}",
        action=_look(symbol),
        asked={"prompt": prompt.rstrip(".?").replace('"', "'"), "architecture": architecture or ""},
    )


def _look(symbol: str) -> str:
    return f"grep {symbol}= /boot/config-$(uname -r)"


def _module(entry: ConfigSymbol, module: str, file: str, provenance: Provenance) -> Iterator[Text]:
    symbol = f"CONFIG_{entry.name}"
    asked = {"symbol": symbol, "module": module}
    context, action, place = f"{symbol} builds {module}", f"modprobe {module}", f"{file}#{symbol}"
    what = f" ({entry.prompt})" if entry.prompt else ""
    answer = f"{symbol}=m builds the module {module}{what}. Load it with: {action}"
    where = f"{place}.module"
    yield from questions("symbol_module", provenance, where, answer, context=context, action=action, asked=asked)
    answer = f"{symbol} builds the {module} module: set it to m, build and install the modules, then: {action}"
    where = f"{place}.option"
    yield from questions("module_symbol", provenance, where, answer, context=context, action=action, asked=asked)
