"""A lake with the few rows that answers need."""

from __future__ import annotations

from kslm import lake
from kslm.lake import tables
from lake_rows import make_equal, module, row

IDS = [
    row(tables.PCI_IDS, row_id="1", level="vendor", vendor="8086", name="Intel Corporation", line=1, version="v"),
    row(tables.PCI_IDS, row_id="2", level="device", vendor="8086", device="1533", name="I210", line=2, version="v"),
    row(tables.PCI_IDS, row_id="3", level="class", vendor="02", name="Network controller", line=3, version="v"),
]
MODULES = [module("igb", path="k/igb.ko", aliases=["pci:v00008086d00001533sv*sd*bc*sc*i*"], version="v")]
SYMBOLS = [
    row(tables.CONFIG_SYMBOLS, symbol_id="1", name="IGB", kind="bool", prompt="igb", path="drivers/Kconfig", line=1)
    | {"requires": "NETDEVICES", "version": "v"}
]
FILES = [row(tables.FILES, sha256="s", source="linux", version="v")]


def fill(settings):
    """Write the tables as ingest would."""
    rows = (tables.FILES, FILES), (tables.PCI_IDS, IDS), (tables.MODULES, MODULES), (tables.CONFIG_SYMBOLS, SYMBOLS)
    with lake.open(settings) as engine:
        for table, items in rows:
            make_equal(engine, table, items)
