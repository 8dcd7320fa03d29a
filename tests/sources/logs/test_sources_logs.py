import gzip
import json
import lzma
import os
import resource
from datetime import UTC, datetime

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.logs import read
from kslm.sources.logs.stream import MAX_LINE_BYTES
from kslm.sources.records import Bad, LogEvent, SnapshotSection

WRITTEN = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


def inferred(*values):
    return LogEvent(*values, time_inferred=True)


@pytest.fixture
def events(tmp_path):
    def parse(content, name="x.log"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (WRITTEN, WRITTEN))
        return [record for _, record in read(path)]

    return parse


LINES = {
    "dmesg": ("[    1.500000] usb 1-1: new device", LogEvent(1, "dmesg", "usb 1-1: new device", "+1.500000")),
    "dmesg caller": ("[    1.500000][    T0] x: y", LogEvent(1, "dmesg", "x: y", "+1.500000")),
    "dmesg -x": ("kern  :warn  : [   12.000001] x: y", LogEvent(1, "dmesg", "x: y", "+12.000001", "kern", "warn")),
    "dmesg -r": ("<6>[    0.000000] Linux", LogEvent(1, "dmesg_raw", "Linux", "+0.000000", "kern", "info")),
    "dmesg -T": ("[Sat Nov  7 05:46:58 2026] x: y", LogEvent(1, "dmesg_ctime", "x: y", "2026-11-07T05:46:58")),
    "dmesg iso": (
        "2026-11-21T05:46:58,000123+00:00 usb 1-1: y",
        LogEvent(1, "dmesg_iso", "usb 1-1: y", "2026-11-21T05:46:58.000123+00:00"),
    ),
    "kmsg": ("4,123,12500000,-;x: y", LogEvent(1, "kmsg", "x: y", "+12.500000", "kern", "warn")),
    "rfc3164": (
        "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass",
        inferred(1, "rfc3164", "check pass", "2026-06-14T15:16:01", None, None, "combo", "sshd(pam_unix)", 19939),
    ),
    "rfc3164 day, priority, no pid": (
        "<34>Jul  1 09:00:55 h com.apple.cts: m",
        inferred(1, "rfc3164", "m", "2026-07-01T09:00:55", "auth", "crit", "h", "com.apple.cts", None),
    ),
    "repeated": (
        "Jul  1 09:00:55 --- last message repeated 2 times ---",
        inferred(1, "rfc3164", "--- last message repeated 2 times ---", "2026-07-01T09:00:55"),
    ),
    "rfc5424": (
        '<34>1 2003-10-11T22:14:15.003Z host su - ID47 [a@1 k="v\\]"] \ufefffailed',
        LogEvent(1, "rfc5424", "failed", "2003-10-11T22:14:15.003Z", "auth", "crit", "host", "su"),
    ),
    "short-iso": (
        "2026-11-21T05:46:58+0000 box kernel: up",
        LogEvent(1, "syslog_iso", "up", "2026-11-21T05:46:58+0000", None, None, "box", "kernel"),
    ),
    "dpkg": (
        "2026-11-21 05:46:58 status installed x:amd64 1.2",
        LogEvent(1, "timestamped", "status installed x:amd64 1.2", "2026-11-21T05:46:58"),
    ),
    "alternatives": (
        "update-alternatives 2026-05-20 05:20:52: run with --force",
        LogEvent(1, "timestamped", "run with --force", "2026-05-20T05:20:52", tag="update-alternatives"),
    ),
    "daemon": (
        "2026-05-20 05:20:52.123 UTC [77] LOG:  starting",
        LogEvent(1, "timestamped", "[77] LOG:  starting", "2026-05-20T05:20:52.123Z"),
    ),
    "dmesg -d": ("[    1.500000 <    0.000002>] x: y", LogEvent(1, "dmesg", "x: y", "+1.500000")),
    "dmesg -T -d": (
        "[Sat Nov  7 05:46:58 2026 <    0.000002>] x: y",
        LogEvent(1, "dmesg_ctime", "x: y", "2026-11-07T05:46:58"),
    ),
    "dmesg reltime": ("[Nov 7 05:46] x: y", inferred(1, "dmesg_reltime", "x: y", "2026-11-07T05:46:00")),
    "dmesg delta": ("[<    0.250000>] x: y", inferred(1, "dmesg_delta", "x: y", "+0.250000")),
    "dmesg -x -t": ("kern  :err   : x: y", LogEvent(1, "dmesg_levels", "x: y", None, "kern", "err")),
    "console": ("<3>x: y", LogEvent(1, "dmesg_levels", "x: y", None, "kern", "err")),
    "kmsg caller, escapes": (
        r"6,124,12500000,-,caller=T1;caf\xc3\xa9",
        LogEvent(1, "kmsg", "café", "+12.500000", "kern", "info"),
    ),
    "dmesg -r caller": ("<4>[    0.100000][  C12] x", LogEvent(1, "dmesg_raw", "x", "+0.100000", "kern", "warn")),
    "short-precise": (
        "Nov 20 15:16:01.123456 box unit-a/b.service[7]: m",
        inferred(1, "rfc3164", "m", "2026-11-20T15:16:01.123456", None, None, "box", "unit-a/b.service", 7),
    ),
    "short-full": (
        "Sat 2026-11-21 05:46:58 UTC box systemd[1]: up",
        LogEvent(1, "journal_full", "up", "2026-11-21T05:46:58Z", None, None, "box", "systemd", 1),
    ),
    "short-unix": (
        "1700000000.000123 box systemd[1]: up",
        LogEvent(1, "journal_unix", "up", "2023-11-14T22:13:20.000123+00:00", None, None, "box", "systemd", 1),
    ),
    "rfc5424 data only": (
        '<30>1 - - app 12 - [x@1 k="v"]',
        LogEvent(1, "rfc5424", '[x@1 k="v"]', None, "daemon", "info", None, "app", 12),
    ),
    "thunderbird": (
        "- 1700000000 2023.11.14 node7 Nov 14 22:13:20 node7/node7 crond(pam_unix)[29]: session opened",
        LogEvent(
            1, "thunderbird", "session opened", "2023-11-14T22:13:20+00:00", None, None, "node7", "crond(pam_unix)", 29
        ),
    ),
    "bgl": (
        "KERNDTLB 1700000000 2023.11.14 R02-M1 2023-11-14-22.13.20.675872 R02-M1 RAS KERNEL FATAL data error",
        LogEvent(1, "bgl", "data error", "2023-11-14T22:13:20.675872+00:00", None, "crit", "R02-M1", "KERNEL"),
    ),
    "hpc": (
        "17 node-3 unix.hw state.down 1700000000 1 no heartbeat",
        LogEvent(1, "hpc", "state.down no heartbeat", "2023-11-14T22:13:20+00:00", None, None, "node-3", "unix.hw"),
    ),
    "windows": (
        "2026-09-28 04:30:30, Info                  CBS    Loaded the stack",
        LogEvent(1, "windows_cbs", "Loaded the stack", "2026-09-28T04:30:30", None, "info", None, "CBS"),
    ),
    "android": (
        "03-17 16:13:38.811  1702  2395 W WindowManager: frozen: 1",
        inferred(1, "android", "frozen: 1", "2026-03-17T16:13:38.811", None, "warn", None, "WindowManager", 1702),
    ),
    "apache": (
        "[Sun Dec 04 04:47:44 2005] [error] no such child",
        LogEvent(1, "apache", "no such child", "2005-12-04T04:47:44", None, "err"),
    ),
    "apache 2.4": (
        "[Sun Dec 04 04:47:44.123456 2005] [core:notice] [pid 5:tid 99] AH1: ready",
        LogEvent(1, "apache", "AH1: ready", "2005-12-04T04:47:44.123456", None, "notice", None, None, 5),
    ),
    "application": (
        "2026-11-21T05:46:58Z INFO main: ready",
        LogEvent(1, "timestamped", "INFO main: ready", "2026-11-21T05:46:58Z"),
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_formats(events, case):
    line, expected = LINES[case]
    assert events(f"{line}\r\n") == [expected]


def test_continuation_lines_belong_to_their_event(events):
    text = "-- Boot 3f0c --\n[ 1.000000] Oops: 0000\n Call Trace:\n  f+0x1/0x2\n\n[ 2.000000] next\n"
    first, second = events(text)
    assert (first.line, first.message) == (2, "Oops: 0000\n Call Trace:\n  f+0x1/0x2")
    assert (second.line, second.message) == (6, "next")


def test_progress_bars_keep_their_last_state(events):
    text = "[ 1.000000] start\n(Reading ... \r(Reading ... 50%\r(Reading done)\r\n"
    assert events(text)[0].message == "start\n(Reading done)"


def test_apt_history_is_one_event_a_run(events):
    text = "\nStart-Date: 2026-11-21  05:46:58\nCommandline: apt-get install x\nEnd-Date: 2026-11-21  05:47:00\n"
    (event,) = events(text)
    assert event.time == "2026-11-21T05:46:58"
    assert event.message.startswith("Commandline: apt-get install x")


def test_journal_json_and_its_irregularities(events):
    entries = [
        {"__REALTIME_TIMESTAMP": "1700000000000000", "PRIORITY": "6", "SYSLOG_FACILITY": "3", "MESSAGE": "up",
         "_HOSTNAME": "box", "SYSLOG_IDENTIFIER": "systemd", "_PID": "1"},
        {"MESSAGE": [104, 105, 255]},
        {"MESSAGE": ["one", "two"], "_COMM": "x"},
        {"MESSAGE": None},
        {"PRIORITY": "6", "__CURSOR": "s"},
    ]  # fmt: skip
    lines = [json.dumps(entry) for entry in entries] + ["{broken", '"text"']
    first, binary, repeated, *bad = events("\n".join(lines))
    assert first == LogEvent(
        1, "journald_json", "up", "2023-11-14T22:13:20+00:00", "daemon", "info", "box", "systemd", 1
    )
    assert binary.message == "hi\ufffd"
    assert (repeated.message, repeated.tag) == ("one\ntwo", "x")
    assert [(item.offset, item.reason) for item in bad] == [
        (4, "journal entry whose message was too long to export"),
        (5, "journal entry without MESSAGE"),
        (6, "not a JSON object"),
        (7, "not a JSON object"),
    ]


def test_a_line_beyond_the_limit_is_set_aside_and_the_rest_read(events):
    text = b"[ 1.000000] a\n[ 2.000000] " + b"x" * (3 * MAX_LINE_BYTES) + b"\n[ 3.000000] b\n"
    first, bad, last = sorted(events(text), key=lambda item: getattr(item, "line", getattr(item, "offset", 0)))
    assert (first.message, last.message, last.line) == ("a", "b", 3)
    assert (bad.offset, bad.size) == (2, 3 * MAX_LINE_BYTES + 12)
    assert bad.reason.startswith("line longer than")


def test_a_300_mb_line_takes_bounded_memory(tmp_path):
    path = tmp_path / "huge.log"
    with path.open("wb") as stream:
        stream.write(b"[ 1.000000] a\n[ 2.000000] ")
        for _ in range(300):
            stream.write(b"x" * 1_000_000)
        stream.write(b"\n[ 3.000000] b\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    records = [record for _, record in read(path)]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    assert sorted(type(record).__name__ for record in records) == ["Bad", "LogEvent", "LogEvent"]


def compress(kind, raw):
    return {"gz": gzip.compress, "xz": lzma.compress, "zst": zstandard.ZstdCompressor(write_checksum=True).compress}[
        kind
    ](raw)


@pytest.mark.parametrize("kind", ["gz", "xz", "zst"])
def test_compressed_and_cut_files(events, kind):
    raw = b"".join(b"[ %d.000000] event %s\n" % (n, os.urandom(20).hex().encode()) for n in range(20_000))
    whole = compress(kind, raw)
    assert len(events(whole, f"kern.log.1.{kind}")) == 20_000
    assert len(events(whole + whole, f"two.{kind}")) == 40_000
    *good, bad = events(whole[: len(whole) // 2], f"cut.{kind}")
    assert isinstance(bad, Bad)
    assert bad.reason == "compressed file ends too early"
    assert len(good) > 5_000
    damaged = events(whole[:200] + bytes(100) + whole[300:], f"bad.{kind}")
    assert any(isinstance(item, Bad) and "compressed file" in item.reason for item in damaged)


def test_bytes_that_are_no_text(events):
    mended, first, second = sorted(
        events(b"[ 1.000000] caf\xe9\n[ 2.000000] b\xe9\x00\n"), key=lambda item: isinstance(item, LogEvent)
    )[0:3]
    assert mended.reason == "not UTF-8: decoded with replacement"
    assert mended.size == 0
    assert first.reason == "NUL bytes: left out"
    assert second.message == "caf\ufffd"
    assert [item.reason for item in events(b"\x07\x00\x00\x00tty1" + bytes(380))] == ["binary file"]
    assert [item.reason for item in events(b"just some prose\nand more\n")] == ["no known log format"]
    assert [item.reason for item in events(b"")] == ["empty file"]
    many = [item for item in events("junk\n" * 30 + "[ 1.000000] a\n") if isinstance(item, Bad)]
    assert (len(many), many[-1].reason, many[-1].size) == (21, "line before the first event (as 10 more)", 40)


def test_a_folder_is_walked_in_order(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.log").write_text("[ 1.000000] b\n")
    (tmp_path / "z.log").write_text("[ 1.000000] z\n")
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "fifo")
    found = list(read(tmp_path))
    assert [name for name, _ in found] == ["fifo", "link", "z.log", "sub/b.log"]
    assert [getattr(item, "reason", None) for _, item in found[:2]] == ["not a regular file", "link: not followed"]
    assert next(read(tmp_path / "sub" / "b.log", tmp_path))[0] == "sub/b.log"
    (tmp_path / "none").mkdir()
    assert next(read(tmp_path / "none"))[1].reason == "folder without files"
    assert next(read(tmp_path / "missing.log"))[1].reason == "unreadable: No such file or directory"


def test_an_unreadable_file_is_set_aside(tmp_path, monkeypatch):
    path = tmp_path / "secret.log"
    path.write_text("[ 1.000000] b\n")

    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert [item for _, item in read(path)] == [Bad("secret.log", 0, "unreadable: Permission denied")]


def test_snapshots_are_recognised_by_content(events):
    (section,) = events(
        "================ System Monitoring Report ================\n----- CPU Usage -----\ncpu  1 2 3\n"
    )
    assert isinstance(section, SnapshotSection)
    assert section.section == "cpu_usage"


def test_bare_messages_are_taken_for_the_kernels_only_when_they_sound_like_it(events):
    text = "Linux version 6.1.0 (gcc 12)\nCommand line: quiet\nsome driver: ready\n  wrapped\n"
    assert [(event.line, event.format, event.message) for event in events(text)] == [
        (1, "dmesg_notime", "Linux version 6.1.0 (gcc 12)"),
        (2, "dmesg_notime", "Command line: quiet"),
        (3, "dmesg_notime", "some driver: ready\n  wrapped"),
    ]


def test_kmsg_fields_stay_with_their_message(events):
    text = "6,9,100,-;usb 1-1: new\n SUBSYSTEM=usb\n DEVICE=+usb:1-1\\x20a\n6,10,200,-;next\n"
    assert [event.message for event in events(text)] == ["usb 1-1: new\n SUBSYSTEM=usb\n DEVICE=+usb:1-1 a", "next"]


def test_reltime_and_delta_add_up(events):
    reltime = "[Nov20 23:59] a\n[ +59.500000] b\n[  +1.000000] c\n[Nov21 00:01] d\n"
    assert [event.time for event in events(reltime)] == [
        "2026-11-20T23:59:00",
        "2026-11-20T23:59:59.500000",
        "2026-11-21T00:00:00.500000",
        "2026-11-21T00:01:00",
    ]
    assert [event.time for event in events("[<    1.500000>] a\n[<    0.600000>] b\n")] == ["+1.500000", "+2.100000"]


def test_the_more_specific_format_wins(events):
    text = "[Sun Dec 04 04:47:44 2005] [notice] a\n[Sun Dec 04 04:47:45 2005] plain\n"
    assert [event.format for event in events(text)] == ["apache", "dmesg_ctime"]


@given(
    st.lists(st.sampled_from([*(line for line, _ in LINES.values()), "  wrapped", "-- Boot 1 --", "", "prose"]),
             max_size=60),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)  # fmt: skip
def test_every_line_ends_up_somewhere_once(tmp_path_factory, heads, end, closed):
    """Every line carries a mark of its own: each must be found in one event or one Bad; separators in none."""
    path = tmp_path_factory.mktemp("all") / "x.log"
    lines = [f"{head} mark{n:03d}" if head.strip() and head[:2] != "--" else head for n, head in enumerate(heads)]
    path.write_bytes((end.join(lines) + end * closed).encode())
    records = [record for _, record in read(path)]
    if any(isinstance(record, Bad) and record.reason in ("no known log format", "empty file") for record in records):
        return
    many = [record for record in records if isinstance(record, Bad) and record.reason.endswith("more)")]
    texts = [record.message if isinstance(record, LogEvent) else record.sample for record in records]
    for line in lines:
        if "mark" in line and not many:
            assert sum(line[-7:] in text for text in texts) == 1, line
    numbers = [record.line for record in records if isinstance(record, LogEvent)]
    assert numbers == sorted(set(numbers))


HEADS = [line for line, _ in LINES.values()]
noise = st.binary(max_size=300) | st.sampled_from([head.encode()[:n] for head in HEADS for n in (5, 20, 60)])


@given(st.lists(noise, max_size=8).map(b"\n".join), st.sampled_from(["", "gz", "xz", "zst"]))
def test_no_bytes_make_it_raise(tmp_path_factory, content, kind):
    path = tmp_path_factory.mktemp("fuzz") / "x.log"
    magic = {"": b"", "gz": b"\x1f\x8b\x08\x00", "xz": b"\xfd7zXZ\x00", "zst": b"\x28\xb5\x2f\xfd"}[kind]
    path.write_bytes(magic + content)
    for name, record in read(path):
        assert name == "x.log"
        assert isinstance(record, LogEvent | SnapshotSection | Bad)
        assert "\x00" not in (getattr(record, "message", "") or "")
