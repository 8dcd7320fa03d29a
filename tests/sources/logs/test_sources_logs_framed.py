"""dmesg -J, json-pretty and the export format: whole, damaged and cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.logs import framed, read
from kslm.sources.records import Bad, LogEvent

DMESG = """{
   "dmesg": [
      {
         "pri": 5,
         "time":     0.000000,
         "msg": "Linux {version} \\"6.1\\""
      },{
         "pri": 4,
         "time":    12.500001,
         "msg": "x: }, {"
      },{
         "fac": "daemon",
         "pri": "warn",
         "time": "1.25",
         "msg": "said by a daemon"
      }
   ]
}
"""
EVENTS = [
    LogEvent(3, "dmesg_json", 'Linux {version} "6.1"', "+0.000000", "kern", "notice"),
    LogEvent(7, "dmesg_json", "x: }, {", "+12.500001", "kern", "warn"),
    LogEvent(11, "dmesg_json", "said by a daemon", "+1.25", "daemon", "warn"),
]


@pytest.fixture
def records(tmp_path):
    def parse(content, name="x.log"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return [record for _, record in read(path)]

    return parse


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
def test_dmesg_json_in_pieces_of_any_size(size):
    raw = DMESG.encode()
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert list(framed.read("dmesg_json", "x", pieces)) == EVENTS


def test_dmesg_json_in_one_line(records):
    line = json.dumps({"dmesg": [{"pri": 6, "time": 1.5, "msg": "a"}, {"pri": 3, "time": 2, "msg": "b"}]})
    assert [(event.time, event.severity, event.message) for event in records(line)] == [
        ("+1.500000", "info", "a"),
        ("+2.000000", "err", "b"),
    ]


def test_what_is_damaged_in_dmesg_json_costs_its_own_object(records):
    for old, new in (
        ('"x: }, {"', '"x: torn'),
        ('"time":    12.500001,', '"time":    12.5'),
        ('      },{\n         "fac', '      ,{\n         "fac'),
    ):
        assert old in DMESG
        found = records(DMESG.replace(old, new))
        assert [item for item in found if isinstance(item, LogEvent)] == [EVENTS[0], EVENTS[2]]
        (bad,) = [item for item in found if isinstance(item, Bad)]
        assert (bad.offset, bad.reason) == (7, "not a JSON object")
    *whole, cut = records(DMESG[: DMESG.index("said")])
    assert whole == EVENTS[:2]
    assert (cut.offset, cut.reason) == (11, "not a JSON object")
    assert [item.reason for item in records('{"dmesg": [{"pri": 6}]}')] == ["dmesg object without msg"]


def test_an_object_beyond_the_limit_is_set_aside(records):
    text = DMESG.replace("x: }, {", "x" * (1 << 21))
    found = records(text)
    assert [item for item in found if isinstance(item, LogEvent)] == [EVENTS[0], EVENTS[2]]
    assert [item.reason for item in found if isinstance(item, Bad)] == ["JSON object longer than 1 MiB"]


def test_json_pretty(records):
    entries = [{"__CURSOR": "s=1", "MESSAGE": "up", "PRIORITY": "6", "_PID": "1"}, {"MESSAGE": [104, 105]}]
    found = records("\n".join(json.dumps(entry, indent="\t") for entry in entries))
    assert [(event.line, event.format, event.message) for event in found] == [
        (1, "journald_pretty", "up"),
        (7, "journald_pretty", "hi"),
    ]


def binary(key, value):
    return key + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


HEAD = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1700000000000000\n__MONOTONIC_TIMESTAMP=5\n_BOOT_ID=1\n"
FIRST = HEAD + b"PRIORITY=3\nSYSLOG_FACILITY=0\nSYSLOG_IDENTIFIER=kernel\n_HOSTNAME=box\nMESSAGE=up=1\n_PID=1\n"
SECOND = HEAD + binary(b"MESSAGE", b"two\n\nlines \xff") + b"_COMM=app\n"
THIRD = HEAD + b"MESSAGE=third\n"


def test_the_export_format_with_binary_fields(records):
    first, second, third = records(b"\n".join((FIRST, SECOND, THIRD)))
    assert first == LogEvent(
        1, "journald_export", "up=1", "2023-11-14T22:13:20+00:00", "kern", "err", "box", "kernel", 1
    )
    assert (second.line, second.message, second.tag) == (12, "two\n\nlines \ufffd", "app")
    assert (third.message, third.line) == ("third", (FIRST + b"\n" + SECOND + b"\n").count(b"\n") + 1)


@pytest.mark.parametrize("size", [1, 5, 64])
def test_the_export_format_in_pieces(size):
    raw = b"\n".join((FIRST, SECOND, THIRD))
    pieces = [raw[at : at + size] for at in range(0, len(raw), size)]
    assert list(framed.read("journald_export", "x", pieces)) == list(framed.read("journald_export", "x", [raw]))


def test_an_export_that_was_cut_or_damaged_keeps_the_rest(records):
    first, cut = records(FIRST + b"\n" + SECOND[: SECOND.index(b"lines")])
    assert (first.message, cut.reason, cut.offset) == ("up=1", "journal export: cut inside a binary field", 12)
    damaged = SECOND.replace((len(b"two\n\nlines \xff")).to_bytes(8, "little"), b"\xff" * 8)
    found = records(b"\n".join((FIRST, damaged, THIRD)))
    assert [item.message for item in found if isinstance(item, LogEvent)] == ["up=1", "third"]
    assert "journal export: length of a binary field is damaged" in [getattr(item, "reason", "") for item in found]
    found = records(b"\n".join((FIRST, HEAD + b"MESSAGE=x\nnot a field\n", THIRD)))
    assert [getattr(item, "reason", None) for item in found] == [None, "journal export: not a field", None]
    assert records(HEAD)[0].reason == "journal entry without MESSAGE"


def test_a_long_binary_field_is_cut(records):
    (event,) = records(HEAD + binary(b"MESSAGE", b"x" * 3_000_000))
    assert len(event.message) == 1 << 16


PIECES = st.sampled_from(
    [DMESG.encode(), FIRST, SECOND, THIRD, b"\n", b'{"dmesg": [', b"{", b"}", b'"', b"\\", b"MESSAGE\n"]
)


@given(st.lists(PIECES | st.binary(max_size=30), max_size=12), st.sampled_from(framed.FRAMED))
def test_no_bytes_make_it_raise(pieces, name):
    found = list(framed.read(name, "x", pieces))
    lines = [item.line for item in found if isinstance(item, LogEvent)]
    assert lines == sorted(lines)
    assert list(framed.read(name, "x", [b"".join(pieces)])) == found
