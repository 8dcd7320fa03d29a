"""A tiny landing folder, as fetch leaves it: real formats, one page of each, bad inputs among them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

from kslm.outputs import Fetched, FetchedSource
from kslm.report import Report
from kslm.settings import Environment, Settings, load_profile

PROFILE = """
profile: mini
sources:
  tree: {kind: kernel_tree, licence: GPL-2.0-only, places: [{debian: linux-source}], exclude: [skipped/*]}
  pci: {kind: pci_ids, licence: BSD-3-Clause, places: [{debian: pci.ids}]}
  usb: {kind: usb_ids, licence: BSD-3-Clause, places: [{debian: usb.ids}]}
  modules: {kind: kernel_modules, licence: GPL-2.0-only, places: [{path: /lib/modules}]}
  manuals: {kind: man_pages, licence: GPL-2.0-or-later, places: [{debian: manpages}]}
  logs: {kind: logs, licence: LicenseRef-own-machine, places: [{path: /var/log}]}
train: {max_steps: 1}
release: {gates: {max_perplexity: 110}}
"""

TREE = {
    "MAINTAINERS": b"kept by name only\n",
    "skipped/a.c": b"int skipped;\n",
    "mm/slab.c": b"// SPDX-License-Identifier: MIT\n/* a slab */\nint x;\n",
    "mm/latin.c": b"/* na\xefve */\nint y;\n",
    "mm/nul.h": b"#define A\x00 1\n",
    "mm/binary.h": bytes(range(256)) * 2 + bytes(100),
    "mm/empty.c": b"",
    "mm/Kconfig": b'config SLAB\n\tbool "slab"\n',
    "Documentation/a.rst": "Ein Maß für 😀\n==============\n".encode(),
}

PCI_IDS = (
    b"# header\n8086  Intel\n\t1533  I210\n\t\t8086 0003  Ethernet\n10de  NVIDIA \xe9\n8086  Intel again\n"
    b"not a row at all\n\t0001  after the damage\n"
)

LOG = (
    "Nov 21 10:00:00 secrethost sshd[12]: Accepted password for alice from 203.0.113.9 port 22\n"
    "Nov 21 10:00:01 secrethost kernel: [    1.500000] pci 0000:00:1f.2: enabled\n"
)

SNAPSHOT = (
    "================ System Monitoring Report ================\nTimestamp: Sat Nov 21 10:27:32 UTC 2026\n"
    "----- RAM Usage -----\nMemTotal:       16000 kB\nMemFree:        8000 kB\n"
    "----- RAM Usage -----\nMemTotal:       16000 kB\n----- Kaffeemaschine -----\nheiss\n"
)


def write_tar(folder, files):
    with tarfile.open(folder / "tree.tar", "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"linux-6.1/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    with tarfile.open(folder / "tree.tar") as tar:
        index = [(member.name.split("/", 1)[1], member.offset_data, member.size) for member in tar if member.isreg()]
    (folder / "tree.json").write_text(json.dumps(index))


def build_home(root):
    """A home with everything fetched; returns it."""
    landing = root / "landing"
    landing.mkdir(parents=True)
    write_tar(landing, TREE)
    (landing / "pci.ids").write_bytes(PCI_IDS)
    (landing / "usb.ids").write_bytes(b"")
    (landing / "modules").mkdir()
    (landing / "modules" / "modules.builtin.modinfo").write_bytes(
        b"ext4.description=Fourth Extended Filesystem\0ext4.license=GPL\0ext4.file=fs/ext4/ext4\0"
        b"ext4.alias=fs-ext4\0ext4.parm=debug:be loud\0ext4.parmtype=debug:int\0"
    )
    (landing / "modules" / "broken.ko").write_bytes(b"this is no ELF file")
    (landing / "man" / "man1").mkdir(parents=True)
    page = b'.TH LS 1 "2026" "GNU"\n.SH NAME\nls \\- list directory contents\n.SH DESCRIPTION\nList files.\n'
    (landing / "man" / "man1" / "ls.1.gz").write_bytes(gzip.compress(page))
    (landing / "man" / "man1" / "torn.1.gz").write_bytes(gzip.compress(page * 50)[:40])
    (landing / "logs").mkdir()
    (landing / "logs" / "auth.log").write_text(LOG)
    (landing / "logs" / "report.txt").write_text(SNAPSHOT)
    (landing / "logs" / "unknown.bin").write_bytes(bytes(range(256)) * 4)
    (landing / "logs" / "empty.log").write_bytes(b"")

    def source(kind, members, index=None):
        return FetchedSource(
            kind=kind, licence="GPL-2.0-only", package=None, version="6.1", origin="test", path=f"landing/{members}",
            sha256=f"{kind}-sha", bytes=1, fetched_at="2026-11-21T10:00:00", members=f"landing/{members}",
            index=index and f"landing/{index}",
        )  # fmt: skip

    sources = {
        "tree": source("kernel_tree", "tree.tar", "tree.json"),
        "pci": source("pci_ids", "pci.ids"),
        "usb": source("usb_ids", "usb.ids"),
        "modules": source("kernel_modules", "modules"),
        "manuals": source("man_pages", "man"),
        "logs": source("logs", "logs"),
    }
    (root / "mini.yml").write_text(PROFILE)
    write_fetched(root, sources)
    return root


def write_fetched(root, sources):
    """Report sources as fetched."""
    Report("fetch", "id", Fetched(sources=sources)).save(root / "reports" / "mini" / "fetch.json")


def fetched(root):
    """The sources that are reported as fetched."""
    return dict(Report.load(root / "reports" / "mini" / "fetch.json", Fetched).outputs.sources)


def settings_of(home, engine="sail"):
    env = Environment(_env_file=None, KSLM_HOME=home, KSLM_ENGINE=engine)
    return Settings(load_profile(home / "mini.yml"), env)
