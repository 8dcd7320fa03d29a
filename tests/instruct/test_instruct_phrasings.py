from __future__ import annotations

from string import Formatter
from typing import get_args

import pytest

from kslm.errors import SettingsError
from kslm.instruct import phrasings

ONE = """
questions:
  driver:
    intent: DRIVER_SELECT
    fields: [device, bus]
    required: [device]
    ask: ["a {device}", "b {device}", "c {device}", "d {device}", "e {device}", %s]
off_topic:
  answer: No.
  requests: [%s]
"""
REQUESTS = ", ".join(f'"request {number}"' for number in range(50))


def test_the_reviewed_file_covers_all_intents():
    loaded = phrasings.load()
    assert {phrasing.intent for phrasing in loaded.questions.values()} == set(get_args(phrasings.Intent))
    assert len(loaded.off_topic.requests) >= 60


def test_every_question_can_be_filled_in_and_reads_as_one_paragraph():
    for phrasing in phrasings.load().questions.values():
        for question in phrasing.ask:
            filled = question.format(**dict.fromkeys(phrasing.fields, "value"))
            assert "{" not in filled and filled == filled.strip() and "\n\n" not in filled
            assert not any(spec for _, _, spec, _ in Formatter().parse(question))


@pytest.mark.parametrize(
    ("sixth", "requests", "said"),
    [
        ('"f {devise} {device}"', REQUESTS, "uses ['devise']"),
        ('"f {bus}"', REQUESTS, "leaves out ['device']"),
        ('"a {device}"', REQUESTS, "given twice"),
        ('"f {device}"', '"one request"', "at least 50"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(sixth, requests, said):
    with pytest.raises(SettingsError, match=r"phrasings\.yml:\d+: ") as error:
        phrasings.parse(ONE % (sixth, requests))
    assert said in str(error.value)


def test_the_second_phrasing_of_a_fact_is_another_one():
    for phrasing in phrasings.parse(ONE % ('"f {bus} {device}"', REQUESTS)).questions.values():
        for key in map(str, range(20)):
            assert phrasing.chosen(key) == phrasing.chosen(key) != phrasing.chosen(key, 1)
