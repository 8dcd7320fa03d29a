"""Fuzz every reader with mutated inputs: which raise what they do not promise, or take too long?

A target is a reader and a few valid inputs; its inputs are flipped, cut, repeated, spliced and strewn with what its
grammar cares about. An input that fails, or takes longer than five seconds, is saved, and the exit status is 1.
Deterministic for one --seed as far as the time allows. Usage:

    python benchmarks/fuzz_readers.py --seconds 600 [--target man] [--seed 1] [--out fuzz-failures]
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import signal
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kslm.curate.refine.clean import clean, split
from kslm.curate.refine.filters import judge
from kslm.redact import redact
from kslm.sources import catalog, config_file, debian_copyright, device_ids, html, hwdb, logs, pnp_ids, tldr
from kslm.sources.kernel import abi, comments, dt_binding, dts, kbuild, kconfig, modinfo, printk, rst  # fmt: skip
from kslm.sources.kernel import tree as kernel_tree
from kslm.sources.logs import snapshot  # fmt: skip
from kslm.sources.man import page as man  # fmt: skip

SLOWEST = 5
LARGEST = 1 << 16


class Target(NamedTuple):
    """A reader of bytes, valid inputs, the errors it promises, and what its grammar cares about."""

    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    promised: tuple[type[Exception], ...] = ()
    words: tuple[bytes, ...] = ()


def text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def all_of(reader: Callable[..., object], *rest: object) -> Callable[[bytes], object]:
    """A reader of text that yields: read to its end."""
    return lambda raw: list(reader(text(raw), *rest))  # type: ignore[call-overload]


def read_log(raw: bytes) -> object:
    with tempfile.NamedTemporaryFile(suffix=".log") as file:
        file.write(raw)
        file.flush()
        return list(logs.read(Path(file.name)))


C = b"""// SPDX-License-Identifier: GPL-2.0
/**
 * foo_probe - bind a device
 * @dev: the device
 */
static int foo_probe(struct device *dev)
{
	pr_err("foo: cannot map " "registers of %s\\n", name); /* give up */
	return 0; // done "here"
}
"""
RST = b""".. SPDX-License-Identifier: GPL-2.0
.. _label:

Title
=====
:Author: A B

See :c:func:`f` and :ref:`that <label>`::

  code

.. note:: Words
   and more.

.. flat-table:: T
   :header-rows: 1

   * - a
"""
KCONFIG = b"""menu "Drivers"
config IGB
	tristate "Intel 82575" if PCI
	depends on PCI
	help
	  A driver.

	  The module will be called igb.
choice
	prompt "which"
endchoice
endmenu
"""
KBUILD = b"""obj-$(CONFIG_FOO) += foo.o sub/
foo-y := main.o \\
	$(addprefix lib/,a.o b.o) $(more)
foo-$(CONFIG_BAR) += bar.o
more := $(lib)/c.o
lib := ../lib
include $(src)/Makefile
"""
BINDING = b"""%YAML 1.2
---
title: A clock
description: |
  What it does.
properties:
  compatible:
    oneOf:
      - items:
          - enum: [acme,clk1, acme,clk2]
examples:
  - |
    clock@0 { compatible = "acme,clk1"; };
