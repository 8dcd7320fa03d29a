"""How much the tests try: little by default, much in a campaign (KSLM_TESTS=long, as `make test-long` sets it)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LONG = os.environ.get("KSLM_TESTS") == "long"
_EXAMPLES = 100
_TIMES = 20


def load_hypothesis_profile() -> None:
    """The one profile of every property test; to be called before the tests' modules are imported.

    No test fails for being slow: how long an example takes says how busy the machine is. Where CI is set, examples are
    the same each time, so that a change is judged and not the day's luck; elsewhere they differ, and what fails is
    printed as a blob that repeats it.
    """
    settings.register_profile(
        "short",
        deadline=None,
        print_blob=True,
        derandomize=bool(os.environ.get("CI")),
        max_examples=_EXAMPLES,
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.register_profile("long", settings.get_profile("short"), derandomize=False, max_examples=_EXAMPLES * _TIMES)
    settings.load_profile("long" if LONG else "short")


def dear(share: float) -> int:
    """A share of the profile's examples, for a test of which one example is dear."""
    return max(1, round(settings.default.max_examples * share))


def tries(short: int) -> int:
    """How often a loop over seeds goes round: `short` times, twenty times as often in a campaign."""
    return short * _TIMES if LONG else short
