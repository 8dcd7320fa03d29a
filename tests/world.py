"""A landing folder with a page of everything kslm can read, large enough that every table and every split has rows.

The sources of `landed` (with their bad inputs) and of `miniature`, and what neither has: packages, tldr pages, device
trees, interface descriptions, logs of several kinds, duplicates, held-out facts told in other places.
"""

from __future__ import annotations

import gzip
import os

from kslm.report import Report
from landed import LOG, PCI_IDS, SNAPSHOT, TREE, build_home, write_tar
from miniature import DMESG, USB_IDS, WORDS, kernel_files, kernel_module, prose
from miniature import PCI_IDS as MORE_PCI_IDS

PROFILE = """
profile: mini
seed: 7
sources:
  tree: {kind: kernel_tree, licence: GPL-2.0-only, places: [{debian: linux-source}], exclude: [skipped/*], code: true}
  pci: {kind: pci_ids, licence: BSD-3-Clause, places: [{debian: pci.ids}]}
  usb: {kind: usb_ids, licence: BSD-3-Clause, places: [{debian: usb.ids}]}
  modules: {kind: kernel_modules, licence: GPL-2.0-only, places: [{path: /lib/modules}]}
  manuals: {kind: man_pages, licence: GPL-2.0-or-later, places: [{debian: manpages}]}
  packages: {kind: packages, licence: NOASSERTION, places: [{debian: [alpha, beta]}]}
  handbook: {kind: packages, licence: GPL-2.0-or-later, places: [{debian: [handbook]}], slice: instructions}
  tldr: {kind: tldr, licence: CC-BY-4.0, places: [{path: /tldr}]}
  logs: {kind: logs, licence: LicenseRef-own-machine, places: [{path: /var/log}]}
curate: {max_chars: 4000, split: {train: 0.7, val: 0.15, test: 0.15}}
mix: {shares: {os: 0.4, hardware: 0.3, admin: 0.2, instructions: 0.1}}
tokenizer: {vocab_size: 768, train_bytes: 200000}
train: {max_steps: 1}
release: {gates: {max_perplexity: 110}}
"""

BINDING = """# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
%YAML 1.2
---
$id: http://devicetree.org/schemas/net/vendor,chip{n}.yaml#
title: Vendor chip {n}
description: {text}
properties:
  compatible:
    const: vendor,chip{n}
required: [compatible]
"""
BOARD = """/dts-v1/;
/ {{
\tmodel = "Board {n}";
\tcompatible = "vendor,board{n}", "vendor,chip{n}";
\tport@{n}000 {{ compatible = "vendor,chip{n}"; reg = <0x{n}000 0x100>; status = "okay"; }};
}};
"""
ABI = """What:\t\t/sys/class/net/<iface>/knob{n}
Date:\t\tMay 2020
Contact:\tA. Person <a@example.org>
Description:
\t\t{text}
"""
DRIVER = """// SPDX-License-Identifier: GPL-2.0-only
/* {text} Device {vendor:04x}:0001 is served by vendor{n}, a {word} controller. */
static int start(void)
{{
\tdev_err(dev, "vendor{n}: cannot {word} queue %d: error %d\\n", queue, err);
\tpr_warn("vendor{n}: link is down, speed %u\\n", speed);
\treturn -EIO;
}}
"""
SYSLOG = "".join(
    f"Nov 21 1{n % 10}:{n % 60:02d}:00 {host} sshd[{n}]: "
    f"Failed password for invalid user {user} from 198.51.100.{n} port {2000 + n}\n"
    for n, (host, user) in enumerate([("alphahost", "mallory"), ("betahost", "trent")] * 12)
)


def _tree() -> dict[str, bytes]:
    files = {name: text.encode() for name, text in kernel_files().items()} | TREE
    for n in range(8):
        word = WORDS[n * 7]
        texts = {
            f"Documentation/devicetree/bindings/net/vendor,chip{n}.yaml": BINDING.format(n=n, text=prose(1000 + n, 3)),
            f"arch/arm64/boot/dts/vendor/board{n}.dts": BOARD.format(n=n),
            f"Documentation/ABI/testing/sysfs-knob{n}": ABI.format(n=n, text=prose(1100 + n, 3)),
            f"Documentation/networking/notes{n}.txt": prose(1200 + n, 6) + "\n",
            f"drivers/net/ethernet/vendor{n}/start.c": DRIVER.format(
                n=n, word=word, vendor=0x1000 + n, text=prose(1300 + n, 4)
            ),
        }
        files |= {name: text.encode() for name, text in texts.items()}
    copy = prose(1400, 40)
    files["Documentation/networking/copy1.rst"] = files["Documentation/networking/copy2.rst"] = copy.encode()
    files["Documentation/networking/near.rst"] = copy.replace(copy.split()[200], "another", 1).encode()
    files["Documentation/networking/long.rst"] = "\n\n".join(prose(1500 + n, 12) for n in range(12)).encode()
    files["drivers/net/ethernet/vendor0/Makefile"] = (
        b"obj-$(CONFIG_VENDOR0) += vendor0.o\nvendor0-y := start.o main0.o\n"
    )
    files["Documentation/networking/mail.rst"] = f"{prose(1600)} Write to jane.doe@example.org at 203.0.113.7.".encode()
    return files


