"""The kernel's oopses, warnings and call traces put together: one event, though every line has a stamp of its own.

    [   12.3] ------------[ cut here ]------------
    [   12.3] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x10/0x20
    [   12.3] Modules linked in: ...
    [   12.3] RIP: 0010:f+0x10/0x20
    [   12.3] Call Trace:
    [   12.3]  <TASK>
    [   12.3]  g+0x5/0x10
    [   12.3] ---[ end trace 0000000000000000 ]---

A trace begins at a line that only a report begins with, takes the lines of its own log that look like parts of one, and
ends at the end mark (with the registers that may follow it), at a pause, or when too many other lines have come. Lines
between its parts that are none (of other programs, of other processors) stay events of their own, after it.

Limits: two processors that report at once are mixed. A part that looks like nothing known ends a trace after a while.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from kslm.sources.records import LogEvent

MAX_CHARS = 1 << 16
_MAX_STRANGERS = 8
_MAX_HELD = 256
_PAUSE_SECONDS = 10.0
_CUT = "cut here ]---"
_AFTER_CUT = 2

_UPTIME = re.compile(r"\[ {0,12}[0-9]{1,10}\.[0-9]{6}\] ?")
_START = re.compile(
    r"-{4,}\[ cut here \]-|BUG: |kernel BUG at |Oops(?:: | - )|Kernel (?:panic - not syncing|Oops)|Call [Tt]race:"
    r"|WARNING: (?:CPU: |[\w./-]{1,128}:[0-9]+ at |possible |suspicious |inconsistent )|general protection fault"
    r"|Unable to handle kernel |(?:divide error|invalid opcode|stack segment|double fault|Internal error): "
    r"|(?:NMI )?watchdog: (?:BUG|Watchdog detected)|INFO: (?:task \S{1,64} blocked|rcu_|possible )|rcu: INFO: "
    r"|\S{1,64}: page allocation (?:failure|stall)|\S{1,64} invoked oom-killer"
)
_PART = re.compile(
    r"\s|-{3,}\[ end |(?:[ER]?(?:IP|SP|AX|BX|CX|DX|SI|DI|BP|FLAGS)|R[0-9]{2}|ORIG_RAX|CR[0-9]|DR[0-7]|PKRU|[FGCDES]S"
    r"|#PF|P[G4UM]D|PTE|Code|CPU|PID|Hardware name|Workqueue|Stack|Tainted|Process|Comm|Modules linked in"
    r"|Unloaded tainted|Last unloaded|(?:Mem|Data) abort info|Call [Tt]race|Backtrace|Trace|pc|lr|sp|pstate|fp"
    r"|[xr][0-9]{1,2}|NIP|LR|CTR|XER|MSR|GPR[0-9]{2}|epc|ra|sepc|status|PSTATE|Internal error"
    r"|(?:Allocated|Freed) by task|Memory state around|The buggy address|task|Sending NMI|NMI backtrace|Dumping ftrace"
    r"|Kernel Offset|Rebooting in|SMP|Thread overran|irq event stamp|(?:hard|soft)irqs last)(?!\w)|={8,}$|-{8,}$|\*\*\*"
    r"|\? |=> |\[<?[0-9a-f]{8,16}>?\]|<[/A-Z][A-Z]{1,15}>|>?[0-9a-f]{8,16}: "
    r"|[\w.]{1,128}\+0x[0-9a-f]{1,8}/0x[0-9a-f]{1,8}|Mem-Info:|Node [0-9]+ |\[ *[0-9]+\] +[0-9]"
)


def grouped(events: Iterable[LogEvent]) -> Iterator[LogEvent]:
    """The events in order of their first lines, the lines of each kernel report joined into one."""
    trace: _Trace | None = None
    for event in events:
        pending = [event]
        while pending:
            current = pending.pop(0)
            if trace is None:
                if _of_kernel(current) and _START.match(_said(current)):
                    trace = _Trace(current)
                else:
                    yield current
            elif not trace.take(current):
                yield trace.event()
                # What it held may begin a trace itself.
                pending = [*trace.held, current, *pending]
                trace = None
    if trace is not None:
        yield trace.event()
        yield from grouped(trace.held)


class _Trace:
    """One report on its way, and the events that came between its lines."""

    def __init__(self, first: LogEvent) -> None:
        self.held: list[LogEvent] = []
        self._first = first
        self._lines = [first.message]
        self._chars = len(first.message)
        self._free = _AFTER_CUT if _CUT in first.message else 0
        self._last = _moment(first)
        self._strangers = 0
        self._ended = False

    def take(self, event: LogEvent) -> bool:
        """Whether the report goes on: the event is part of it, or held because it came in between."""
        if not self._is_same_log(event):
            self.held.append(event)
            return len(self.held) < _MAX_HELD or self._give_back()
        moment, message = _moment(event), _said(event)
        is_start = _START.match(message) is not None
        if self._is_later(moment) or _CUT in message or self._chars + len(event.message) >= MAX_CHARS:
            return False
        if self._free or _PART.match(message) or (is_start and not self._ended):
            self._lines.append(event.message)
            self._chars += len(event.message) + 1
            self._last = moment
            self._free = max(0, self._free - 1)
            self._strangers = 0
            self._ended = self._ended or "[ end " in message
            return True
        if self._ended and message.startswith("Kernel panic"):
            self._lines.append(event.message)
            return True
        if self._ended or self._strangers == _MAX_STRANGERS:
            return False
        self._strangers += 1
        self.held.append(event)
        return len(self.held) < _MAX_HELD or self._give_back()

    def event(self) -> LogEvent:
        return replace(self._first, message="\n".join(self._lines))

    def _give_back(self) -> bool:
        """The event just held is the caller's again: the report is over."""
        self.held.pop()
        return False

    def _is_same_log(self, event: LogEvent) -> bool:
        of = self._first
        return (event.format, event.host, event.tag) == (of.format, of.host, of.tag)

    def _is_later(self, moment: float | None) -> bool:
        return moment is not None and self._last is not None and not -1 <= moment - self._last <= _PAUSE_SECONDS


def _of_kernel(event: LogEvent) -> bool:
    return event.tag == "kernel" or (event.tag is None and event.format.startswith(("dmesg", "kmsg")))


def _said(event: LogEvent) -> str:
    """The message without the kernel's own time, which syslog keeps in front of it."""
    message = event.message
    return _UPTIME.sub("", message, count=1) if message[:1] == "[" else message


def _moment(event: LogEvent) -> float | None:
    """Seconds, for differences only."""
    time = event.time
    if time is None:
        return None
    try:
        if time[0] == "+":
            return float(time)
        moment = datetime.fromisoformat(time)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
