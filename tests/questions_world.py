"""A small set of tables, as bronze has them, for the tests of questions made from them."""

from __future__ import annotations

from kslm import kinds
from kslm.knowledge import entities, hardware
from kslm.knowledge.drivers import drivers_of
from kslm.knowledge.hardware import Attribution, Hardware
from lake_rows import parsed

_COLUMNS = ("level", "vendor", "device", "subvendor", "subdevice", "name")
_PCI = [
    ("vendor", "8086", None, None, None, "Intel Corporation"),
    ("device", "8086", "1533", None, None, "I210 Gigabit Network Connection"),
    ("subsystem", "8086", "1533", "103c", "0003", "Ethernet I210-T1 GbE NIC"),
    ("device", "8086", "1536", None, None, "I210 Gigabit Network Connection"),
    ("device", "8086", "0007", None, None, "82379AB"),
    ("vendor", "1002", None, None, None, "AMD"),
    ("device", "1002", "4150", None, None, "RV350 [Radeon 9550]"),
    ("vendor", "103c", None, None, None, "Hewlett-Packard Company"),
    ("class", "02", None, None, None, "Network controller"),
    ("subclass", "02", "00", None, None, "Ethernet controller"),
]
_USB = [
    ("vendor", "0b95", None, None, None, "ASIX Electronics Corp."),
    ("device", "0b95", "1790", None, None, "AX88179 Gigabit Ethernet"),
]


def id_rows(rows, bus):
    return [
        dict(zip(_COLUMNS, row, strict=True))
        | {"line": line, "row_id": f"{bus}{line}", "version": "2023.04.10", "sha256": "0"}
        for line, row in enumerate(rows, 1)
    ]


def module(name, folder, *aliases, **more):
    row = {"module": name, "path": f"kernel/{folder}/{name}.ko", "aliases": list(aliases), "builtin": False}
    row |= {"description": None, "licence": "GPL", "firmware": [], "depends": [], "parameters": [], "version": "6.1"}
    return row | more


IDS = {"pci": id_rows(_PCI, "pci"), "usb": id_rows(_USB, "usb")}
MODULES = [
    module(
        "igb",
        "drivers/net/ethernet/intel/igb",
        "pci:v00008086d00001533sv*sd*bc*sc*i*",
        "pci:v00008086d00001536sv*sd*bc*sc*i*",
        description="Intel(R) Gigabit Ethernet Network Driver",
        depends=["i2c-algo-bit", "dca"],
        parameters=[("debug", "Debug level (0=none,...,16=all) (int)"), ("max_vfs", "")],
    ),
    module("radeon", "drivers/gpu/drm/radeon", "pci:v00001002d00004150sv*sd*bc*sc*i*", firmware=["radeon/R300_cp.bin"]),
    module("radeonfb", "drivers/video/fbdev/aty", "pci:v00001002d00004150sv*sd*bc*sc*i*"),
    module("boards", "drivers/misc", "pci:v00008086d00000007sv00001028sd*bc*sc*i*"),
    module("ax88179", "drivers/net/usb", "usb:v0B95p1790d*dc*dsc*dp*ic*isc*ip*in*", builtin=True),
    module("nvme", "drivers/nvme/host", "pci:v*d*sv*sd*bc01sc08i02*"),
]
FILES = [
    {"sha256": "a", "source": "manuals", "package": "coreutils", "version": "9.1-1", "origin": "debian:coreutils"}
    | {"licence": "GPL-3.0-or-later"},
    {"sha256": "b", "source": "tldr", "package": None, "version": None, "origin": "path:/tldr", "licence": "CC-BY-4.0"},
]
TEMPLATES = [
    {
        "template_id": "t1",
        "source": "logs",
        "tag": "sshd",
        "template": "Received disconnect from <*> port <*>: disconnected by the remote user",
        "events": 3,
    },
    {"template_id": "t2", "source": "logs", "tag": "cron", "template": "<*> <*>", "events": 1},
]
ORIGINS = {name: Attribution(name, "GPL-2.0-only", "1") for name in ("pci", "usb", "modules", "logs")}
SYMBOLS = """config IGB
    tristate "Intel(R) 82575/82576 PCI-Express Gigabit Ethernet support"
    depends on PCI
    help
      This driver supports Intel(R) 82575/82576 gigabit ethernet family of adapters.

      To compile this driver as a module, choose M here. The module
      will be called igb.

config IGB_HWMON
    bool "Intel(R) PCI-Express Gigabit adapters HWMON support"
    depends on IGB && HWMON
    help
      Say Y if you want to expose thermal sensor data on Intel devices.
"""
PAGE = """ls(1)

NAME
ls - list directory contents

SYNOPSIS
ls [OPTION]... [FILE]...

DESCRIPTION
List information about the FILEs.
"""


def hardware_of(ids, modules):
    names = {key: name for bus, rows in ids.items() for key, name in entities.device_names(rows, bus).items()}
    vendors = {key: name for bus, rows in ids.items() for key, name in hardware.vendor_names(rows, bus).items()}
    return Hardware(vendors, names, drivers_of(modules)), entities.build(modules, names)


HARDWARE, ENTITIES = hardware_of(IDS, MODULES)


def asked(row, entities):
    """Questions of a row of bronze.documents; see `lake_rows.parsed`."""
    kind = kinds.of(row["kind"])
    return kind.questions(row, parsed(row), entities) if kind.questions else ()


def document(kind, path, text):
    row = {"doc_id": f"id-{path}", "source": "s", "path": path, "kind": kind, "text": text}
    return row | {"version": "1", "licence": "MIT"}