def _page(name: str, section: str, seed: int) -> bytes:
    text = (
        f'.TH {name.upper()} {section} "2026" "GNU"\n.SH NAME\n{name} \\- {prose(seed, 1).lower().rstrip(".")}\n'
        f".SH SYNOPSIS\n.B {name}\n.RI [ option ]\n.SH DESCRIPTION\n{prose(seed + 1, 6)}\n"
        f'.SH OPTIONS\n.TP\n.BR \\-a ", " \\-\\-all\n{prose(seed + 2, 1)}\n.TP\n.B \\-\\-quiet\n{prose(seed + 3, 1)}\n'
    )
    return gzip.compress(text.encode(), mtime=0)


def _packages() -> dict[str, dict[str, bytes]]:
    """Package to path to content: every kind of file that is read, and some that are not."""
    alpha = {
        f"usr/share/man/man{s}/alpha{n}.{s}.gz": _page(f"alpha{n}", s, 2000 + 10 * n + int(s))
        for n in range(6)
        for s in "128"
    }
    alpha |= {
        "usr/share/doc/alpha/README.Debian": f"alpha for Debian\n----------------\n\n{prose(2500, 5)}\n".encode(),
        "usr/share/doc/alpha/GUIDE.txt": prose(2501, 9).encode(),
        "usr/share/doc/alpha/html/intro.html": f"<h1>Intro</h1><p>{prose(2502, 8)}</p><pre>alpha -a</pre>".encode(),
        "usr/share/doc/alpha/html/index.html": b'<a href="intro.html">The introduction to alpha</a>',
        "usr/share/doc/alpha/copyright": b"License: MIT\n",
        "etc/alpha/alpha.conf": f"# {prose(2503, 2)}\nport = 22\nlisten = 0.0.0.0\n".encode(),
        "etc/ssl/alpha.pem": b"-----BEGIN CERTIFICATE-----\n",
    }
    catalog = "".join(
        f"-- {n + 1:032x}\nSubject: Unit {WORDS[n]} has failed\nDefined-By: systemd\n\n{prose(2600 + n, 3)}\n\n"
        for n in range(4)
    )
    hwdb = "".join(
        f"evdev:input:b0003v{0x1000 + n:04X}p0001*\n KEYBOARD_KEY_70039=leftctrl\n ID_INPUT_{WORDS[n].upper()}=1\n\n"
        for n in range(12)
    )
    beta = {
        "usr/lib/systemd/catalog/systemd.catalog": catalog.encode(),
        "usr/lib/udev/hwdb.d/60-keyboard.hwdb": hwdb.encode(),
        "usr/share/misc/pnp.ids": "".join(f"AB{chr(65 + n)}\t{WORDS[n].title()} Systems\n" for n in range(12)).encode(),
    }
    handbook = {
        f"usr/share/doc/handbook/html/chapter{n}.html": f"<h1>Chapter {n}</h1><p>{prose(2700 + n, 9)}</p>".encode()
        for n in range(6)
    }
    return {"alpha": alpha, "beta": beta, "handbook": handbook}


def build_world(root):
    """A home with everything fetched; returns it."""
    home = build_home(root)
    landing = home / "landing"
    write_tar(landing, _tree())
    (landing / "pci.ids").write_bytes(PCI_IDS + MORE_PCI_IDS.encode())
    (landing / "usb.ids").write_text(USB_IDS)
    for n in range(16):
        fields = [("description", f"Vendor {n} driver: {prose(600 + n, 1)}"), ("license", "GPL")]
        fields += [("alias", f"pci:v0000{0x1000 + n:04X}d0000{device:04X}sv*sd*bc*sc*i*") for device in (1, 2, 3)]
        fields += [("alias", f"usb:v{0x1000 + n:04X}p0004d*dc*dsc*dp*ic*isc*ip*in*"), ("name", f"vendor{n}")]
        fields += [("parm", "debug:Debug level (int)"), ("firmware", f"vendor{n}.fw"), ("depends", "mii")]
        (landing / "modules" / f"vendor{n}.ko").write_bytes(kernel_module(fields))
    (landing / "logs" / "dmesg.log").write_text(DMESG)
    (landing / "logs" / "syslog").write_text(SYSLOG)
    (landing / "logs" / "auth.log").write_text(LOG * 3)
    (landing / "logs" / "report.txt").write_text(SNAPSHOT + f"----- Disk Usage -----\n{prose(2800, 4)}\n")
    for file in (landing / "logs").iterdir():
        os.utime(file, (1_795_260_000, 1_795_260_000))  # 21 November 2026: what a log without years is dated by
    packages = _packages()
    for package, files in packages.items():
        for name, content in files.items():
            path = landing / ("handbook" if package == "handbook" else "packages") / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for n in range(6):
        page = f"# tool{n}\n\n> {prose(2900 + n, 2)}\n\n- {prose(3000 + n, 1)}\n\n`tool{n} --all {{{{file}}}}`\n"
        (landing / "tldr").mkdir(exist_ok=True)
        (landing / "tldr" / f"tool{n}.md").write_text(page)
    _report(home, packages)
    (home / "mini.yml").write_text(PROFILE)
    return home


def _report(home, packages):
    """Add the sources that `landed` has not to the fetch report."""
    path = home / "reports" / "mini" / "fetch.json"
    report = Report.load(path)
    sources = report.outputs["sources"]
    plain = sources["manuals"] | {"licence": "CC-BY-4.0"}
    sources["tldr"] = plain | {"kind": "tldr", "members": str(home / "landing" / "tldr"), "sha256": "tldr-sha"}
    for name in ("packages", "handbook"):
        held = [package for package in packages if (package == "handbook") == (name == "handbook")]
        known = {p: {"version": "1.0-1", "sha256": f"{p}-sha", "bytes": 5, "licence": "MIT"} for p in held}
        sources[name] = plain | {"kind": "packages", "members": str(home / "landing" / name), "packages": known}
    report.save(path)
