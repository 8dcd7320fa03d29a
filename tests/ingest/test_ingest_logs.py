"""Logs through ingest: redacted before they are mined, templates final, snapshots' fields from redacted text."""

from __future__ import annotations

import os

import pyarrow.parquet as pq
import pytest

from kslm.ingest.local import Spools, read_logs
from kslm.ingest.rows import Origin
from kslm.lake import tables
from kslm.sources.logs.templates import fill

LOG = "".join(
    f"Dec 31 23:59:{n:02d} secrethost sshd[{n + 10}]: Accepted password for {name} from 203.0.113.{n} port 22\n"
    for n, name in enumerate(["alice", "bob", "carol"])
)
SNAPSHOT = """================ System Monitoring Report ================
Timestamp: Sa 21. Nov 10:27:32 UTC 2026
----- Process List -----
USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
root           1  0.0  0.1 100000 12000 ?        Ss   09:10   0:01 /sbin/init
alice        217  1.5  0.1 100000 12000 ?        Ss   09:10   0:01 vim /home/alice/diary
"""


@pytest.fixture
def read(tmp_path):
    def rows(**files):
        folder = tmp_path / "logs"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
            os.utime(folder / name, (1_767_300_000, 1_767_300_000))  # 1 January 2026
        spools = Spools(tmp_path / "spools")
        read_logs(folder, Origin("logs", "1", "MIT", "sha", "now"), spools)
        assert [path.name for path in spools.folder.iterdir() if "events." in path.name] == ["log_events.parquet"]
        wanted = (tables.LOG_EVENTS, tables.LOG_TEMPLATES, tables.SYSTEM_SNAPSHOTS)
        return [pq.read_table(spools.close(table)).to_pylist() for table in wanted]

    return rows


def test_events_have_final_templates_mined_from_redacted_text(read):
    events, templates, _ = read(auth=LOG)
    (template,) = templates
    assert template["tag"] == "sshd"
    assert template["events"] == 3
    assert template["template"] == "Accepted password for <PSEUDONYM> from <PSEUDONYM> port <NUM>"
    assert {event["template_id"] for event in events} == {template["template_id"]}
    for event in events:
        assert fill(template["template"], event["parameters"]) == event["message"]
        assert event["time"].startswith("2025-12-31T23:59")
        assert event["time_inferred"] is True
    stored = str(events) + str(templates)
    assert not any(secret in stored for secret in ("alice", "bob", "carol", "203.0.113", "secrethost"))


def test_the_kernel_is_one_program_in_whichever_log(read):
    events, templates, _ = read(
        dmesg="[    1.500000] usb 1-1: new device 1\n[    1.600000] usb 1-2: new device 2\n",
        kern="Nov 21 10:00:00 box kernel: usb 1-3: new device 9\n",
    )
    assert [(one["tag"], one["template"], one["events"]) for one in templates] == [
        ("kernel", "usb <NUM>-<NUM>: new device <NUM>", 3)
    ]
    assert [event["time_inferred"] for event in events] == [False, False, True]
    assert [event["parameters"] for event in events] == [["1", "1", "1"], ["1", "2", "2"], ["1", "3", "9"]]


def test_fields_of_a_snapshot_say_no_more_than_its_text(read):
    _, _, (section,) = read(report=SNAPSHOT)
    fields = dict(section["fields"])
    assert section["timestamp"] == "2026-11-21T10:27:32+00:00"
    assert fields["process.0.user"] == "root"
    assert fields["process.1.user"] == "<user-1>"
    assert fields["process.1.cpu_percent"] == "1.5"
    assert fields["process.1.command"] == "vim /home/<user-1>/diary"
    assert "alice" not in str(section)
