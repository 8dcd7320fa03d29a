"""Take held-out entities' facts out of training text: an id together with its driver or its name, and the like.

The split keeps an entity's own texts together. Others may still state its facts: a comment in a sibling driver, a hwdb
rule, a table in Documentation, a manual's SEE ALSO. What counts as a fact here, each within one paragraph (lines
between blank ones):

* a PCI or USB id with a module that drives it, or with its name, the part of its name in brackets, or a model number
  in its name. Ids are read as `8086:1533`, `8086,1533`, `v00008086d00001533`, `v8086d1533`, `v0B95p1790`,
  `VEN_8086&DEV_1533`, `VID_0B95&PID_1790`, `idVendor=0b95, idProduct=1790`, and as 0x8086 anywhere beside 0x1533;
* `CONFIG_X` with its prompt or the first sentence of its help;
* `page(8)` with what its NAME section says of it.

Words are compared without case, punctuation and line breaks: igb_main.c and CONFIG_IGB name the driver igb. The line
that states a fact is removed; where it takes several, the paragraph is, unless that is a table (more than TABLE_LINES),
which loses the lines with the id. More may go than need be, never less: `tests/leaks.py` checks it in another way.

Limits: a device by symbolic constants only (PCI_DEVICE_ID_...), and facts whose halves are paragraphs apart, stay.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow as pa
import xxhash

from kslm.kinds import QUESTION
from kslm.knowledge.drivers import Device
from kslm.knowledge.entities import Entities

TABLE_LINES = 12
REASON = "held-out fact"
HELD_OUT_SPLITS = ("val", "test")

_HEX = "([0-9a-f]{4})"
_END = "(?![0-9a-z])"
_ATTRIBUTE = f"[^0-9a-z\n]{{1,8}}(?:0x)?{_HEX}{_END}"
_GAP = r"(?:(?!idvendor|idproduct)[^\n]){0,40}"
# For lower-case text. Each begins with a literal, by which the engine skips ahead, and then looks at what is before it.
_PAIRS = (
    re.compile(f":(?<={_HEX}:){_HEX}{_END}"),
    re.compile(f",(?<={_HEX},){_HEX}{_END}"),
    re.compile(f"v(?:0000)?{_HEX}[dp](?:0000)?{_HEX}"),
    re.compile(f"&(?<=v(?:en|id)_{_HEX}&)(?:dev|pid)_{_HEX}{_END}"),
    re.compile(f"idvendor{_ATTRIBUTE}{_GAP}idproduct{_ATTRIBUTE}"),
)
_NUMBER = re.compile(f"0x{_HEX}{_END}")
_SYMBOL = re.compile("config_([a-z0-9_]+)")
_SECTION = re.compile(r"\(([1-9][a-z]{0,3})\)")
_PAGE_NAME = re.compile(r"[a-z0-9_.:+@-]+\Z")
_APART = re.compile(r"[^a-z0-9]+")
_BRACKETS = re.compile(r"\[([^]]*)\]")

Phrases = tuple[str, ...]
"""Words folded by `fold`, any of which states the fact beside the entity's id."""


class Mention(NamedTuple):
    """A held-out entity's id in a text: its place, and what must not stand beside it."""

    start: int
    end: int
    phrases: Phrases


def fold(text: str) -> str:
    """Lower-case words with one blank between, before and after."""
    return f" {_APART.sub(' ', text.lower()).strip()} "


