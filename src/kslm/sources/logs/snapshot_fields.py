"""The sections of a phase-1 snapshot as fields with canonical names, and what type their values have.

Names carry the unit: mem_total_kib, frequency_mhz, disk.0.size_bytes, interface.0.received_bytes,
process.0.cpu_percent. Rows of lists are numbered in the order of the text; the first 64 of them are taken. What a name
ends in says what its value is: see `typed`. kB of /proc are KiB (proc(5)); sectors of /proc/diskstats are 512 bytes
(Documentation/admin-guide/iostats.rst); sizes of `df -h` are rounded by df, those in a wrapped row of it are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

_MAX_ROWS = 64


def fields_of(section: str, text: str) -> dict[str, str]:
    """The fields of one section's text, by its canonical key; values are text that `typed` can read."""
    return _FIELDS[section](text.split("\n")) if section in _FIELDS else {}


# What a field's name ends in, and the type that its value has; others are text.
_INTEGERS = ("_kib", "_mib", "_bytes", "_ticks", "_ms", "_epoch_seconds", "_count", "_packets", "_errors", "_dropped",
             ".pid", ".open_files", "_port", "reads_completed", "writes_completed")  # fmt: skip
_NUMBERS = ("_percent", "_mhz", "_watts", "_celsius")
_TRUTHS = ("_detected",)


def typed(fields: Mapping[str, str]) -> dict[str, int | float | str | bool]:
    """Fields with the values their names promise; a value that is not of its type (damaged, redacted) stays text."""
    return {name: _typed(name, value) for name, value in fields.items()}


def _typed(name: str, value: str) -> int | float | str | bool:
    if name.endswith(_INTEGERS) and _INTEGER.fullmatch(value):
        return int(value)
    if name.endswith(_NUMBERS) and _NUMBER.fullmatch(value):
        return float(value)
    if name.endswith(_TRUTHS) and value in ("true", "false"):
        return value == "true"
    return value


_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")


def _pairs(body: list[str]) -> Iterator[tuple[str, str]]:
    for line in body:
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


# x86 and ARM spellings of /proc/cpuinfo.
_CPU_KEYS = {
    "model name": "cpu_model", "Model": "cpu_model", "vendor_id": "vendor", "cpu MHz": "frequency_mhz",
    "cache size": "cache", "cpu cores": "cores_per_socket_count", "microcode": "microcode", "cpu family": "family",
    "model": "model", "stepping": "stepping", "flags": "flags", "Features": "flags", "CPU implementer": "implementer",
    "CPU part": "part", "bugs": "bugs", "address sizes": "address_sizes",
}  # fmt: skip


def _cpu_information(body: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    processors = 0
    sockets = set[str]()
    for name, value in _pairs(body):
        processors += name == "processor"
        if name == "physical id":
            sockets.add(value)
        if name in _CPU_KEYS and value:
            fields.setdefault(_CPU_KEYS[name], value)
    cache = re.fullmatch(r"([0-9]{1,9}) KB", fields.pop("cache", ""))
    counts = {"cache_kib": cache[1] if cache else "", "logical_cpu_count": str(processors or ""),
              "socket_count": str(len(sockets) or "")}  # fmt: skip
    return fields | {name: value for name, value in counts.items() if value}


def _cpu_usage(body: list[str]) -> dict[str, str]:
    names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")
    others = {"ctxt": "context_switch_count", "btime": "boot_epoch_seconds", "processes": "fork_count",
              "procs_running": "running_count", "procs_blocked": "blocked_count"}  # fmt: skip
    fields: dict[str, str] = {}
    for words in map(str.split, body):
        if words[:1] == ["cpu"]:
            fields |= {f"{name}_ticks": value for name, value in zip(names, words[1:], strict=False)}
        elif len(words) > 1 and words[0] in others:
            fields[others[words[0]]] = words[1]
    cpus = sum(re.match(r"cpu[0-9]", line) is not None for line in body)
    return fields | ({"logical_cpu_count": str(cpus)} if cpus else {})


def _ram_usage(body: list[str]) -> dict[str, str]:
    """MemTotal: 16 kB to mem_total_kib: 16; what has no unit is a number of pages."""
    fields: dict[str, str] = {}
    for name, value in _pairs(body):
        words = value.split()
        if words and words[0].isdigit():
            key = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[()]", "_", name).strip("_").replace("__", "_").lower()
            fields[f"{key}_kib" if words[1:] == ["kB"] else f"{key}_count"] = words[0]
    return fields


def _process_list(body: list[str]) -> dict[str, str]:
    """Columns of `ps aux`: USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND; sizes in KiB."""
    rows = [words for line in body if len(words := line.split(None, 10)) == 11 and words[1].isdigit()]
    fields = {"process_count": str(len(rows))} if rows else {}
    names = {0: "user", 1: "pid", 2: "cpu_percent", 3: "memory_percent", 4: "virtual_kib", 5: "resident_kib",
             7: "state", 10: "command"}  # fmt: skip
    return fields | _rows("process", ({name: words[at] for at, name in names.items()} for words in rows))


def _open_files(body: list[str]) -> dict[str, str]:
    counts: dict[str, int] = {}
    pid = ""
    for line in body:
        if match := re.match(r"PID: ([0-9]{1,10})", line):
            pid = match[1]
            counts.setdefault(pid, 0)
        elif pid and " -> " in line:
            counts[pid] += 1
    return _rows("process", ({"pid": pid, "open_files": str(count)} for pid, count in counts.items()))


_GPU_NAME = re.compile(r"\|\s{1,8}([0-9]{1,3})\s{1,8}(\S[^|]{2,60}?)\s{2,}")
_GPU_STATE = re.compile(
    r"\|[^|]{0,40}?([0-9]{1,3})C +P[0-9]{1,2} +([0-9]{1,4})W */ *([0-9]{1,4})W *"
    r"\| *([0-9]{1,9})MiB */ *([0-9]{1,9})MiB *\| *([0-9]{1,3})%"
)


def _gpu_information(body: list[str]) -> dict[str, str]:
    """nvidia-smi's table, or the names in /sys/class/drm (connectors left out), or none."""
    text = "\n".join(body)
    fields: dict[str, str] = {}
    for name in ("Driver Version", "CUDA Version"):
        if version := re.search(rf"{name}: ([\w.]{{1,32}})", text):
            fields[name.lower().replace(" ", "_")] = version[1]
    gpus: list[dict[str, str]] = []
    for line in body:
        if state := _GPU_STATE.match(line):
            names = ("temperature_celsius", "power_watts", "power_limit_watts", "memory_used_mib", "memory_total_mib",
                     "busy_percent")  # fmt: skip
            for gpu in gpus[-1:]:
                gpu.update(zip(names, state.groups(), strict=True))
        elif (named := _GPU_NAME.match(line)) and not named[2].isdigit() and fields:
            gpus.append({"index": named[1], "name": named[2]})
    cards = [{"name": name} for name in dict.fromkeys(re.findall(r"\b(card[0-9]{1,3})(?!-)\b", text))]
    fields |= _rows("gpu", gpus or cards)
    if fields or "No GPU detected" in text:
        fields["gpu_detected"] = "true" if fields else "false"
    return fields


_SIZE = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,3})?)([KMGTPE]?)i?B?")


