"""A whole miniature world, written here: kernel tree, ID databases, modules, manuals, logs, and a profile on them."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
from pathlib import Path

WORDS = [
    "adapter",
    "address",
    "allocate",
    "argument",
    "attach",
    "barrier",
    "buffer",
    "bus",
    "callback",
    "channel",
    "check",
    "clear",
    "clock",
    "command",
    "complete",
    "configure",
    "context",
    "control",
    "copy",
    "counter",
    "create",
    "data",
    "deadline",
    "debug",
    "default",
    "delay",
    "descriptor",
    "detach",
    "device",
    "disable",
    "doorbell",
    "driver",
    "empty",
    "enable",
    "engine",
    "error",
    "event",
    "exit",
    "failure",
    "fault",
    "field",
    "firmware",
    "flag",
    "flush",
    "frame",
    "free",
    "function",
    "handle",
    "handler",
    "hardware",
    "header",
    "host",
    "idle",
    "index",
    "init",
    "input",
    "interface",
    "interrupt",
    "kernel",
    "latency",
    "length",
    "level",
    "line",
    "link",
    "list",
    "load",
    "lock",
    "mailbox",
    "map",
    "mask",
    "memory",
    "message",
    "mode",
    "module",
    "mutex",
    "network",
    "node",
    "notify",
    "number",
    "object",
    "offset",
    "output",
    "packet",
    "page",
    "parameter",
    "parent",
    "path",
    "pending",
    "physical",
    "pointer",
    "poll",
    "port",
    "power",
    "probe",
    "process",
    "queue",
    "range",
    "read",
    "ready",
    "receive",
    "register",
    "release",
    "remove",
    "reset",
    "resource",
    "restore",
    "resume",
    "return",
    "ring",
    "root",
    "scan",
    "schedule",
    "sector",
    "segment",
    "send",
    "sequence",
    "setup",
    "shutdown",
    "signal",
    "size",
    "slot",
    "speed",
    "stack",
    "start",
    "state",
    "status",
    "stop",
    "storage",
    "suspend",
    "sync",
    "system",
    "table",
    "task",
    "thread",
    "timeout",
    "timer",
    "token",
    "transfer",
    "transmit",
    "unit",
    "unlock",
    "update",
    "user",
    "value",
    "vector",
    "version",
    "virtual",
    "wait",
    "wake",
    "watchdog",
    "window",
    "worker",
    "write",
    "zone",
]


def prose(seed: int, sentences: int = 6) -> str:
    """Sentences that differ from seed to seed, so that no two documents are near-duplicates."""
    rng = random.Random(seed)
    return " ".join(
        " ".join(rng.choice(WORDS) for _ in range(rng.randint(6, 14))).capitalize() + "." for _ in range(sentences)
    )


def _wrap(text: str, prefix: str, width: int = 70) -> str:
    lines, line = [], prefix
    for word in text.split():
        if len(line) + len(word) > width:
            lines.append(line.rstrip())
            line = prefix
        line += word + " "
    return "\n".join([*lines, line.rstrip()])


def kernel_files() -> dict[str, str]:
    """Path to text of a miniature kernel tree."""
    files = {"Makefile": "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 99\nEXTRAVERSION =\n"}
    for number in range(24):
        folder = f"drivers/net/ethernet/vendor{number % 12}"
        comment = _wrap(prose(number, 8), " * ")
        doc = _wrap(prose(100 + number, 3), " * ")
        files[f"{folder}/main{number}.c"] = (
            f"// SPDX-License-Identifier: GPL-2.0-only\n/*\n{comment}\n */\n#include <linux/module.h>\n"
            f"/**\n * probe{number}() - {WORDS[number]} the device\n{doc}\n */\nint probe{number}(void)\n{{\n"
            f'\treturn printk("/* not a comment */");\n}}\n'
        )
        help_text = _wrap(prose(200 + number, 4), "\t  ")
        files[f"{folder}/Kconfig"] = (
            f'config VENDOR{number}\n\ttristate "Vendor {number} adapters"\n\thelp\n{help_text}\n'
        )
        files[f"Documentation/admin-guide/topic{number}.rst"] = (
            f"Topic {number}\n========\n\n{prose(300 + number, 9)}\n"
        )
    return files


def kernel_tarball(path: Path) -> None:
    """A .tar.xz of the miniature tree, below one top folder as kernel.org's are."""
    with tarfile.open(path, "w:xz") as archive:
        for name, text in kernel_files().items():
            raw = text.encode()
            member = tarfile.TarInfo(f"linux-6.1.99/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))


def kernel_module(fields: list[tuple[str, str]]) -> bytes:
    """The smallest ELF64 file with a .modinfo section."""
    info = b"".join(f"{key}={value}\0".encode() for key, value in fields)
    names = b"\0.modinfo\0.shstrtab\0"
    header_size, entry = 64, 64
    at_info, at_names = header_size, header_size + len(info)
    at_sections = at_names + len(names)
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, at_sections, 0, header_size, 0, 0, entry, 3, 2)
    sections = bytes(entry)
    sections += struct.pack("<IIQQQQIIQQ", 1, 1, 2, 0, at_info, len(info), 0, 0, 1, 0)
    sections += struct.pack("<IIQQQQIIQQ", 10, 3, 0, 0, at_names, len(names), 0, 0, 1, 0)
    return header + info + names + sections


