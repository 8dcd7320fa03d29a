"""The plan of a kernel tree."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kslm.ingest.kernel import runs
from kslm.ingest.rows import document_id
from kslm.sources.kernel.tree import Member


@given(st.lists(st.integers(0, 50)), st.integers(1, 100))
def test_runs_hold_every_member_once_in_order_and_end_soon_after_the_limit(sizes, limit):
    members = [Member(str(number), number * 100, size) for number, size in enumerate(sizes)]
    found = runs(members, limit)
    assert [member for run in found for member in run] == members
    for run in found:
        assert sum(member.size for member in run[:-1]) < limit


def test_document_id_keeps_its_parts_apart():
    ids = {document_id("a", "b", b"c"), document_id("ab", "", b"c"), document_id("a", "", b"bc")}
    assert len(ids) == 3
    assert all(len(found) == 32 for found in ids)
