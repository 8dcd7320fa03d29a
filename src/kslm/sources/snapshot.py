"""Reader of phase-1 system snapshots: one text file of ten sections, each the output of a file of /proc or of a tool.

    ================ System Monitoring Report ================
    Timestamp: Sat Nov 21 10:27:32 UTC 2026
    ----- CPU Information -----
    ...

The timestamp's form depends on the locale. A section ends where the next begins, never at a blank line. Sections may be
missing, empty, repeated, translated or unknown: one whose title is not known is recognised by what it holds where that
is unmistakable (files of /proc read the same in every language), and otherwise kept raw as "unknown".

Fields are flat and keep the units of their source (kB, kernel ticks, sectors); of long lists only the first rows are
taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kslm.sources.records import SnapshotSection

HEADER = "================ System Monitoring Report ================"
# Canonical key to the title a snapshot is written with.
TITLES = {
    "cpu_information": "CPU Information",
    "cpu_usage": "CPU Usage",
    "ram_usage": "RAM Usage",
    "process_list": "Process List",
    "open_files": "Open Files by Top Processes",
    "gpu_information": "GPU Information",
    "disk_usage": "Disk Usage",
    "disk_activity": "Disk Read/Write Activity",
    "network_usage": "Network Usage",
    "ports": "Open Ports & Active Connections",
}
_BY_TITLE = {re.sub(r"[^a-z]", "", title.lower()): key for key, title in TITLES.items()}
_TITLE = re.compile(r"-{4,8} ?([^\s\W](?:[^|+\n]{0,118}[^\s|+-])?) ?-{4,8}\s*")
_REPORT = re.compile(r"={8,32} [^=\n]{1,100} ={8,32}\s*")
_STAMP = re.compile(r"[^\W\d][\w .]{1,30}: ?(\S.{0,99})")
_MAX_ROWS = 64

# What a section in any language is recognised by, most telling first.
_CONTENTS = (
    ("ram_usage", re.compile(r"^MemTotal:", re.MULTILINE)),
    ("cpu_information", re.compile(r"^(?:processor|BogoMIPS)\s{0,16}:", re.MULTILINE)),
    ("cpu_usage", re.compile(r"^cpu +[0-9]+ [0-9]+ ", re.MULTILINE)),
    ("network_usage", re.compile(r"^ {0,8}lo: *[0-9]|^\s*face \|bytes", re.MULTILINE)),
    ("open_files", re.compile(r"^PID: [0-9]+", re.MULTILINE)),
    ("gpu_information", re.compile(r"NVIDIA-SMI|^card[0-9]+|No GPU detected", re.MULTILINE)),
    ("process_list", re.compile(r"^USER +PID +%CPU|^root +1 +[0-9.]+ ", re.MULTILINE)),
    ("disk_activity", re.compile(r"^ +[0-9]+ +[0-9]+ [a-z]+[\w-]* [0-9]+ [0-9]+ [0-9]+ ", re.MULTILINE)),
    ("disk_usage", re.compile(r"^(?:tmpfs|overlay|udev|/dev/\S+) .* [0-9]+% /", re.MULTILINE)),
    ("ports", re.compile(r"^Netid +|^(?:tcp|udp) +(?:LISTEN|UNCONN|ESTAB)", re.MULTILINE)),
)


def is_snapshot(head: str) -> bool:
    """Whether a file that begins like this is a snapshot: by its header, or by two titles of known sections."""
    lines = head.splitlines()
    if any(line.strip() == HEADER for line in lines):
        return True
    return sum(_known_title(match[1]) is not None for line in lines if (match := _TITLE.fullmatch(line))) >= 2


def parse(text: str) -> Iterator[SnapshotSection]:
    """The sections of a snapshot, in order; text before the first section that is no header is an "unknown" one.

    Several snapshots in one file (appended) are read as one: `index` goes on, `timestamp` is that of each.
    """
    title, body, timestamp, index = "", list[str](), None, 0
    in_preamble = True
    for line in text.splitlines():
        match = _TITLE.fullmatch(line)
        if match is None and not _REPORT.fullmatch(line):
            stamp = _STAMP.fullmatch(line.strip()) if in_preamble else None
            if stamp is not None and timestamp is None:
                timestamp = stamp[1]
            else:
                body.append(line)
            continue
        if title or any(kept.strip() for kept in body):
            yield _section(title, body, index, timestamp)
            index += 1
        title, body = (match[1], []) if match else ("", [])
        in_preamble = match is None
        timestamp = None if in_preamble else timestamp
    if title or any(kept.strip() for kept in body):
        yield _section(title, body, index, timestamp)


def _section(title: str, body: list[str], index: int, timestamp: str | None) -> SnapshotSection:
    text = "\n".join(body).strip("\n")
    by_content = (key for key, content in _CONTENTS if title and content.search(text))
    key = _known_title(title) or next(by_content, "unknown")
    fields = _FIELDS[key](body) if key in _FIELDS else {}
    return SnapshotSection(key, title, index, timestamp, tuple(fields.items()), text)


def _known_title(title: str) -> str | None:
    return _BY_TITLE.get(re.sub(r"[^a-z]", "", title.lower()))


def _pairs(body: list[str]) -> Iterator[tuple[str, str]]:
    for line in body:
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


# x86 and ARM spellings of /proc/cpuinfo.
_CPU_KEYS = {
    "model name": "model_name", "Model": "model_name", "vendor_id": "vendor", "cpu MHz": "mhz", "cache size": "cache",
    "cpu cores": "cores", "microcode": "microcode", "cpu family": "family", "model": "model", "flags": "flags",
    "Features": "flags", "CPU implementer": "implementer", "CPU part": "part", "bugs": "bugs",
    "address sizes": "address_sizes",
}  # fmt: skip


def _cpu_information(body: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    processors = 0
    for name, value in _pairs(body):
        processors += name == "processor"
        if name in _CPU_KEYS and value:
            fields.setdefault(_CPU_KEYS[name], value)
    return fields | ({"cpus": str(processors)} if processors else {})


def _cpu_usage(body: list[str]) -> dict[str, str]:
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")
    others = {"ctxt": "context_switches", "btime": "boot_time", "processes": "forks", "procs_running": "running",
              "procs_blocked": "blocked"}  # fmt: skip
    fields: dict[str, str] = {}
    for words in map(str.split, body):
        if words[:1] == ["cpu"]:
            fields |= {f"{name}_ticks": value for name, value in zip(names, words[1:], strict=False)}
        elif len(words) > 1 and words[0] in others:
            fields[others[words[0]]] = words[1]
    cpus = sum(re.match(r"cpu[0-9]", line) is not None for line in body)
    return fields | ({"cpus": str(cpus)} if cpus else {})


def _ram_usage(body: list[str]) -> dict[str, str]:
    """MemTotal: 16 kB to mem_total_kb: 16."""
    fields: dict[str, str] = {}
    for name, value in _pairs(body):
        words = value.split()
        if words and words[0].isdigit():
            key = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[()]", "_", name).strip("_").replace("__", "_").lower()
            fields[f"{key}_kb" if words[1:] == ["kB"] else key] = words[0]
    return fields


def _process_list(body: list[str]) -> dict[str, str]:
    rows = [words for line in body if len(words := line.split(None, 10)) == 11 and words[1].isdigit()]
    top = "; ".join(words[10][:80] for words in rows[:10])
    return {"processes": str(len(rows)), "top_commands": top} if rows else {}


def _open_files(body: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    pid, files = "", 0
    for line in body:
        match = re.match(r"PID: ([0-9]+)", line)
        if match:
            pid, files = match[1], 0
        elif pid and " -> " in line:
            files += 1
        if pid and len(fields) < _MAX_ROWS:
            fields[f"files_of_{pid}"] = str(files)
    return fields


def _gpu_information(body: list[str]) -> dict[str, str]:
    text = "\n".join(body)
    fields: dict[str, str] = {}
    if version := re.search(r"Driver Version: ([\w.]+)", text):
        fields["driver_version"] = version[1]
    if version := re.search(r"CUDA Version: ([\w.]+)", text):
        fields["cuda_version"] = version[1]
    if cards := re.findall(r"\b(card[0-9]+)(?!-)\b", text):
        fields["cards"] = " ".join(dict.fromkeys(cards))
    if names := re.findall(r"\|\s+[0-9]+\s+(\S[^|]{2,60}?)\s{2,}", text):
        fields["gpus"] = "; ".join(names[:_MAX_ROWS])
    return fields | ({"detected": "no"} if "No GPU detected" in text else {})


def _disk_usage(body: list[str]) -> dict[str, str]:
    """One field a mount point: "size used available percent" as df gives them."""
    fields: dict[str, str] = {}
    for words in map(str.split, body):
        if len(words) >= 6 and words[4][:-1].isdigit() and words[4][-1] == "%" and len(fields) < _MAX_ROWS:
            fields[" ".join(words[5:])] = f"{words[0]} {' '.join(words[1:5])}"
    return fields


def _disk_activity(body: list[str]) -> dict[str, str]:
    """Per device: reads and writes completed, and the sectors of each (Documentation/admin-guide/iostats.rst)."""
    fields: dict[str, str] = {}
    for words in map(str.split, body):
        if len(words) >= 14 and len(fields) < 2 * _MAX_ROWS:
            fields[f"{words[2]}_reads"], fields[f"{words[2]}_writes"] = (
                f"{words[3]} {words[5]}",
                f"{words[7]} {words[9]}",
            )
    return fields


def _network_usage(body: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in _pairs(body):
        words = value.split()
        if len(words) >= 16 and len(fields) < 2 * _MAX_ROWS:
            fields[f"{name}_received_bytes"], fields[f"{name}_sent_bytes"] = words[0], words[8]
    return fields


def _ports(body: list[str]) -> dict[str, str]:
    rows = [words for line in body if len(words := line.split()) >= 5 and words[0] in ("tcp", "udp", "tcp6", "udp6")]
    local = [f"{words[0]}/{words[4].rpartition(':')[2]}" for words in rows]
    return {"sockets": str(len(rows)), "ports": " ".join(list(dict.fromkeys(local))[:_MAX_ROWS])} if rows else {}


_FIELDS: dict[str, Callable[[list[str]], dict[str, str]]] = {
    "cpu_information": _cpu_information,
    "cpu_usage": _cpu_usage,
    "ram_usage": _ram_usage,
    "process_list": _process_list,
    "open_files": _open_files,
    "gpu_information": _gpu_information,
    "disk_usage": _disk_usage,
    "disk_activity": _disk_activity,
    "network_usage": _network_usage,
    "ports": _ports,
}
