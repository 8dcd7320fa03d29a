"""The fuzzer of the readers, for a moment: no mutated input raises what its reader does not promise."""

from __future__ import annotations

import contextlib
import importlib.util
import random
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "fuzz_readers.py"
SPEC = importlib.util.spec_from_file_location("fuzz_readers", SCRIPT)
fuzz_readers = sys.modules["fuzz_readers"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fuzz_readers)


@pytest.mark.parametrize("name", sorted(fuzz_readers.TARGETS))
def test_a_mutated_input_is_read_or_refused(name, tries):
    target, rng = fuzz_readers.TARGETS[name], random.Random(name)
    for raw in target.seeds:
        target.read(raw)  # a seed that is refused would keep the fuzzer at the reader's door
    for _ in range(tries(50)):
        with contextlib.suppress(*target.promised):
            target.read(fuzz_readers.mutate(rng, target.seeds, target.words))