PCI_IDS = "# Version: 2026.01.01\n" + "".join(
    f"{0x1000 + vendor:04x}  Vendor {WORDS[vendor].capitalize()} Systems\n"
    + "".join(f"\t{device:04x}  {WORDS[vendor + device].capitalize()} {device} Controller\n" for device in range(1, 7))
    for vendor in range(20)
)
USB_IDS = PCI_IDS.replace("Controller", "Receiver")
DMESG = "".join(
    f"[{second:5d}.{second * 7919 % 1000000:06d}] vendor{second % 12} 0000:00:1f.{second % 8}: "
    f"{prose(500 + second, 1)}\n"
    for second in range(120)
)


def write_sources(folder: Path) -> Path:
    """Write every miniature source below `folder`; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    kernel_tarball(folder / "linux-6.1.99.tar.xz")
    (folder / "pci.ids").write_text(PCI_IDS)
    (folder / "usb.ids").write_text(USB_IDS)
    modules = folder / "modules" / "6.1.99" / "kernel" / "drivers" / "net"
    modules.mkdir(parents=True)
    for number in range(12):
        fields = [("description", f"Vendor {number} driver: {prose(600 + number, 1)}"), ("license", "GPL")]
        fields += [("alias", f"pci:v0000{0x1000 + number:04X}d0000{device:04X}sv*sd*bc*sc*i*") for device in (1, 2, 3)]
        fields += [("parm", "debug:Debug level (int)"), ("firmware", f"vendor{number}.fw"), ("name", f"vendor{number}")]
        (modules / f"vendor{number}.ko").write_bytes(kernel_module(fields))
    manuals = folder / "man" / "man8"
    manuals.mkdir(parents=True)
    for number in range(14):
        page = f".TH TOOL{number} 8\n.SH NAME\ntool{number} \\- {WORDS[number]} things\n"
        page += f".SH DESCRIPTION\n{prose(700 + number, 10)}\n"
        (manuals / f"tool{number}.8.gz").write_bytes(gzip.compress(page.encode(), mtime=0))
    logs = folder / "logs"
    logs.mkdir()
    (logs / "dmesg.log").write_text(DMESG)
    return folder


def tiny_profile(sources: Path) -> dict[str, object]:
    """A profile that takes the miniature world through every stage in seconds."""

    def place(name: str) -> list[dict[str, str]]:
        return [{"path": str(sources / name)}]

    gpl = "GPL-2.0-only"
    return {
        "profile": "miniature",
        "seed": 1,
        "sources": {
            "linux_source": {"kind": "kernel_tree", "licence": gpl, "places": place("linux-6.1.99.tar.xz")},
            "linux_modules": {"kind": "kernel_modules", "licence": gpl, "places": place("modules")},
            "pci_ids": {"kind": "pci_ids", "licence": "BSD-3-Clause", "places": place("pci.ids")},
            "usb_ids": {"kind": "usb_ids", "licence": "BSD-3-Clause", "places": place("usb.ids")},
            "manuals": {"kind": "man_pages", "licence": "GPL-2.0-or-later", "places": place("man")},
            "logs": {"kind": "logs", "licence": "LicenseRef-own-machine", "places": place("logs")},
        },
        "tokenizer": {"vocab_size": 768, "train_bytes": 200_000},
        "train": {
            "max_steps": 12,
            "sequence_length": 64,
            "micro_batch_size": 4,
            "warmup_steps": 2,
            "log_every": 4,
            "eval_every": 6,
            "save_every": 6,
            "eval_tokens": 512,
            "threads": 1,
        },
        "evaluate": {"max_tokens": 4096},
        "release": {
            "perplexity_tokens": 1024,
            "prefill_tokens": 16,
            "decode_tokens": 8,
            "repeats": 1,
            "variants": ["fp32", "int8"],
            "gates": {
                "max_perplexity": 5000,
                "below_bigram": False,
                "max_quantized_increase": 0.5,
                "min_speedup": 0.01,
                "min_decode_tokens_per_second": 0.1,
                "max_size_deviation": 0.9,
                "max_repetition": 1.0,
            },
        },
    }
