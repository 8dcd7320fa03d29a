"""A snapshot of this machine in the phase-1 format (kslm.sources.logs.snapshot), redacted before it is written.

Reads files of /proc and /sys and runs `ps`, `df`, `ss` and `nvidia-smi` where they exist; changes nothing, asks for no
privileges, and reads no environment variables of any process. Where a tool is missing psutil stands in, and where that
cannot help either the section says so.

Beyond kslm.redact, which knows names only from what surrounds them, this module knows the machine: its host name and
its accounts are replaced wherever they occur, what lies below a home folder is cut off, and arguments of processes that
look random are taken for secrets. Limit: a secret that is an ordinary word, as a bare argument, is not recognised.
"""

from __future__ import annotations

import os
import pwd
import re
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from kslm.published import write_atomically
from kslm.redact import Pseudonyms, is_system_account, looks_random, redact
from kslm.sources.logs.snapshot import HEADER, TITLES

_PROCESSES = 20
_PROCESSES_WITH_FILES = 5
_FILES = 20
_COMMAND_CHARS = 160
_SECTION_CHARS = 200_000
_TIMEOUT_SECONDS = 10
_FIRST_PERSON_ID = 1000
_BELOW_HOME = re.compile(r"((?:/home|/Users)/<user-[0-9]+>|/root)/[^\s\"']+")


def collect(folder: Path) -> Path:
    """Write one redacted snapshot of this machine into `folder`, atomically.

    Returns:
        The file: folder/system_log_%Y-%m-%d_%H-%M-%S.log, in local time.
    """
    now = time.localtime()
    pseudonyms = Pseudonyms()
    sections = "\n\n".join(f"----- {TITLES[key]} -----\n{_section(key, pseudonyms)}" for key in TITLES)
    text = (
        f"{HEADER}\nTimestamp: {time.strftime('%a %b %d %H:%M:%S %Z %Y', now)}\n\n{_redacted(sections, pseudonyms)}\n"
    )
    path = folder / f"system_log_{time.strftime('%Y-%m-%d_%H-%M-%S', now)}.log"
    write_atomically(path, text)
    return path


def _section(key: str, pseudonyms: Pseudonyms) -> str:
    """A section's text, or a note in its place: one missing file or tool never costs the other sections."""
    try:
        return _SECTIONS[key](pseudonyms).rstrip()[:_SECTION_CHARS]
    except (OSError, psutil.Error) as error:
        return f"(not available: {getattr(error, 'strerror', None) or type(error).__name__})"


def _redacted(text: str, pseudonyms: Pseudonyms) -> str:
    for kind, name in _own_names():
        pattern = rf"(?<![\w<-]){re.escape(name)}(?![\w>-])"
        text = re.sub(pattern, pseudonyms.pseudonym(kind, name), text, flags=re.IGNORECASE)
    return _BELOW_HOME.sub(r"\1/...", redact(text, pseudonyms=pseudonyms, machine=True).text)


def _own_names() -> list[tuple[str, str]]:
    """This machine's host name and the people's accounts on it, longest first."""
    host = socket.gethostname()
    names = {("host", host), ("host", host.partition(".")[0])}
    own_id = os.getuid()
    for account in pwd.getpwall():
        is_person = _FIRST_PERSON_ID <= account.pw_uid < 60_000 or account.pw_uid == own_id
        if is_person and not is_system_account(account.pw_name):
            names.add(("user", account.pw_name))
    pairs = [pair for pair in names if len(pair[1]) > 1 and pair[1] != "localhost"]
    return sorted(pairs, key=lambda pair: (-len(pair[1]), pair))


