r"""Templates of log messages, mined with Drain, and the parameters that make an event of its template.

A message is first masked: IP and MAC addresses, UUIDs, hexadecimal and decimal numbers, paths, PCI addresses and ids,
and the stand-ins of redaction become `<IP>`, `<NUM>` and so on. Drain (He et al. 2017; the drain3-improved package)
then puts masked messages of one program together, and what still differs becomes `<*>`. Of a message in several lines
the first is mined; the words beyond the first 63 count as one, `<REST>`.

    usb 1-1: new high-speed USB device number 4 using xhci_hcd
    usb <NUM>-<NUM>: new high-speed USB device number <NUM> using xhci_hcd     parameters 1, 1, 4

`fill` gives the first line back, up to the white space in it.

Masking is one expression of alternatives rather than Drain3's list of instructions: one pass, and the values that
were masked come with it. Drain alone is used, never the package's persistence, which would unpickle: the state is the
table of templates, and mining the same messages in the same order gives the same templates again.

A template goes on growing more general while events are read, so an event's is known when all have been: mine every
message first, then ask for `template`. Memory is bounded by MAX_TEMPLATES: messages unlike any template once there are
so many have none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from drain3.drain import Drain, LogCluster

MAX_TEMPLATES = 20_000
MAX_TOKENS = 64
_MAX_REMEMBERED = 100_000
_ANY = "<*>"
_SIMILARITY = 0.5
_DEPTH = 5

# In order: at one position the first that fits counts. No value holds white space, so tokens keep their places.
_MASKS = {
    "TEXT": r"<(?:\*|TEXT|PSEUDONYM|UUID|MAC|PCI|ID|IP|HEX|PATH|SIZE|NUM|REST)>",
    "PSEUDONYM": r"<(?:email|user|host|ipv4|ipv6|mac|serial|uuid|secret)-[0-9]{1,9}>",
    "UUID": r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Fa-f])",
    "MAC": r"(?<![0-9A-Fa-f:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f:])",
    "PCI": r"(?<![0-9A-Fa-f:])[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](?![0-9A-Za-z])",
    "ID": r"(?<=\[)[0-9a-f]{4}:[0-9a-f]{4}(?=\])",
    "IP": r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.])",
    "HEX": r"(?<!\w)(?:0x[0-9a-fA-F]+|(?=[a-f]*[0-9])[0-9a-f]{8,}|(?=[A-F]*[0-9])[0-9A-F]{8,})(?!\w)",
    "PATH": r"(?<![\w<>/.])/(?:[\w.+@%~-]+/){0,32}[\w.+@%~-]+/?",
    "NUM": r"(?<![\w.])[0-9]+(?:\.[0-9]+)*(?:(?=(?:[kKMGTP]i?[bB]?|[munp]?s|k?[bB]ps|[GMk]?Hz|MT|B|C|V|W|mA|mV)(?!\w))"
    r"|(?!\w))",
}


def _either(*names: str) -> str:
    return "|".join(f"(?P<{name}>{_MASKS[name]})" for name in names)


# What can begin here is asked first: at most places of a line nothing can.
_MASK = re.compile(
    f"(?=<)(?:{_either('TEXT', 'PSEUDONYM')})|(?=/)(?:{_either('PATH')})"
    f"|(?=[0-9A-Fa-f])(?:{_either('UUID', 'MAC', 'PCI', 'ID', 'IP', 'HEX', 'NUM')})"
)
_HOLES = re.compile(_MASKS["TEXT"])
_PSEUDONYM = re.compile(_MASKS["PSEUDONYM"])
_LONG_NUMBER = 8


class Template(NamedTuple):
    """A final template: its program's tag, its text, and how many messages have it."""

    tag: str | None
    text: str
    events: int


