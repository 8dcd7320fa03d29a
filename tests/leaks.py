"""Prove that training text states no held-out fact: the same question as `holdout` asks, answered another way.

`holdout` looks for ids in the text and looks each up among the facts. Here every fact is looked for in every paragraph
by searching for its spellings, one by one. That is slow (some 3 MB/s) and shares no code with what it checks but the
list of facts.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from kslm.curate.split.holdout import HeldOut


class Leak(NamedTuple):
    """A held-out entity and the paragraph that states a fact of it; `text` is the position of the text given."""

    text: int
    entity: str
    phrase: str
    paragraph: str


def leaks(texts: Iterable[str], facts: HeldOut) -> Iterator[Leak]:
    """Every held-out fact stated in a paragraph of `texts`: nothing, where the hold-out works."""
    devices: dict[str, list[str]] = defaultdict(list)
    for vendor, device in facts.devices:
        devices[vendor].append(device)
    for number, text in enumerate(texts):
        lowered = text.lower()
        vendors = [vendor for vendor in devices if vendor in lowered]
        symbols = [name for name in facts.symbols if f"config_{name}" in lowered] if "config_" in lowered else []
        pages = [page for page in facts.pages if _written(page, lowered)] if "(" in lowered else []
        if not (vendors or symbols or pages):
            continue
        for paragraph in re.split(r"\n[^\S\n]*(?=\n)", text):
            lowered = paragraph.lower()
            for vendor in vendors:
                for device in devices[vendor] if vendor in lowered else ():
                    if device in lowered and any(re.search(spelt, lowered) for spelt in _spellings(vendor, device)):
                        yield from _beside(number, f"{vendor}:{device}", facts.devices[vendor, device], paragraph)
            for name in symbols:
                if re.search(rf"config_{re.escape(name)}(?![a-z0-9_])", lowered):
                    yield from _beside(number, f"CONFIG_{name.upper()}", facts.symbols[name], paragraph)
            for page in pages:
                if _written(page, lowered):
                    yield from _beside(number, page, facts.pages[page], paragraph)


def _written(page: str, text: str) -> bool:
    name, _, section = page.rpartition("(")
    return any(
        spelt in text and re.search(rf"(?<![a-z0-9_.:+@-]){re.escape(spelt)}", text)
        for spelt in (page, f"{name} ({section}")
    )


@lru_cache(1 << 14)
def _spellings(vendor: str, device: str) -> tuple[str, ...]:
    """Regular expressions, for lower-case text, of one id; the last takes two numbers in either order."""
    end = "(?![0-9a-z])"
    sign = r"[^0-9a-z\n]{1,8}(0x)?"
    first, second = rf"0x{vendor}{end}", rf"0x{device}{end}"
    return (
        rf"{vendor}[:,]{device}{end}",
        rf"v(0000)?{vendor}[dp](0000)?{device}",
        rf"v(en|id)_{vendor}&(dev|pid)_{device}",
        rf"idvendor{sign}{vendor}{end}((?!idvendor|idproduct)[^\n]){{0,40}}idproduct{sign}{device}{end}",
        rf"(?s){first}.*{second}|{second}.*{first}",
    )


def _beside(number: int, entity: str, phrases: Iterable[str], paragraph: str) -> Iterator[Leak]:
    for phrase in phrases:
        words = r"[^a-z0-9]+".join(phrase.split())
        if re.search(rf"(?<![a-z0-9]){words}(?![a-z0-9])", paragraph.lower()):
            yield Leak(number, entity, phrase.strip(), paragraph)
