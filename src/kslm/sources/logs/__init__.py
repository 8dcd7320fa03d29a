"""System logs of any of the usual formats to events, the format found from the content.

Read are: phase-1 snapshots (kslm.sources.snapshot), dmesg in its plain, raw, -x, -T and iso forms, /dev/kmsg, RFC
3164 (also `journalctl -o short`), RFC 5424, ISO-stamped syslog (`-o short-iso`), journald JSON lines, and logs whose
lines carry a full date in front (dpkg.log, apt's, alternatives.log, many daemons'). Files may be rotated and compressed
(gzip, xz, zstd). A folder is walked in sorted order.

Files are streamed with a bounded line length, so memory does not depend on their size. Whatever is set aside is
reported as a Bad: a file as a whole (binary, empty, unreadable, in no known format) or a piece of one.

Limits: journald's export format, dmesg -J and binary journals are not read; a missing year stays missing.
"""

from kslm.sources.logs.reader import read

__all__ = ["read"]
