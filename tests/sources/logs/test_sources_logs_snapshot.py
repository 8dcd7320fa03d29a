import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.logs.snapshot import HEADER, TITLES, is_snapshot, moment, parse
from kslm.sources.logs.snapshot_fields import fields_of, typed

SNAPSHOT = f"""{HEADER}
Zeitstempel: Sa 21. Nov 10:27:32 UTC 2026

----- CPU Information -----
processor\t: 0
model name\t: Example CPU @ 2.00GHz
cpu MHz\t\t: 1999.999

processor\t: 1
model name\t: Example CPU @ 2.00GHz

----- CPU Usage -----
cpu  10 0 5 1000 2 0 1 0 0 0
cpu0 5 0 2 500 1 0 1 0 0 0
ctxt 4242

----- Speichernutzung -----
MemTotal:       24000000 kB
HugePages_Total:       0
Active(anon):      12 kB

----- Process List -----
USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
root           1  0.0  0.1 100000 12000 ?        Ss   09:10   0:01 /sbin/init splash
root         217  0.0  0.1 100000 12000 ?        Ss   09:10   0:01 /usr/sbin/sshd -D

----- Open Files by Top Processes -----
PID: 217
lrwx------ 1 root root 64 Nov 21 10:27 0 -> /dev/null
lrwx------ 1 root root 64 Nov 21 10:27 1 -> /dev/null

----- GPU Information -----
No GPU detected

----- Disk Usage -----
Filesystem      Size  Used Avail Use% Mounted on
/dev/vda1        50G   10G   40G  20% /

----- Disk Read/Write Activity -----
 254       0 vda 100 0 2000 30 40 0 800 10 0 20 40 0 0 0 0

----- Network Usage -----
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
    lo: 1234 10 0 0 0 0 0 0 5678 10 0 0 0 0 0 0

----- Open Ports & Active Connections -----
Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
tcp   LISTEN 0      128    0.0.0.0:22         0.0.0.0:*

----- Sensors -----
temp1: +40.0

----- CPU Usage -----
"""


def fields(section):
    return dict(section.fields)


def test_the_ten_sections_and_the_odd_ones():
    sections = list(parse(SNAPSHOT))
    assert [section.section for section in sections] == [*TITLES, "unknown", "cpu_usage"]
    assert [section.index for section in sections] == list(range(12))
    assert {section.timestamp for section in sections} == {"Sa 21. Nov 10:27:32 UTC 2026"}
    by_name = {section.section: fields(section) for section in reversed(sections)}
    assert typed(by_name["cpu_information"]) == {
        "cpu_model": "Example CPU @ 2.00GHz", "frequency_mhz": 1999.999, "logical_cpu_count": 2,
    }  # fmt: skip
    assert typed(by_name["cpu_usage"])["idle_ticks"] == 1000
    assert typed(by_name["cpu_usage"])["context_switch_count"] == 4242
    assert typed(by_name["ram_usage"]) == {
        "mem_total_kib": 24000000, "huge_pages_total_count": 0, "active_anon_kib": 12,
    }  # fmt: skip
    processes = typed(by_name["process_list"])
    assert processes["process_count"] == 2
    assert (processes["process.1.pid"], processes["process.1.memory_percent"]) == (217, 0.1)
    assert (processes["process.1.resident_kib"], processes["process.1.command"]) == (12000, "/usr/sbin/sshd -D")
    assert typed(by_name["open_files"]) == {"process.0.pid": 217, "process.0.open_files": 2}
    assert typed(by_name["gpu_information"]) == {"gpu_detected": False}
    assert typed(by_name["disk_usage"]) == {
        "disk.0.file_system": "/dev/vda1", "disk.0.size_bytes": 50 << 30, "disk.0.used_bytes": 10 << 30,
        "disk.0.available_bytes": 40 << 30, "disk.0.used_percent": 20.0, "disk.0.mount_point": "/",
    }  # fmt: skip
    assert typed(by_name["disk_activity"]) == {
        "device.0.name": "vda", "device.0.reads_completed": 100, "device.0.read_bytes": 1024000,
        "device.0.writes_completed": 40, "device.0.written_bytes": 409600, "device.0.busy_ms": 20,
    }  # fmt: skip
    network = typed(by_name["network_usage"])
    assert (network["interface.0.name"], network["interface.0.received_bytes"]) == ("lo", 1234)
    assert (network["interface.0.sent_bytes"], network["interface.0.sent_packets"]) == (5678, 10)
    assert typed(by_name["ports"]) == {
        "socket_count": 1, "socket.0.protocol": "tcp", "socket.0.state": "LISTEN",
        "socket.0.local_address": "0.0.0.0", "socket.0.local_port": 22,
    }  # fmt: skip


