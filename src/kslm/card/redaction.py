"""Precision and recall of redaction on labelled cases, each redacted as the kind of text it is.

`labelled.yml` holds published text, `labelled_machine.yml` a machine's own; the detectors were written or mended with
these cases at hand, so they say that what is promised holds. `unseen.yml` says how redaction does on what its authors
did not think of: those cases were written without knowledge of the detectors, and none was mended with them.

A labelled value counts as found when no character of it is left to read, and a replacement counts as right when it
touches a labelled value; its kind does not matter, since what is hidden is hidden. Traps are cases without a label:
everything in them must stay.

The cases lie in cases/redact/ of a checkout. They are not installed with the package: they decide nothing that is made.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from kslm.redact.text import find

_LABEL = re.compile(r"⟦(\w+)\|(.*?)⟧", re.DOTALL)
CASES = Path(__file__).parents[3] / "cases" / "redact"


@dataclass(frozen=True)
class Case:
    """One text, and where in it (start, end, kind) personal values stand; `machine` as `redact` takes it."""

    text: str
    labels: tuple[tuple[int, int, str], ...]
    machine: bool = False


@dataclass(frozen=True)
class Scores:
    """What redaction did on a set of cases.

    Attributes:
        cases, traps: how many texts, and how many of them hold nothing personal.
        found, labelled: values wholly hidden, and values there are, by kind.
        right, replaced: replacements that touch a labelled value, and all of them.
        missed, false: the texts, for whoever mends a detector.
    """

    cases: int
    traps: int
    found: Counter[str]
    labelled: Counter[str]
    right: int
    replaced: int
    missed: tuple[str, ...]
    false: tuple[str, ...]

    @property
    def recall(self) -> float:
        """Share of labelled values that are hidden."""
        return self.found.total() / max(self.labelled.total(), 1)

    @property
    def precision(self) -> float:
        """Share of replacements that hide something personal."""
        return self.right / max(self.replaced, 1)


def load_cases() -> list[Case]:
    """The cases that detectors were written and mended with; none outside of a checkout."""
    return [*_read("labelled", lambda _: False), *_read("labelled_machine", lambda _: True)]


def unseen_cases() -> list[Case]:
    """The cases that they were not; none outside of a checkout."""
    return _read("unseen", lambda scene: scene.startswith("machine_"))


def _read(name: str, is_machine: Callable[[str], bool]) -> list[Case]:
    path = CASES / f"{name}.yml"
    if not path.exists():
        return []
    scenes = yaml.safe_load(path.read_text("utf-8"))
    return [_case(marked, is_machine(scene)) for scene, texts in scenes.items() for marked in texts]


def _case(marked: str, machine: bool) -> Case:
    labels: list[tuple[int, int, str]] = []
    text, end = "", 0
    for label in _LABEL.finditer(marked):
        text += marked[end : label.start()]
        labels.append((len(text), len(text) + len(label[2]), label[1]))
        text += label[2]
        end = label.end()
    return Case(text + marked[end:], tuple(labels), machine)


def measure(cases: list[Case]) -> Scores:
    """Redact every case and compare with its labels."""
    found: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    replaced = 0
    missed: list[str] = []
    false: list[str] = []
    for case in cases:
        spans = [(span.start, span.end) for span in find(case.text, machine=case.machine)]
        hidden = {position for start, end in spans for position in range(start, end)}
        for start, end, kind in case.labels:
            labelled[kind] += 1
            if hidden.issuperset(range(start, end)):
                found[kind] += 1
            else:
                missed.append(f"{kind} {case.text[start:end]!r} in {case.text!r}")
        replaced += len(spans)
        false += [
            f"{case.text[start:end]!r} in {case.text!r}"
            for start, end in spans
            if not any(start < stop and begin < end for begin, stop, _ in case.labels)
        ]
    traps = sum(not case.labels for case in cases)
    return Scores(len(cases), traps, found, labelled, replaced - len(false), replaced, tuple(missed), tuple(false))