def _bytes_of(size: str) -> str:
    """A size of `df -h`, whose units are powers of 1024; "" where it is none."""
    match = _SIZE.fullmatch(size)
    return str(round(float(match[1].replace(",", ".")) * 1024 ** " KMGTPE".index(match[2] or " "))) if match else ""


def _disk_usage(body: list[str]) -> dict[str, str]:
    rows = []
    for words in map(str.split, body):
        if len(words) >= 6 and re.fullmatch(r"[0-9]{1,3}%", words[4]):
            sizes = zip(("size_bytes", "used_bytes", "available_bytes"), map(_bytes_of, words[1:4]), strict=True)
            rows.append({"file_system": words[0], **dict(sizes), "used_percent": words[4][:-1],
                         "mount_point": " ".join(words[5:])})  # fmt: skip
    return _rows("disk", rows)


def _disk_activity(body: list[str]) -> dict[str, str]:
    """Per device: reads and writes completed and the bytes of each, since boot."""
    return _rows(
        "device",
        (
            {"name": words[2], "reads_completed": words[3], "read_bytes": str(int(words[5]) * 512),
             "writes_completed": words[7], "written_bytes": str(int(words[9]) * 512), "busy_ms": words[12]}
            for words in map(str.split, body)
            if len(words) >= 14 and all(_INTEGER.fullmatch(word) for word in words[3:13])
        ),
    )  # fmt: skip


def _network_usage(body: list[str]) -> dict[str, str]:
    """Columns of /proc/net/dev: bytes packets errs drop, and four more, received; the same sent."""
    names = ("bytes", "packets", "errors", "dropped")
    rows = []
    for name, value in _pairs(body):
        words = value.split()
        if len(words) >= 16:
            received = zip((f"received_{column}" for column in names), words[:4], strict=True)
            rows.append({"name": name, **dict(received), **{f"sent_{names[n]}": words[8 + n] for n in range(4)}})
    return _rows("interface", rows)


def _ports(body: list[str]) -> dict[str, str]:
    """Columns of `ss -tulnp`: Netid State Recv-Q Send-Q Local:Port Peer:Port Process."""
    rows = []
    for line in body:
        words = line.split()
        if len(words) >= 5 and words[0] in ("tcp", "udp", "tcp6", "udp6"):
            address, _, port = words[4].rpartition(":")
            process = re.search(r'\(\("([^"]{1,64})"', line)
            rows.append({"protocol": words[0], "state": words[1], "local_address": address, "local_port": port,
                         "program": process[1] if process else ""})  # fmt: skip
    return ({"socket_count": str(len(rows))} if rows else {}) | _rows("socket", rows)


def _rows(name: str, rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Rows as flat fields, name.0.column and so on; empty values are left out."""
    numbered = enumerate(islice(rows, _MAX_ROWS))
    return {f"{name}.{at}.{column}": value for at, row in numbered for column, value in row.items() if value}


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
