"""The kernel's reports as one event, whatever stamps their lines have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.logs import read
from kslm.sources.logs.traces import MAX_CHARS, grouped
from kslm.sources.records import LogEvent

WARNING = """------------[ cut here ]------------
some driver: refcount went wrong
WARNING: CPU: 1 PID: 77 at drivers/x/y.c:12 f+0x10/0x20 [x]
Modules linked in: x y
CPU: 1 PID: 77 Comm: modprobe Not tainted 6.1.0 #1
Hardware name: Example/Board, BIOS 1.0
RIP: 0010:f+0x10/0x20 [x]
Code: 00 00 <0f> 0b
RSP: 0018:ffff EFLAGS: 00010246
RAX: 0000 RBX: 0001
Call Trace:
 <TASK>
 ? g+0x1/0x2
 h+0x3/0x4
 </TASK>
---[ end trace 0000000000000000 ]---""".splitlines()
OOPS = """BUG: kernel NULL pointer dereference, address: 0000000000000008
#PF: supervisor read access in kernel mode
PGD 0 P4D 0
Oops: 0000 [#1] PREEMPT SMP
CPU: 0 PID: 1 Comm: init Not tainted
RIP: 0010:f+0x1/0x2
Call Trace:
 g+0x1/0x2
CR2: 0000000000000008
---[ end trace 0000000000000000 ]---
RIP: 0010:f+0x1/0x2
Kernel panic - not syncing: Fatal exception
---[ end Kernel panic - not syncing: Fatal exception ]---""".splitlines()

STAMPS = {
    "dmesg": lambda n, line: f"[   12.{n:06d}] {line}",
    "raw with caller": lambda n, line: f"<4>[   12.{n:06d}][  T77] {line}",
    "-T": lambda n, line: f"[Sat Nov 21 05:46:58 2026] {line}",
    "kmsg": lambda n, line: f"4,{n},{12_000_000 + n},-;{line}",
    "syslog": lambda n, line: f"Nov 21 05:46:58 box kernel: [   12.{n:06d}] {line}",
    "short-iso": lambda n, line: f"2026-11-21T05:46:58+0000 box kernel: {line}",
}


@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize("report", [WARNING, OOPS], ids=["warning", "oops"])
def test_a_report_is_one_event(tmp_path, stamp, report):
    lines = ["usb 1-1: before", *report, "usb 1-1: after", "eth0: link up"]
    path = tmp_path / "x.log"
    path.write_text("\n".join(STAMPS[stamp](n, line) for n, line in enumerate(lines)))
    before, whole, after, last = [record for _, record in read(path)]
    assert (before.line, whole.line, after.line) == (1, 2, 2 + len(report))
    assert [line.rpartition("] ")[2] if stamp == "syslog" else line for line in whole.message.split("\n")] == [
        line.rpartition("] ")[2] if stamp == "syslog" else line for line in report
    ]
    assert (after.message.endswith("after"), last.message.endswith("link up")) == (True, True)


def kernel(line, message, time=None, tag=None):
    return LogEvent(line, "dmesg", message, time, tag=tag)


def test_other_lines_in_between_stay_events_of_their_own_after_it():
    found = list(
        grouped(
            [
                kernel(1, "BUG: unable to handle page fault"),
                LogEvent(2, "dmesg", "cron job", tag="cron"),
                kernel(3, "usb 1-1: new device"),
                kernel(4, "RIP: 0010:f+0x1/0x2"),
                kernel(5, "---[ end trace 0 ]---"),
                kernel(6, "usb 1-1: gone"),
            ]
        )
    )
    assert [(event.line, event.message.count("\n")) for event in found] == [(1, 2), (2, 0), (3, 0), (6, 0)]


def test_two_reports_in_a_row_and_one_after_a_pause():
    two = [kernel(n + 1, line) for n, line in enumerate([*WARNING, *OOPS])]
    assert [event.line for event in grouped(two)] == [1, len(WARNING) + 1]
    pause = [kernel(1, "BUG: a", "+1.0"), kernel(2, "BUG: b", "+1.5"), kernel(3, "BUG: c", "+60.0")]
    assert [event.message for event in grouped(pause)] == ["BUG: a\nBUG: b", "BUG: c"]


def test_a_report_without_end_gives_up_after_some_lines():
    lines = ["BUG: a", *(f"eth{n}: link up" for n in range(30)), "RIP: 0010:f", "BUG: b"]
    found = [event.message for event in grouped(kernel(n + 1, line) for n, line in enumerate(lines))]
    assert found == ["BUG: a", *(f"eth{n}: link up" for n in range(30)), "RIP: 0010:f", "BUG: b"]


def test_a_program_that_says_bug_is_no_kernel():
    events = [LogEvent(1, "rfc3164", "BUG: x", tag="app"), LogEvent(2, "rfc3164", " y", tag="app")]
    assert list(grouped(events)) == events


MESSAGES = st.sampled_from([*WARNING, *OOPS, "usb 1-1: x", "y" * (MAX_CHARS // 3)])
TIMES = st.none() | st.sampled_from(
    ["+1.0", "+2.0", "+90.0", "2026-11-21T05:46:58", "--02-30T00:00:00", "2026-11-21T00Z"]
)


@given(st.lists(st.tuples(MESSAGES, TIMES, st.sampled_from([None, "kernel", "cron"])), max_size=60))
def test_no_line_is_lost_and_order_is_kept(found):
    events = [kernel(n + 1, *one) for n, one in enumerate(found)]
    joined = list(grouped(events))
    lines = [line for event in joined for line in event.message.split("\n")]
    assert sorted(lines) == sorted(message for message, *_ in found)
    assert [event.line for event in joined] == sorted({event.line for event in joined})
    assert all(len(event.message) <= MAX_CHARS for event in joined)
