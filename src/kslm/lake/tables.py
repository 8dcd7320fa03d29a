"""Every table: its columns, its key, and what is left out when contents are compared.

Tables are created from this DDL before anything is written (all columns nullable), because one engine ignores
mergeSchema and writes NULLs for wrong types. Types are those all three engines share.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """One Delta table.

    Attributes:
        layer: bronze, silver or gold: the schema it lives in.
        key: columns that identify a row; a merge matches on them.
        columns: name to Spark SQL type, in order.
        volatile: columns that say when, not what: ignored by content hashes and by "has this row changed?".
        settled: columns that follow from the key, which holds a hash of them: only content hashes look at them.
    """

    layer: str
    name: str
    key: tuple[str, ...]
    columns: dict[str, str]
    volatile: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()

    @property
    def ddl(self) -> str:
        """The column list, as CREATE TABLE and mapInArrow take it."""
        return ", ".join(f"{name} {kind}" for name, kind in self.columns.items())

    def __str__(self) -> str:
        return f"{self.layer}.{self.name}"


def _table(layer: str, name: str, key: str, columns: str, *, volatile: str = "", settled: str = "") -> Table:
    pairs = dict(line.split(None, 1) for line in columns.strip().splitlines())
    pairs = {column: kind.strip() for column, kind in pairs.items()}
    return Table(layer, name, tuple(key.split()), pairs, tuple(volatile.split()), tuple(settled.split()))


FILES = _table(
    "bronze",
    "files",
    "sha256 source",
    """
    sha256 STRING
    source STRING
    kind STRING
    package STRING
    version STRING
    origin STRING
    path STRING
    bytes BIGINT
    licence STRING
    fetched_at STRING
""",
    volatile="fetched_at path",
)

DOCUMENTS = _table(
    "bronze",
    "documents",
    "doc_id",
    """
    doc_id STRING
    source STRING
    path STRING
    kind STRING
    version STRING
    licence STRING
    sha256 STRING
    bytes BIGINT
    text STRING
    ingested_at STRING
""",
    volatile="ingested_at",
)

_IDS = """
    row_id STRING
    level STRING
    vendor STRING
    device STRING
    subvendor STRING
    subdevice STRING
    name STRING
    line INT
    version STRING
    sha256 STRING
"""
PCI_IDS = _table("bronze", "pci_ids", "row_id", _IDS)
USB_IDS = _table("bronze", "usb_ids", "row_id", _IDS)

MODULES = _table(
    "bronze",
    "modules",
    "module",
    """
    module STRING
    path STRING
    builtin BOOLEAN
    description STRING
    licence STRING
    aliases ARRAY<STRING>
    firmware ARRAY<STRING>
    depends ARRAY<STRING>
    parameters MAP<STRING,STRING>
    version STRING
    sha256 STRING
""",
)

CONFIG_SYMBOLS = _table(
    "bronze",
    "config_symbols",
    "symbol_id",
    """
    symbol_id STRING
    doc_id STRING
    source STRING
    path STRING
    line INT
    name STRING
    kind STRING
    prompt STRING
    help STRING
    requires STRING
    offered STRING
    selects ARRAY<STRING>
    menus ARRAY<STRING>
    module STRING
    is_choice BOOLEAN
    version STRING
""",
)
"""Entries of Kconfig files, as `kslm.sources.kernel.kconfig` reads them with what surrounds their file; `doc_id` is the
file's row of bronze.documents."""

LOG_EVENTS = _table(
    "bronze",
    "log_events",
    "event_id",
    """
    event_id STRING
    source STRING
    path STRING
    line BIGINT
    format STRING
    host STRING
    time STRING
    time_inferred BOOLEAN
    facility STRING
    severity STRING
    tag STRING
    pid BIGINT
    message STRING
    template_id STRING
    parameters ARRAY<STRING>
    sha256 STRING
""",
)

LOG_TEMPLATES = _table(
    "bronze",
    "log_templates",
    "template_id",
    """
    template_id STRING
    source STRING
    tag STRING
    template STRING
    events BIGINT
""",
)

SYSTEM_SNAPSHOTS = _table(
    "bronze",
    "system_snapshots",
    "snapshot_id index",
    """
    snapshot_id STRING
    index INT
    section STRING
    title STRING
    timestamp STRING
    fields MAP<STRING,STRING>
    text STRING
    path STRING
    sha256 STRING
""",
)

QUARANTINE = _table(
    "bronze",
    "quarantine",
    "source path offset reason",
    """
    source STRING
    path STRING
    offset BIGINT
    reason STRING
    bytes BIGINT
    sample STRING
    sha256 STRING
""",
)

SILVER_DOCUMENTS = _table(
    "silver",
    "documents",
    "doc_id",
    """
    doc_id STRING
    parent_id STRING
    source STRING
    path STRING
    kind STRING
    slice STRING
    split_group STRING
    version STRING
    licence STRING
    bytes BIGINT
    redactions INT
    quality DOUBLE
    cluster_id STRING
    text STRING
""",
    settled="bytes text",
)

REJECTS = _table(
    "silver",
    "rejects",
    "doc_id reason",
    """
    doc_id STRING
    parent_id STRING
    source STRING
    path STRING
    reason STRING
    figure DOUBLE
    bytes BIGINT
    cluster_id STRING
""",
)

CORPUS = _table(
    "gold",
    "corpus",
    "doc_id",
    """
    doc_id STRING
    parent_id STRING
    source STRING
    path STRING
    kind STRING
    slice STRING
    split STRING
    split_group STRING
    version STRING
    licence STRING
    held_out INT
    bytes BIGINT
    text STRING
""",
)

INSTRUCTIONS = _table(
    "gold",
    "instructions",
    "item_id",
    """
    item_id STRING
    doc_id STRING
    text STRING
    kind STRING
    intent STRING
    context STRING
    next_action STRING
    fields MAP<STRING,STRING>
    fact_table STRING
    fact_key STRING
    fact_version STRING
    licence STRING
    split STRING
    split_group STRING
""",
)

BENCHMARK = _table(
    "gold",
    "benchmark",
    "item_id",
    """
    item_id STRING
    task STRING
    prompt STRING
    answers ARRAY<STRING>
    baselines MAP<STRING,STRING>
    fact_table STRING
    fact_key STRING
    fact_version STRING
    split STRING
    split_group STRING
""",
)

ALL = (
    FILES, DOCUMENTS, PCI_IDS, USB_IDS, MODULES, CONFIG_SYMBOLS, LOG_EVENTS, LOG_TEMPLATES, SYSTEM_SNAPSHOTS,
    QUARANTINE, SILVER_DOCUMENTS, REJECTS, CORPUS, INSTRUCTIONS, BENCHMARK,
)  # fmt: skip