@dataclass(frozen=True)
class HeldOut:
    """What training text must not state; small enough to travel with a function to every worker."""

    devices: dict[tuple[str, str], Phrases] = field(default_factory=dict)
    """Vendor and device id, of either bus, to modules and names."""
    symbols: dict[str, Phrases] = field(default_factory=dict)
    """Kconfig symbol in lower case without CONFIG_ to prompt and beginning of the help."""
    pages: dict[str, Phrases] = field(default_factory=dict)
    """Manual page in lower case, as ls(1), to its description."""
    vendors: frozenset[str] = frozenset()

    @classmethod
    def build(
        cls,
        entities: Entities,
        names: Mapping[Device, str],
        drivers: Mapping[Device, Iterable[str]],
        splits: Mapping[str, str],
        *,
        symbols: Iterable[tuple[str, str, str]] = (),
        pages: Iterable[tuple[str, str]] = (),
    ) -> HeldOut:
        """Facts of the entities whose group is in validation or test.

        Args:
            names: of devices, where known.
            drivers: modules of each device that has any.
            splits: of every group.
            symbols: name without CONFIG_, prompt, help text of each symbol that is held out.
            pages: page as ls(1) and description, of each manual page that is held out.
        """
        devices: dict[tuple[str, str], list[str]] = defaultdict(list)
        for device in sorted({*names, *drivers}):
            if splits.get(entities.of_device(device)) in HELD_OUT_SPLITS:
                names_ = [*sorted(drivers.get(device, ())), *_spellings(names.get(device, ""), device)]
                devices[device.vendor, device.device] += [fold(phrase) for phrase in names_]
        return cls(
            {key: tuple(dict.fromkeys(phrases)) for key, phrases in devices.items() if phrases},
            {
                name.lower(): phrases
                for name, prompt, text in symbols
                if (phrases := _telling(f"CONFIG_{name}", prompt, _sentence(text)))
            },
            {page.lower(): phrases for page, description in pages if (phrases := _telling(page, description))},
            frozenset(vendor for (vendor, _), phrases in devices.items() if phrases),
        )

    def digest(self) -> str:
        """Hash of all of it."""
        devices = sorted([*key, *phrases] for key, phrases in self.devices.items())
        parts = [devices, sorted(self.symbols.items()), sorted(self.pages.items()), sorted(self.vendors)]
        return xxhash.xxh3_128_hexdigest(json.dumps(parts).encode())


def _spellings(name: str, device: Device) -> Iterator[str]:
    """The name, its marketing name, and model numbers in it: I210 of `I210 Gigabit Network Connection`."""
    if not fold(name).strip():
        return
    yield name
    yield from (part for part in _BRACKETS.findall(name) if len(part) >= 4)
    bare = _BRACKETS.sub(" ", name)
    if any(character.isdigit() for character in bare):
        yield bare
    for word in fold(name).split():
        digits = sum(character.isdigit() for character in word)
        if digits and len(word) >= (5 if digits == len(word) else 4) and word not in device[1:]:
            yield word


def _telling(entity: str, *phrases: str) -> Phrases:
    """Phrases that say something the entity's name does not: of two words and ten letters at least."""
    folded = [fold(phrase) for phrase in phrases]
    return tuple(
        phrase for phrase in folded if len(phrase) >= 12 and len(phrase.split()) >= 2 and phrase not in fold(entity)
    )


def _sentence(text: str) -> str:
    return re.split(r"[.:]\s|\n\s*\n", f"{text} ", maxsplit=1)[0]


def scrub(text: str, held_out: HeldOut) -> tuple[str, int]:
    """Remove what states a held-out fact.

    Returns:
        The text, and how many lines, paragraphs or rows of tables were removed: 0 where it is as it was.
    """
    if not _mentions(text, held_out):
        return text, 0
    left: list[str] = []
    paragraph: list[str] = []
    removed = 0
    for line in [*text.split("\n"), ""]:
        if line.strip():
            paragraph.append(line)
            continue
        rest, count = _scrub_paragraph(paragraph, held_out)
        left += [*rest, line]
        removed += count
        paragraph = []
    if not removed:
        return text, 0
    return re.sub(r"\n\s*\n\s*\n", "\n\n", "\n".join(left[:-1])).strip("\n"), removed


def _scrub_paragraph(lines: list[str], held_out: HeldOut) -> tuple[list[str], int]:
    if not _stated("\n".join(lines), held_out):
        return lines, 0
    left = [line for line in lines if not _stated(line, held_out)]
    removed = len(lines) - len(left)
    text = "\n".join(left)
    while mentions := _stated(text, held_out):
        if len(left) <= TABLE_LINES:
            return [], removed + 1
        gone = {text.lower().count("\n", 0, mention.start) for mention in mentions}
        left = [line for number, line in enumerate(left) if number not in gone]
        removed += len(gone)
        text = "\n".join(left)
    return left, removed


