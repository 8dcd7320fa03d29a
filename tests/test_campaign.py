"""Property tests fail for what they find, never for how busy the machine is."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import campaign


@given(st.just(0.0))
@example(0.3)  # above Hypothesis's own bound, which is of wall time
def test_an_example_may_take_its_time(seconds):
    time.sleep(seconds)


def test_the_profile_is_that_of_the_campaign():
    assert settings.default.max_examples == (2000 if campaign.LONG else 100)
    assert settings.default.deadline is None
    assert settings.default.print_blob
    assert HealthCheck.too_slow in settings.default.suppress_health_check


def test_dear_tests_and_loops_follow_the_profile():
    assert campaign.dear(0.4) == settings.default.max_examples * 2 // 5
    assert campaign.dear(0.0001) == 1
    assert campaign.tries(20) == (400 if campaign.LONG else 20)