class Miner:
    """Templates of the messages of one source, per tag."""

    def __init__(self, max_templates: int = MAX_TEMPLATES) -> None:
        self.unmatched = 0
        self._left = max_templates
        self._miners: dict[str | None, Drain] = {}
        self._clusters: list[tuple[str | None, LogCluster]] = []
        self._numbers: dict[int, int] = {}
        self._remembered: dict[tuple[str | None, str], int | None] = {}
        self._events: list[int] = []

    def add(self, tag: str | None, message: str) -> int | None:
        """Take one (redacted) message; returns the number to ask `template` for, None where the bound was reached."""
        masked = " ".join(_tokens(message))
        key = (tag, masked)
        if key not in self._remembered:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = self._mine(tag, masked)
        number = self._remembered[key]
        if number is None:
            self.unmatched += 1
        else:
            self._events[number] += 1
        return number

    def _mine(self, tag: str | None, masked: str) -> int | None:
        drain = self._miners.get(tag)
        if not self._left:
            tokens = masked.split()
            similar = drain.tree_search(drain.root_node, tokens, drain.sim_th, False) if drain else None
            if drain is None or similar is None:
                return None
        elif drain is None:
            # Numbers are masked already: a digit left in a word is part of a name.
            drain = Drain(_DEPTH, _SIMILARITY, param_str=_ANY, parametrize_numeric_tokens=True)
            self._miners[tag] = drain
        cluster, _ = drain.add_log_message(masked)
        number = self._numbers.get(id(cluster))
        if number is None:
            number = self._numbers[id(cluster)] = len(self._clusters)
            self._clusters.append((tag, cluster))
            self._events.append(0)
            self._left -= 1
        return number

    def template(self, number: int) -> tuple[str | None, str]:
        """Tag and text of a template, final once all messages have been taken."""
        tag, cluster = self._clusters[number]
        return tag, cluster.get_template()

    def templates(self) -> list[Template]:
        """All templates, sorted; two that have grown alike are one."""
        counts: dict[tuple[str | None, str], int] = {}
        for number, events in enumerate(self._events):
            counts[self.template(number)] = counts.get(self.template(number), 0) + events
        templates = [Template(tag, text, events) for (tag, text), events in counts.items()]
        return sorted(templates, key=lambda template: (template.tag or "", template.text))


def mask(text: str) -> str:
    """One line with all that varies in a known way replaced by what it is."""
    return _MASK.sub(lambda match: f"<{match.lastgroup}>", text)


def parameters(message: str, template: str) -> list[str]:
    """What stands in the message where its template has a hole, in order."""
    values: list[str] = []
    words, rest = _words(message)
    holes = template.split()
    for word, of_template in zip(words, holes[:-1] if rest is not None else holes, strict=True):
        if of_template == _ANY:
            values.append(word)
        else:
            values += _masked(word)[1]
    return values if rest is None else [*values, rest]


def fill(template: str, values: Sequence[str]) -> str:
    """The first line of the message with this template and these parameters, its words one blank apart."""
    following = iter(values)
    return _HOLES.sub(lambda _: next(following), template)


def _tokens(message: str) -> list[str]:
    """The masked words of the first line."""
    words, rest = _words(message)
    tokens = [_masked(word)[0] for word in words]
    return tokens if rest is None else [*tokens, "<REST>"]


def _words(message: str) -> tuple[list[str], str | None]:
    """The words of the first line, and those beyond MAX_TOKENS as one."""
    words = message.partition("\n")[0].split(None, MAX_TOKENS - 1)
    if len(words) < MAX_TOKENS:
        return words, None
    return words[:-1], " ".join(words[-1].split())


# Logs say the same words again and again, and no mask looks beyond a word: white space is to it like the line's end.
@lru_cache(maxsize=1 << 16)
def _masked(word: str) -> tuple[str, tuple[str, ...]]:
    """A word with its masks, and the values of the masks in order."""
    if word.isalpha():
        return word, ()
    if word.isdigit() and word.isascii():
        return "<HEX>" if len(word) >= _LONG_NUMBER else "<NUM>", (word,)
    if _PSEUDONYM.fullmatch(word):
        return "<PSEUDONYM>", (word,)
    values: list[str] = []

    def masked(match: re.Match[str]) -> str:
        values.append(match[0])
        return f"<{match.lastgroup}>"

    return _MASK.sub(masked, word), tuple(values)
