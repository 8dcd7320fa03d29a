"""The measure of growth judges by counted work exactly, and by processor time what is plainly linear or quadratic."""

from __future__ import annotations

import math
import re

import pytest

from growth import TIMES, TRIES, assert_linear, repeated


class Counted:
    """A clock that work moves, and a disturbance that it suffers on chosen calls."""

    def __init__(self, cost, disturbed=()):
        self.now = 0.0
        self.calls = 0
        self._cost, self._disturbed = cost, set(disturbed)

    def __call__(self):
        return self.now

    def work(self, size):
        self.now += self._cost(size) * (100 if self.calls in self._disturbed else 1)
        self.calls += 1


def judge(cost, disturbed=()):
    clock = Counted(cost, disturbed)
    assert_linear(lambda size: size, clock.work, 8000, clock=clock)
    return clock.calls


@pytest.mark.parametrize(
    "cost",
    [lambda n: 1, lambda n: n, lambda n: 50 + n, lambda n: n * math.log(n), lambda n: n * (2 if n > 1000 else 1)],
    ids=["constant", "linear", "with a start", "n log n", "twice as dear when large"],
)
def test_what_grows_about_linearly_passes_at_once(cost):
    assert judge(cost) == 2


@pytest.mark.parametrize(
    "cost",
    [lambda n: n**2, lambda n: n**1.7, lambda n: n**3, lambda n: n + n**2 / 100],
    ids=["quadratic", "n^1.7", "cubic", "quadratic beside a linear part"],
)
def test_what_grows_faster_fails(cost):
    with pytest.raises(AssertionError, match="times as long, more than 28"):
        judge(cost)


def test_a_disturbance_is_measured_again_and_hides_nothing():
    assert judge(lambda n: n, disturbed=[0, 2, 4]) == 2 * TRIES
    with pytest.raises(AssertionError):
        judge(lambda n: n**2, disturbed=range(0, 2 * TRIES - 1))


def test_what_takes_no_time_is_not_judged():
    clock = Counted(lambda n: n**2 * 1e-12)
    assert_linear(lambda size: size, clock.work, 8000, clock=clock)
    assert clock.calls == 1


def test_inputs_have_the_size_asked_for():
    assert repeated("ab", "<", ">")(9) == "<abababab>"


def test_processor_time_tells_a_linear_search_from_a_quadratic_one():
    assert_linear(repeated("a"), re.compile("a*+b").match, 400_000 * TIMES)
    with pytest.raises(AssertionError, match="times as long"):
        assert_linear(repeated("a"), re.compile("a*b").search, 1000 * TIMES)
