import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.refine.candidates import Limits, content_hash, refine
from kslm.texts import Text

LIMITS = Limits(min_chars=50, max_chars=1000)
PROSE = "The driver registers itself with the bus, and then it waits until a device appears. "


def text(body, kind="rst", item=None):
    return Text("parent", "linux_source", "a/b", kind, "os", "group", "6.1", "GPL-2.0-only", body, item)


def test_a_kept_text_has_quality_and_no_reason():
    (found,) = refine(text(PROSE), LIMITS)
    assert found.text == PROSE.strip()
    assert (found.reason, found.figure) == (None, None)
    assert 0.9 < found.quality <= 1
    assert found.bytes == len(PROSE.strip())


def test_a_refused_text_has_a_reason_and_no_text():
    (found,) = refine(text("Too short."), LIMITS)
    assert (found.text, found.item, found.reason, found.figure) == (None, None, "too short", 10.0)


def test_the_language_limit_is_the_given_one():
    german = "Der Treiber meldet sich am Bus an und wartet, bis ein Gerät erscheint, das er nicht abweisen muss."
    assert [found.reason for found in refine(text(german), LIMITS)] == ["not English"]
    assert [found.reason for found in refine(text(german), LIMITS._replace(max_non_english=1.0))] == [None]


def test_long_texts_become_parts_with_paths_and_ids_of_their_own():
    found = list(refine(text("\n\n".join(f"Paragraph {n}. {PROSE * 3}" for n in range(9))), LIMITS))
    assert [one.path for one in found] == [f"a/b#part{n + 1}" for n in range(len(found))]
    assert len({one.doc_id for one in found}) == len(found) > 1
    assert all(one.bytes <= 1000 for one in found)


def test_an_item_is_redacted_with_the_pseudonyms_of_its_text():
    item = json.dumps({"intent": "device", "context": "mail jane.doe@example.org", "version": None})
    item = json.dumps(json.loads(item) | {"fields": {"command": "mail jane.doe@example.org"}})
    (found,) = refine(text(f"{PROSE} Ask bob@example.net or jane.doe@example.org.", "question", item), LIMITS)
    assert "<email-2>" in found.text
    assert json.loads(found.item) == {
        **{"intent": "device", "context": "mail <email-2>", "version": None},
        "fields": {"command": "mail <email-2>"},
    }
    (untouched,) = refine(text(PROSE, "question", '{"intent":"x"}'), LIMITS)
    assert untouched.item == '{"intent":"x"}'


@pytest.mark.parametrize("other", ["the  bus\n", "THE BUS", "thebus", "the\tbus"])
def test_content_ignores_case_and_blanks(other):
    assert content_hash(b"the bus") == content_hash(other.encode())
    assert content_hash(b"the bus") != content_hash(b"the buses")


@given(st.text(max_size=300), st.sampled_from(["c", "rst", "man", "dts", "log", "question"]))
def test_every_text_has_at_least_one_candidate(body, kind):
    found = list(refine(text(body, kind), LIMITS))
    assert found
    assert all((one.text is None) == (one.reason is not None) for one in found)
    assert list(refine(text(body, kind), LIMITS)) == found
