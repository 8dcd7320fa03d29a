"""How the time of a reader grows with its input: a ratio between two sizes, which no machine's speed changes.

Eight times the input takes a linear reader eight times as long, one of n log n some nine times, a quadratic one 64
times. The bound, 8^1.6 = 28, lies as far from what is allowed (caches and allocators make large inputs up to twice as
dear) as from what must be caught. Other processes can only add to a measurement, so the least of several tries is
taken, and no more are made than a judgement needs; garbage collection, whose time follows from what else the process
holds, waits.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

TIMES = 8
MOST = 1.6
TRIES = 4
# Below this, growth cannot be told from noise, and is none: a quadratic scan of 100,000 bytes takes longer even at a
# thousand comparisons a nanosecond.
NEGLIGIBLE = 0.01


def assert_linear(
    make: Callable[[int], Any],
    work: Callable[[Any], object],
    size: int,
    *,
    times: int = TIMES,
    negligible: float = NEGLIGIBLE,
    clock: Callable[[], float] = time.thread_time,
) -> None:
    """Fail when `work` grows faster than size^1.6 from `size / times` to `size`.

    Args:
        make: the input of a size; not timed.
        work: what is measured, on one input.
        size: large enough that a quadratic reader would take longer than `negligible` seconds.
        times: how many times as large as the small input the large one is.
        negligible: the time of the large input up to which growth is not judged.
        clock: processor time of this thread, in seconds.
    """
    small, large = make(size // times), make(size)
    bound = times**MOST
    least_small = least_large = float("inf")
    for _ in range(TRIES):
        least_large = min(least_large, _timed(work, large, clock))
        if least_large <= negligible:
            return
        least_small = min(least_small, _timed(work, small, clock))
        if least_large <= bound * least_small:
            return
    raise AssertionError(
        f"{times} times the input takes {least_large / least_small:.0f} times as long, more than {bound:.0f}:"
        f" {least_small:.4f} s and {least_large:.4f} s"
    )


def repeated(piece: str, lead: str = "", end: str = "") -> Callable[[int], str]:
    """Inputs of any size made of one piece, over and over."""
    return lambda size: lead + piece * (size // len(piece)) + end


def _timed(work: Callable[[Any], object], given: Any, clock: Callable[[], float]) -> float:
    with _no_collection():
        begin = clock()
        work(given)
        return clock() - begin


@contextmanager
def _no_collection() -> Any:
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
