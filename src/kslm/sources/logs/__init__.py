"""System logs of any of the usual formats to events, the format found from the content.

Read are: phase-1 snapshots (`snapshot`); dmesg in all its forms (plain, -r, -x, -T, -d, -t, iso, reltime, delta, -J)
and /dev/kmsg; RFC 3164 (also `journalctl -o short` and short-precise), RFC 5424, ISO-stamped syslog (`-o short-iso`),
short-full and short-unix; journald as JSON (json, json-seq, json-sse, json-pretty) and in its export format;
BlueGene/L, Thunderbird and HPC logs, Windows' CBS.log, Android's logcat, Apache's error log; and logs whose lines carry
a full date in front (dpkg.log, apt's, alternatives.log, many daemons'). Files may be rotated and compressed (gzip, xz,
zstd). A folder is walked in sorted order.

An event is a line with the lines that follow it in no format of their own; what the kernel reports in many stamped
lines (an oops, a call trace) is one event too (kslm.sources.logs.traces). Missing years follow from the file's time
(kslm.sources.logs.clock). Messages get templates from kslm.sources.logs.templates, once they are redacted.

Files are streamed with a bounded line length, so memory does not depend on their size. Whatever is set aside is
reported as a Bad: a file as a whole (binary, empty, unreadable, in no known format) or a piece of one.

Limits: binary journals are not read, nor journalctl's short-monotonic (its host and tag look like dmesg's message).
"""

from kslm.sources.logs.reader import read

__all__ = ["read"]