def _stated(paragraph: str, held_out: HeldOut) -> list[Mention]:
    """Mentions in a paragraph, or line, that also says what must not stand beside them."""
    mentions = _mentions(paragraph, held_out)
    if not mentions:
        return []
    words = fold(paragraph)
    return [mention for mention in mentions if any(phrase in words for phrase in mention.phrases)]


def _mentions(text: str, held_out: HeldOut) -> list[Mention]:
    """Ids of held-out entities, placed in `text.lower()`; numbers make a pair wherever they stand in `text`."""
    lowered = text.lower()
    mentions: list[Mention] = []
    if held_out.devices:
        for pattern in _PAIRS:
            for match in pattern.finditer(lowered):
                if phrases := held_out.devices.get((match[1], match[2])):
                    mentions.append(Mention(match.start(), match.end(), phrases))
        mentions += _numbers(lowered, held_out)
    if held_out.symbols:
        for match in _SYMBOL.finditer(lowered):
            if phrases := held_out.symbols.get(match[1]):
                mentions.append(Mention(match.start(), match.end(), phrases))
    if held_out.pages:
        for match in _SECTION.finditer(lowered):
            before = lowered[max(0, match.start() - 80) : match.start()].removesuffix(" ").rpartition(" ")[2]
            name = _PAGE_NAME.search(before)
            if name and (phrases := held_out.pages.get(f"{name[0]}({match[1]})")):
                mentions.append(Mention(match.start(), match.end(), phrases))
    return mentions


def _numbers(text: str, held_out: HeldOut) -> Iterator[Mention]:
    """Device ids written 0xdddd, of vendors written 0xvvvv."""
    values = {*_NUMBER.findall(text)}
    vendors = held_out.vendors & values
    wanted = {
        value: phrases
        for value in (values if vendors else ())
        if (phrases := tuple(phrase for vendor in vendors for phrase in held_out.devices.get((vendor, value), ())))
    }
    if wanted:
        for match in _NUMBER.finditer(text):
            if match[1] in wanted:
                yield Mention(match.start(), match.end(), wanted[match[1]])


def scrub_documents(
    batches: Iterable[pa.RecordBatch], *, held_out: HeldOut, min_chars: int
) -> Iterator[pa.RecordBatch]:
    """Scrub the rows of split train; for mapInArrow.

    Takes at least the columns kind, split, held_out, bytes and text, and yields what it takes, and reason and figure.
    `held_out` becomes the number of removals. A text left shorter than `min_chars`, and a question that lost anything,
    has a reason and must not be kept; its text is what is left.
    """
    for batch in batches:
        columns = {name: batch.column(name) for name in batch.schema.names}
        changes = list(_changes(batch, held_out, min_chars))
        texts, sizes, counts, reasons, figures = zip(*changes, strict=True) if changes else ((),) * 5
        if any(counts):
            columns["text"] = pa.array(texts, pa.string())
            columns["bytes"] = pa.array(sizes, pa.int64())
        columns["held_out"] = pa.array(counts, pa.int32())
        columns["reason"], columns["figure"] = pa.array(reasons, pa.string()), pa.array(figures, pa.float64())
        yield pa.RecordBatch.from_pydict(columns)


def _changes(batch: pa.RecordBatch, held_out: HeldOut, min_chars: int) -> Iterator[tuple[Any, ...]]:
    rows = (batch.column(name).to_pylist() for name in ("text", "bytes", "kind", "split"))
    for text, size, kind, split in zip(*rows, strict=True):
        left, count = scrub(text, held_out) if split == "train" else (text, 0)
        if not count:
            yield text, size, 0, None, None
        else:
            refused = kind == QUESTION.name or len(left.strip()) < min_chars
            yield left, len(left.encode()), count, REASON if refused else None, float(count) if refused else None