"""
DTS = b"""/dts-v1/;
#include "soc.dtsi"
/ { model = "Board"; compatible = "acme,board"; /* a comment */
	uart0: serial@1000 { reg = <0x1000 0x100>; status = "okay"; };
};
&uart0 { pinctrl-0 = <&p>; };
"""
MAN = b""".TH LS 1 "2026"
.SH NAME
ls \\- list
.SH OPTIONS
.TP
.B \\-a, \\-\\-all
show \\fIall\\fR
.TS
l l.
a\tb
.TE
"""
MDOC = b""".Dd May 1
.Dt EM 4
.Os
.Sh NAME
.Nm em
.Nd network driver
.Sh SYNOPSIS
.Bl -tag -width x
.It Fl a Ar file
text
.El
"""
LOGS = (
    b"[    0.000000] Linux version 6.1\n[    1.0] BUG: x\n[    1.1] Call Trace:\n[    1.2]  a+0x1/0x2\n",
    b"<6>[    0.000000][    T0] msg\n<4>[    0.1][    T1] other\n",
    b"kern  :info  : [    0.000000] msg\nkern  :err   : [    0.5] bad\n",
    b"6,2,0,-;msg\n KEY=value\n4,3,17,-;more \\x41\n",
    b'{"dmesg":[{"pri":6,"time":     0.000000,"msg":"a"},{"pri":3,"time":1.5,"msg":"b"}]}\n',
    b"Jun 14 15:16:01 combo sshd(pam_unix)[19939]: a\nJun 14 15:16:02 combo su: b\n--- last message repeated 2 times ---\n",
    b'<34>1 2003-10-11T22:14:15.003Z host app 12 id [sd@0 k="v"] msg\n<34>1 - - - - - -\n',
    b'{"__CURSOR":"s","__REALTIME_TIMESTAMP":"1700000000000000","PRIORITY":"6","MESSAGE":[65,66],"_HOSTNAME":"h"}\n',
    b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1700000000000000\nMESSAGE\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\n_PID=1\n\n",
    b"- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond(pam_unix)[2915]: a\n",
    b"2016-09-28 04:30:30, Info                  CBS    a\n",
    b"03-17 16:13:38.811  1702  2395 D WindowManager: a\n",
    b"[Sun Dec 04 04:47:44 2005] [notice] a\n",
    b"2026-11-21T05:46:58,000000+00:00 a\n2026-11-21T05:46:58+0000 host tag[1]: a\n",
)
SNAPSHOT = b"""================ System Monitoring Report ================
Timestamp: Sat Nov 21 10:27:32 UTC 2026
----- RAM Usage -----
MemTotal:       16000 kB
----- Disk Usage -----
Filesystem Size Used Avail Use% Mounted on
/dev/sda1 10G 5G 5G 50% /
----- Process List -----
USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND
root 1 0.0 0.1 1 1 ? Ss 10:00 0:00 init
"""
IDS = b"8086  Intel\n\t1533  I210\n\t\t8086 0003  Ethernet\nC 02  Network\n\t00  Ethernet\n\t\t01  x\n"
MODINFO = b"license=GPL\0alias=pci:v00008086d00001533sv*sd*bc*sc*i*\0parm=debug:be loud\0\0.modinfo\0"
ELF = (  # a header, .modinfo with the section names at its end, and three sections: none, .modinfo, the names
    struct.pack("<4s12sHHIQQQIHHHHHH", b"\x7fELF", b"\2\1\1", 1, 62, 1, 0, 0, 64 + len(MODINFO), 0, 64, 0, 0, 64, 3, 2)
    + MODINFO + bytes(64) + struct.pack("<IIQQQQIIQQ", 1, 1, 2, 0, 64, len(MODINFO) - 10, 0, 0, 1, 0)
    + struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, 64 + len(MODINFO) - 10, 10, 0, 0, 1, 0)
)  # fmt: skip
CATALOG = b"-- f77379a8490b408bbe5f6940505a777b\nSubject: Started\nDefined-By: systemd\nSupport: %X\n\nText @A@.\n"

# ruff: noqa: E101, E501
TARGETS = {
    "comments": Target(all_of(comments.extract), (C,), (), (b"/*", b"*/", b"//", b'"', b"'", b"\\\n")),
    "printk": Target(all_of(printk.extract, "a.c"), (C,), (), (b"pr_err(", b'"', b"\\", b"dev_warn(dev, ")),
    "rst": Target(lambda raw: rst.render(text(raw)), (RST,), (), (b".. ", b"::", b":ref:`", b"`", b"\n   ", b"    :a: ")),
    "kconfig": Target(all_of(kconfig.parse), (KCONFIG,), (), (b"help\n", b"config ", b"---help---\n", b"\t")),
    "kbuild": Target(lambda raw: kbuild.built({"d/Makefile": text(raw)}), (KBUILD,), (), (b"$(", b")", b" += ", b"obj-y", b"\\\n")),
    "dt_binding": Target(all_of(dt_binding.extract), (BINDING,), (ValueError,), (b": ", b"- ", b"&a", b"*a", b"{")),
    "compatibles": Target(all_of(dt_binding.compatibles), (BINDING,), (ValueError,), (b": ", b"- ", b"*a")),
    "dts": Target(all_of(dts.extract), (DTS,), (), (b"{", b"};", b"/*", b"<", b">", b'"', b"&x {")),
    "abi": Target(all_of(abi.parse), (b"What:\t/sys/a\nDate:\t2020\nDescription:\n\t\tText.\n",), (), (b"What:", b"\t")),
    "device_ids": Target(lambda raw: list(device_ids.parse(raw, "pci", "p")), (IDS,), (), (b"\t", b"\n", b"  ", b"C ")),
    "usb_ids": Target(lambda raw: list(device_ids.parse(raw, "usb", "p")), (IDS,), (), (b"\t", b"HID ", b"L ")),
    "modinfo": Target(lambda raw: modinfo.read_module(raw, "m.ko"), (ELF,), (ValueError,), (b"\0", b"alias=")),
    "builtin": Target(lambda raw: modinfo.read_builtin(raw, "m"), (b"a.license=GPL\0a.alias=x\0",), (), (b"\0", b".")),
    "man": Target(lambda raw: man.render(raw, "ls.1"), (MAN, MDOC), (), (b".de x\n", b"\\f", b"\\*[", b".TS\n", b".so x\n", b".It ")),
    "html": Target(lambda raw: html.text_of(raw, "a"), (b"<html><body><h1>T</h1><p>x<pre>y</pre><ul><li>z</ul>",), (), (b"<table>", b"<", b"&#x", b"</p>")),
    "hwdb": Target(all_of(hwdb.parse), (b"# c\nusb:v046DpC52B*\n KEY=value\n\n",), (), (b"\n ", b"=", b"*\n")),
    "catalog": Target(all_of(catalog.parse), (CATALOG,), (), (b"-- ", b"\n\n", b"Subject:")),
    "pnp_ids": Target(all_of(pnp_ids.parse, "p"), (b"AAA\tAvolites\n",), (), (b"\t", b"\n")),
    "tldr": Target(lambda raw: tldr.parse(text(raw)), (b"# tar\n\n> Archive.\n\n- Make:\n\n`tar cf {{a.tar}} {{b}}`\n",), (ValueError,), (b"`", b"{{", b"- ")),
    "config": Target(lambda raw: config_file.read(raw, "etc/x"), (b"# a\nkey=value\n",), (), (b"\0", b"-----BEGIN ")),
    "notices": Target(lambda raw: (config_file.without_notice(text(raw)), man.without_notice(text(raw))), (b"# /etc/x\n# Copyright (c) 2001 A\n#\n# free software\nx = 1\n", b"X(1)\n\nCOPYRIGHT\nfree software\n\nSEE ALSO\ny\n"), (), (b"# ", b"\n#\n", b"\nLICENSE\n", b"\nA\n")),
    "copyright": Target(lambda raw: debian_copyright.licence_of(text(raw)), (b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nCopyright: x\nLicense: GPL-2+\n",), (), (b"License: ", b"\n ", b" or ", b" and ", b"(")),
    "logs": Target(read_log, LOGS, (), (b"\n", b"[", b"]", b"{", b'"', b"\xff", b"\0", b"\r\n", b" ")),
    "snapshot": Target(all_of(snapshot.parse), (SNAPSHOT,), (), (b"----- ", b" -----\n", b"kB", b"%")),
    "kernel_tree": Target(lambda raw: (kernel_tree.decode(raw), kernel_tree.spdx_of(text(raw))), (C,), (), (b"SPDX-License-Identifier: ", b" OR ", b"(")),
    "redact": Target(lambda raw: redact(text(raw)), (b"Accepted password for al from 192.0.2.1 port 22\nUUID=0b1e2d3c-4f5a-4b6c-8d7e-9f0a1b2c3d4e\n",), (), (b"@", b":", b"<email-1>", b"password=", b"::", b"10.0.0.1")),
    "clean_split_judge": Target(lambda raw: [judge("rst", part, part.encode(), min_chars=50, max_non_english=0.2) for part in split(clean(text(raw)), 1000)], (C, MAN), (), (b"\n\n", b"\r", b"\xe2\x80\xa8")),
}  # fmt: skip


def mutate(rng: random.Random, seeds: tuple[bytes, ...], words: tuple[bytes, ...]) -> bytes:
    raw = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 4, 8, 32))):
        at, to = sorted(rng.randrange(len(raw) + 1) for _ in range(2))
        kind = rng.randrange(7)
        if kind == 0 and raw:
            raw[at % len(raw)] = rng.randrange(256)
        elif kind == 1:
            del raw[at:to]
        elif kind == 2:
            raw[at:at] = raw[at:to] * rng.choice((1, 2, 3, 50))
        elif kind == 3:
            raw[at:at] = rng.choice(words or (b"\n",)) * rng.choice((1, 1, 2, 200))
        elif kind == 4:
            other = rng.choice(seeds)
            raw[at:to] = other[rng.randrange(len(other)) :]
        elif kind == 5:
            raw[at:at] = rng.randbytes(rng.choice((1, 2, 8)))
        else:
            del raw[to:]
        del raw[LARGEST:]
    return bytes(raw)


def fuzz(job: tuple[str, float, int, str]) -> tuple[str, int, list[str]]:
    """One target for some seconds: inputs tried, and what failed."""
    name, seconds, seed, out = job
    target, rng = TARGETS[name], random.Random(f"{name}{seed}")
    failures: dict[str, str] = {}
    count, end = 0, time.monotonic() + seconds

    def late(*_: object) -> None:
        raise TimeoutError(f"more than {SLOWEST} seconds")

    signal.signal(signal.SIGALRM, late)
    while time.monotonic() < end and len(failures) < 5:
        raw = mutate(rng, target.seeds, target.words)
        count += 1
        signal.setitimer(signal.ITIMER_REAL, SLOWEST)
        try:
            target.read(raw)
        except target.promised:
            pass
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
            if where not in failures:
                path = Path(out) / f"{name}-{len(failures)}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(raw)
                failures[where] = f"{name}: {where}: {error!s:.100} (input in {path})"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return name, count, list(failures.values())


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=600, help="in all, over all processes")
    arguments.add_argument("--target", choices=sorted(TARGETS))
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", default="fuzz-failures")
    given = arguments.parse_args()
    names = [given.target] if given.target else list(TARGETS)
    jobs = [(name, given.seconds / len(names), given.seed, given.out) for name in names]
    tried, failed = 0, []
    with multiprocessing.Pool() as pool:
        for name, count, failures in pool.imap_unordered(fuzz, jobs):
            print(f"{name:20} {count:>10,} inputs  {len(failures)} failures", flush=True)
            tried += count
            failed += failures
    print(f"{tried:,} inputs in {given.seconds:.0f} s of reading; {len(failed)} failures", *failed, sep="\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
