"""What was looked up in the entities while one document was worked on, and whether it would be answered alike now.

The maps of `Entities` are handed to the extractors as maps that note each key and its answer. A map that is gone
through instead of asked is noted by a hash of all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

import xxhash

from kslm.knowledge.entities import Entities

Seen = dict[str, dict[Any, str | None]]
"""By map: key to answer, None where there was none."""

_WHOLE = "*"


def watch(entities: Entities) -> tuple[Entities, Seen]:
    """Entities that note in the second value what they are asked; clear it between documents."""
    seen: Seen = {}
    maps = {name: value for name, value in parts_of(entities).items() if isinstance(value, Mapping)}
    watched: dict[str, Any] = {name: _Watched(known, name, seen) for name, known in maps.items()}
    return replace(entities, **watched), seen


def parts_of(entities: Entities) -> dict[str, Any]:
    """The fields by name."""
    return {field.name: getattr(entities, field.name) for field in fields(entities)}


class _Watched(Mapping[Any, str]):
    """A map that notes what it is asked, and what it answered."""

    def __init__(self, known: Mapping[Any, str], name: str, seen: Seen) -> None:
        self._known, self._name, self._seen = known, name, seen

    def __getitem__(self, key: Any) -> str:
        answer = self._known.get(key)
        self._seen.setdefault(self._name, {})[key] = answer
        if answer is None:
            raise KeyError(key)
        return answer

    def get(self, key: Any, default: Any = None) -> Any:
        answer = self._known.get(key)
        self._seen.setdefault(self._name, {})[key] = answer
        return default if answer is None else answer

    def __iter__(self) -> Iterator[Any]:
        self._seen.setdefault(self._name, {})[_WHOLE] = _digest(self._known)
        return iter(self._known)

    def __len__(self) -> int:
        self._seen.setdefault(self._name, {})[_WHOLE] = _digest(self._known)
        return len(self._known)


class Answers:
    """Whether look-ups would be answered alike; equal ones, which many documents have, are asked once."""

    def __init__(self, entities: Entities) -> None:
        self._maps = {name: value for name, value in parts_of(entities).items() if isinstance(value, Mapping)}
        self._known: dict[tuple[str, str], bool] = {}

    def same(self, lookups: str, kind: str) -> bool:
        """Whether none of them has another answer for a document of this kind."""
        if (lookups, kind) not in self._known:
            was, seen = json.loads(lookups)
            self._known[lookups, kind] = was == kind and all(
                name in self._maps and self._now(self._maps[name], key) == answer
                for name, asked in seen.items()
                for key, answer in asked
            )
        return self._known[lookups, kind]

    @staticmethod
    def _now(known: Mapping[Any, str], key: Any) -> str | None:
        return _digest(known) if key == _WHOLE else known.get(tuple(key) if isinstance(key, list) else key)


def lookups_of(kind: str, seen: Seen) -> str:
    """The look-ups made for one document, as JSON; its kind, which decides who asks, stands first."""
    asked = {name: sorted(answers.items(), key=repr) for name, answers in sorted(seen.items())}
    return json.dumps([kind, asked], ensure_ascii=False, separators=(",", ":"))


def _digest(known: Mapping[Any, str]) -> str:
    return xxhash.xxh3_128_hexdigest(repr(sorted(known.items())).encode())
