from pathlib import Path

from kslm.card import redaction
from kslm.card.redaction import Case, load_cases, measure, unseen_cases


def test_the_labelled_set_is_large_and_the_promised_figures_hold():
    scores = measure(load_cases())
    assert scores.cases >= 400
    assert scores.traps >= 60
    assert scores.recall >= 0.99, scores.missed
    assert scores.precision >= 0.97, scores.false
    assert set(scores.labelled) == {"email", "user", "host", "ipv4", "ipv6", "mac", "serial", "uuid", "secret"}


def test_on_cases_it_was_not_mended_with_it_does_nearly_as_well():
    cases = unseen_cases()
    assert not {case.text for case in cases} & {case.text for case in load_cases()}
    for machine in (True, False):
        scores = measure([case for case in cases if case.machine is machine])
        assert scores.cases > 100
        assert scores.recall >= 0.95, scores.missed
        assert scores.precision >= 0.95, scores.false


def test_a_miss_and_a_false_alarm_are_counted():
    missed = Case("call Joe Hacker", ((5, 8, "user"),))
    partly = Case("mail a@example.org now", ((3, 18, "email"),))
    false = Case("mail b@example.org", ())
    scores = measure([missed, partly, false])
    assert (scores.found.total(), scores.labelled.total(), scores.right, scores.replaced) == (0, 2, 1, 2)
    assert (scores.recall, scores.precision, scores.traps) == (0.0, 0.5, 1)


def test_the_cases_are_no_part_of_the_package_and_a_card_without_them_says_so(monkeypatch, tmp_path):
    package = Path(redaction.__file__).parents[1]
    assert not list(package.rglob("labelled*")) and not list(package.rglob("unseen*"))
    monkeypatch.setattr(redaction, "CASES", tmp_path)
    assert measure(load_cases()).cases == measure(unseen_cases()).cases == 0
