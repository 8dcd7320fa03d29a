from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.snapshot import HEADER, TITLES, is_snapshot, parse

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
    assert by_name["cpu_information"] == {"model_name": "Example CPU @ 2.00GHz", "mhz": "1999.999", "cpus": "2"}
    assert by_name["cpu_usage"]["idle_ticks"] == "1000"
    assert by_name["cpu_usage"]["context_switches"] == "4242"
    assert by_name["ram_usage"] == {"mem_total_kb": "24000000", "huge_pages_total": "0", "active_anon_kb": "12"}
    assert by_name["process_list"]["processes"] == "2"
    assert by_name["process_list"]["top_commands"] == "/sbin/init splash; /usr/sbin/sshd -D"
    assert by_name["open_files"] == {"files_of_217": "2"}
    assert by_name["gpu_information"] == {"detected": "no"}
    assert by_name["disk_usage"] == {"/": "/dev/vda1 50G 10G 40G 20%"}
    assert by_name["disk_activity"] == {"vda_reads": "100 2000", "vda_writes": "40 800"}
    assert by_name["network_usage"] == {"lo_received_bytes": "1234", "lo_sent_bytes": "5678"}
    assert by_name["ports"] == {"sockets": "1", "ports": "tcp/22"}


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