def _output(*command: str) -> str | None:
    """What a tool prints, or None where it is missing, fails or hangs."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
            env={"LC_ALL": "C", "PATH": os.defpath + ":/usr/sbin:/sbin"},
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.stdout and done.returncode in (0, 1) else None


def _file(path: str) -> Callable[[Pseudonyms], str]:
    return lambda _pseudonyms: Path(path).read_text("utf-8", "replace")


def _processes(pseudonyms: Pseudonyms) -> str:
    output = _output("ps", "aux", "--sort=-%cpu")
    rows = output.splitlines()[: _PROCESSES + 1] if output else _processes_by_psutil()
    lines = rows[:1]
    for row in rows[1:]:
        words = row.split(None, 10)
        if len(words) == 11:
            user = words[0] if is_system_account(words[0]) else pseudonyms.pseudonym("user", words[0])
            lines.append(" ".join((f"{user:<8}", *words[1:10], _command(words[10], pseudonyms))))
    return "\n".join(lines)


def _processes_by_psutil() -> list[str]:
    rows = ["USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND"]
    for process in psutil.process_iter(
        ["username", "pid", "memory_percent", "memory_info", "status", "cmdline", "name"]
    ):
        info = process.info
        memory = info["memory_info"]
        command = " ".join(info["cmdline"] or [f"[{info['name']}]"])
        size = f"{memory.vms >> 10} {memory.rss >> 10}" if memory else "0 0"
        rows.append(
            f"{info['username'] or '?'} {info['pid']} 0.0 {info['memory_percent'] or 0:.1f} {size} ?"
            f" {(info['status'] or '?')[:1].upper()} - 0:00 {command or '?'}"
        )
    return rows[: _PROCESSES + 1]


def _command(line: str, pseudonyms: Pseudonyms) -> str:
    """A command line without arguments that look like keys, cut to a readable length."""
    words = (
        pseudonyms.pseudonym("secret", word) if len(word) >= 20 and "/" not in word and looks_random(word) else word
        for word in line.split()
    )
    return " ".join(words)[:_COMMAND_CHARS]


def _open_files(_pseudonyms: Pseudonyms) -> str:
    blocks = []
    busiest = sorted(psutil.process_iter(["cpu_times"]), key=lambda process: (-_cpu_seconds(process), process.pid))
    for process in busiest[:_PROCESSES_WITH_FILES]:
        try:
            links = sorted(Path(f"/proc/{process.pid}/fd").iterdir(), key=lambda link: int(link.name))[:_FILES]
            rows = [f"lrwx------ {link.name} -> {link.readlink()}" for link in links]
        except OSError as error:
            rows = [f"(not available: {error.strerror})"]
        blocks.append("\n".join((f"PID: {process.pid}", *rows)))
    return "\n\n".join(blocks)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.info["cpu_times"]
    return times.user + times.system if times else 0.0


def _gpu(_pseudonyms: Pseudonyms) -> str:
    if output := _output("nvidia-smi"):
        return output
    cards = Path("/sys/class/drm")
    names = sorted(card.name for card in cards.iterdir() if card.name != "version") if cards.is_dir() else []
    return "\n".join(names) or "No GPU detected"


def _disks(pseudonyms: Pseudonyms) -> str:
    output = _output("df", "-h")
    if output is None:
        rows = ["Filesystem Size Used Avail Use% Mounted on"]
        for part in psutil.disk_partitions():
            usage = psutil.disk_usage(part.mountpoint)
            sizes = f"{usage.total >> 30}G {usage.used >> 30}G {usage.free >> 30}G {usage.percent:.0f}%"
            rows.append(f"{part.device} {sizes} {part.mountpoint}")
        output = "\n".join(rows)
    # A network file system is named by its server.
    return re.sub(r"^(//)?([\w.-]+)(?=:/|/)", lambda match: _server(match, pseudonyms), output, flags=re.MULTILINE)


def _server(match: re.Match[str], pseudonyms: Pseudonyms) -> str:
    is_server = match[1] or match.string[match.end()] == ":"
    return f"{match[1] or ''}{pseudonyms.pseudonym('host', match[2])}" if is_server else match[0]


def _ports(_pseudonyms: Pseudonyms) -> str:
    if output := _output("ss", "-tulnp"):
        return output
    rows = ["Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port Process"]
    for connection in psutil.net_connections("inet"):
        kind = "tcp" if connection.type == socket.SOCK_STREAM else "udp"
        if connection.status in ("LISTEN", "NONE"):
            state = "LISTEN" if kind == "tcp" else "UNCONN"
            rows.append(f"{kind} {state} 0 0 {connection.laddr.ip}:{connection.laddr.port} *:*")
    return "\n".join(rows)


_SECTIONS: dict[str, Callable[[Pseudonyms], str]] = {
    "cpu_information": _file("/proc/cpuinfo"),
    "cpu_usage": _file("/proc/stat"),
    "ram_usage": _file("/proc/meminfo"),
    "process_list": _processes,
    "open_files": _open_files,
    "gpu_information": _gpu,
    "disk_usage": _disks,
    "disk_activity": _file("/proc/diskstats"),
    "network_usage": _file("/proc/net/dev"),
    "ports": _ports,
}