NVIDIA = """
| NVIDIA-SMI 550.54.15    Driver Version: 550.54.15    CUDA Version: 12.4     |
|   0  Example GPU 80GB               On  |   00000000:01:00.0 Off |          0 |
| N/A   41C    P0             68W /  350W |    1024MiB /  81559MiB |      7%      Default |
"""


def test_graphics_cards_in_either_form():
    nvidia = typed(fields_of("gpu_information", NVIDIA))
    assert (nvidia["driver_version"], nvidia["cuda_version"], nvidia["gpu_detected"]) == ("550.54.15", "12.4", True)
    assert (nvidia["gpu.0.name"], nvidia["gpu.0.memory_total_mib"]) == ("Example GPU 80GB", 81559)
    assert (nvidia["gpu.0.busy_percent"], nvidia["gpu.0.power_watts"]) == (7.0, 68.0)
    names = fields_of("gpu_information", "card0\ncard0-HDMI-A-1\nrenderD128\ncard1")
    assert names == {"gpu.0.name": "card0", "gpu.1.name": "card1", "gpu_detected": "true"}


def test_sizes_of_df_in_either_notation_and_damage_stays_text():
    rows = fields_of("disk_usage", "tmpfs 1,5G 0 512K 1% /run\n/dev/sda1 ? 1G 2G 50% /data disk")
    assert (rows["disk.0.size_bytes"], rows["disk.0.used_bytes"]) == (str(3 << 29), "0")
    assert "disk.1.size_bytes" not in rows
    assert rows["disk.1.mount_point"] == "/data disk"
    assert typed({"mem_total_kib": "many", "x_percent": "1e9", "y_port": "*"}) == {
        "mem_total_kib": "many", "x_percent": "1e9", "y_port": "*",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("Sat Nov 21 10:27:32 UTC 2026", "2026-11-21T10:27:32+00:00"),
        ("Sa 21. Nov 10:27:32 CET 2026", "2026-11-21T10:27:32"),
        ("sam. 21 nov. 2026 10:27:32 CET", "2026-11-21T10:27:32"),
        ("mar. 3 mars 2026 09:05:00 UTC", "2026-03-03T09:05:00+00:00"),
        ("sáb 21 nov 2026 10:27:32 CET", "2026-11-21T10:27:32"),
        ("Sat 21 Nov 2026 10:27:32 PM UTC", "2026-11-21T22:27:32+00:00"),
        ("2026年 11月 21日 土曜日 10:27:32 UTC", "2026-11-21T10:27:32+00:00"),
        ("2026-11-21 10:27:32 +0100", "2026-11-21T10:27:32+01:00"),
        ("Sat Feb 30 10:27:32 UTC 2026", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_the_time_of_a_report_in_its_language(stamp, expected):
    assert moment(stamp) == expected


@given(st.text(max_size=200))
def test_no_stamp_makes_it_raise(stamp):
    moment(stamp)


def test_blank_lines_do_not_end_a_section_and_empty_ones_are_kept():
    sections = list(parse(SNAPSHOT))
    assert sections[0].text.count("processor") == 2
    assert (sections[2].title, sections[2].section) == ("Speichernutzung", "ram_usage")
    assert (sections[10].title, sections[10].text, sections[10].fields) == ("Sensors", "temp1: +40.0", ())
    assert (sections[11].section, sections[11].text, sections[11].fields) == ("cpu_usage", "", ())


def test_every_title_in_another_language_is_found_by_content():
    sections = list(parse(SNAPSHOT))[:10]
    translated = HEADER + "\n" + "".join(f"----- Sezione àé {n} -----\n{s.text}\n" for n, s in enumerate(sections))
    assert [section.section for section in parse(translated)] == list(TITLES)


def test_appended_snapshots_have_their_own_time():
    twice = SNAPSHOT + SNAPSHOT.replace("10:27:32", "11:00:00")
    assert [section.timestamp for section in parse(twice)][11:13] == [
        "Sa 21. Nov 10:27:32 UTC 2026",
        "Sa 21. Nov 11:00:00 UTC 2026",
    ]


def test_recognition():
    assert is_snapshot(SNAPSHOT)
    assert is_snapshot(SNAPSHOT.partition("\n")[2])
    assert not is_snapshot("----- begin -----\nsome text\n----- end -----\n")


@given(st.text() | st.lists(st.sampled_from(SNAPSHOT.splitlines())).map("\n".join))
def test_no_text_makes_it_raise(text):
    sections = list(parse(text))
    assert [section.index for section in sections] == list(range(len(sections)))
    assert all(isinstance(value, str) for section in sections for _, value in section.fields)
