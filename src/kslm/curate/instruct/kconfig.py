"""Questions about the kernel's configuration symbols, from Kconfig files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kslm.curate.entities import Entities, Row
from kslm.curate.instruct.question import Fact, questions, shortened
from kslm.curate.records import Text
from kslm.sources import kconfig
from kslm.sources.kconfig import ConfigEntry

_STATES = {"tristate": "y (built in), m (a module) or n", "bool": "y or n"}


def symbols(row: Row, entities: Entities) -> Iterator[Text]:
    """What each symbol with a help text does, how to set it, and the module it builds.

    Symbols defined twice in a file (for two architectures, say) are asked about by their first help text.
    """
    seen: Counter[str] = Counter()
    for entry in kconfig.parse(row["text"]):
        if not entry.name or not entry.help or seen[entry.name]:
            continue
        seen[entry.name] += 1
        group = entities.of_symbol(row["path"], entry.help, entry.name)
        key = f"{row['doc_id']}#CONFIG_{entry.name}"
        fact = Fact("bronze.documents", key, row["version"], group, row["source"], row["licence"])
        yield from _symbol(entry, entry.help, row["path"], fact)


def _symbol(entry: ConfigEntry, help_text: str, file: str, fact: Fact) -> Iterator[Text]:
    symbol = f"CONFIG_{entry.name}"
    place = f"{file}#{symbol}"
    title = f"{symbol}: {entry.prompt}. " if entry.prompt else f"{symbol}: "
    needs = f"It depends on {' && '.join(entry.depends)}." if entry.depends else ""
    action = f"grep {symbol}= /boot/config-$(uname -r)"
    context = f"{symbol}: {entry.prompt or shortened(help_text, 80)}"
    answer = f"{title}{shortened(help_text)} {needs}".rstrip()
    yield from questions("symbol_help", fact, place, answer, context=context, action=action, asked={"symbol": symbol})
    if entry.prompt and len(entry.prompt.split()) > 1 and entry.kind in _STATES:
        menu = f", menu {' / '.join(entry.menus)}," if entry.menus else ""
        parts = [f'Set {symbol} to {_STATES[entry.kind]}; it is in {file}{menu} as "{entry.prompt}".', needs]
        parts.append(f"Look at the present state with: {action}")
        answer, where = " ".join(filter(None, parts)), f"{place}.enable"
        yield from questions(
            "symbol_enable",
            fact,
            where,
            answer,
            context=context,
            action=action,
            asked={"prompt": entry.prompt.rstrip(".?")},
        )
    if entry.module:
        yield from _module(symbol, entry.module, entry.prompt, place, fact)


def _module(symbol: str, module: str, prompt: str | None, place: str, fact: Fact) -> Iterator[Text]:
    context, action = f"{symbol} builds {module}", f"modprobe {module}"
    what = f" ({prompt})" if prompt else ""
    answer = f"{symbol}=m builds the module {module}{what}. Load it with: {action}"
    where = f"{place}.module"
    yield from questions("symbol_module", fact, where, answer, context=context, action=action, asked={"symbol": symbol})
    answer = f"{symbol} builds the {module} module: set it to m, build and install the modules, then: {action}"
    where = f"{place}.option"
    yield from questions("module_symbol", fact, where, answer, context=context, action=action, asked={"module": module})
