import pwd
import socket
import subprocess
from types import SimpleNamespace

import pytest

from kslm import collect as collecting
from kslm.collect import collect
from kslm.redact import redact
from kslm.sources.logs import read
from kslm.sources.logs.snapshot import TITLES

ARGUMENTS = "--password hunter2 --user=kroe --key Zx81qP02mmAa77bbCC93 /home/kroe/a.pdf"
PS = f"""USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND
root           1  0.0  0.1 100000 12000 ?        Ss   09:10   0:01 /sbin/init
kroe         217  0.0  0.1 100000 12000 ?        Ss   09:10   0:01 vpn {ARGUMENTS}
"""
SS = """Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
tcp   LISTEN 0      128    192.168.178.20:22         0.0.0.0:*
tcp   LISTEN 0      128    [fe80::5054:ff:fe12:3456]%eth0:22      [::]:*
"""
DF = """Filesystem      Size  Used Avail Use% Mounted on
/dev/vda1        50G   10G   40G  20% /
nas7:/export    50G   10G   40G  20% /media/kroe
"""


@pytest.fixture
def sections(tmp_path):
    def taken():
        path = collect(tmp_path)
        return path, {record.section: record for _, record in read(path)}

    return taken


def test_a_snapshot_of_this_machine_reads_back(sections):
    path, by_name = sections()
    assert path.name.startswith("system_log_2")
    assert path.suffix == ".log"
    assert list(by_name) == list(TITLES)
    assert int(dict(by_name["ram_usage"].fields)["mem_total_kib"]) > 100_000
    assert dict(by_name["cpu_usage"].fields)["idle_ticks"].isdigit()
    assert by_name["process_list"].timestamp
    text = path.read_text()
    assert redact(text).text == text
    assert list(path.parent.iterdir()) == [path]


def test_what_belongs_to_a_person_or_the_machine_is_gone(sections, monkeypatch):
    outputs = {"ps": PS, "ss": SS, "df": DF, "nvidia-smi": "seen on THINKPAD7.example.net by kroe\n"}
    monkeypatch.setattr(collecting, "_output", lambda tool, *_: outputs[tool])
    monkeypatch.setattr(socket, "gethostname", lambda: "thinkpad7.example.net")
    monkeypatch.setattr(pwd, "getpwall", lambda: [SimpleNamespace(pw_name="kroe", pw_uid=1000)])
    path, by_name = sections()
    text = path.read_text()
    private = ["kroe", "hunter2", "Zx81qP02mmAa77bbCC93", "a.pdf", "192.168.178.20", "fe80", "nas7", "thinkpad7"]
    assert [word for word in private if word in text.lower() or word in text] == []
    assert "/sbin/init" in by_name["process_list"].text
    assert dict(by_name["ports"].fields)["socket.0.local_port"] == "22"
    disks = dict(by_name["disk_usage"].fields)
    assert [disks[f"disk.{n}.mount_point"] for n in (0, 1)] == ["/", "/media/<user-1>"]
    assert "disk.2.mount_point" not in disks
    assert by_name["gpu_information"].text == "seen on <host-2> by <user-1>"


def test_missing_tools_and_files_cost_no_section(sections, monkeypatch):
    def no_tool(*_args, **_kwargs):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(subprocess, "run", no_tool)
    monkeypatch.setitem(collecting._SECTIONS, "cpu_information", collecting._file("/proc/none"))
    _, by_name = sections()
    assert list(by_name) == list(TITLES)
    assert by_name["cpu_information"].text == "(not available: No such file or directory)"
    assert int(dict(by_name["process_list"].fields)["process_count"]) >= 1
    assert by_name["ports"].text.startswith("Netid State")
    assert by_name["disk_usage"].text.startswith(("Filesystem", "(not available"))
