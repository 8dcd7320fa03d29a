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
        layer: bronze, silver or gold: the schema it lives in; scratch for rows that only pass between two steps.
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

    @classmethod
    def of(cls, name: str, key: str, columns: str, *, volatile: str = "", settled: str = "") -> Table:
        """A table by its name with its layer, and lists of columns; one without a type is a STRING."""
        layer, _, name = name.partition(".")
        kinds = {column: kind or "STRING" for column, _, kind in (item.partition(" ") for item in _listed(columns))}
        return cls(layer, name, _listed(key), kinds, _listed(volatile), _listed(settled))

    @property
    def ddl(self) -> str:
        """The column list, as CREATE TABLE and mapInArrow take it."""
        return ", ".join(f"{name} {kind}" for name, kind in self.columns.items())

    def __str__(self) -> str:
        return f"{self.layer}.{self.name}"


def _listed(names: str) -> tuple[str, ...]:
    return tuple(names.split(", ")) if names else ()


FILES = Table.of(
    "bronze.files",
    key="sha256, source",
    columns="sha256, source, kind, package, version, origin, path, bytes BIGINT, licence, fetched_at",
    volatile="fetched_at, path",
)
DOCUMENTS = Table.of(
    "bronze.documents",
    key="doc_id",
    columns="doc_id, source, path, kind, version, licence, sha256, bytes BIGINT, text, ingested_at",
    volatile="ingested_at",
)
_IDS = "row_id, level, vendor, device, subvendor, subdevice, name, line INT, version, sha256"
PCI_IDS = Table.of("bronze.pci_ids", key="row_id", columns=_IDS)
USB_IDS = Table.of("bronze.usb_ids", key="row_id", columns=_IDS)
MODULES = Table.of(
    "bronze.modules",
    key="module",
    columns=(
        "module, path, builtin BOOLEAN, description, licence, aliases ARRAY<STRING>, "
        "firmware ARRAY<STRING>, depends ARRAY<STRING>, parameters MAP<STRING,STRING>, version, sha256"
    ),
)
CONFIG_SYMBOLS = Table.of(
    "bronze.config_symbols",
    key="symbol_id",
    columns=(
        "symbol_id, doc_id, source, path, line INT, name, kind, prompt, help, requires, offered, "
        "selects ARRAY<STRING>, menus ARRAY<STRING>, module, is_choice BOOLEAN, version"
    ),
)
"""Entries of Kconfig files, as `kslm.sources.kernel.kconfig` reads them with what surrounds their file; `doc_id` is the
file's row of bronze.documents."""
LOG_EVENTS = Table.of(
    "bronze.log_events",
    key="event_id",
    columns=(
        "event_id, source, path, line BIGINT, format, host, time, time_inferred BOOLEAN, facility, "
        "severity, tag, pid BIGINT, message, template_id, parameters ARRAY<STRING>, sha256"
    ),
)
LOG_TEMPLATES = Table.of(
    "bronze.log_templates",
    key="template_id",
    columns="template_id, source, tag, template, events BIGINT",
)
SYSTEM_SNAPSHOTS = Table.of(
    "bronze.system_snapshots",
    key="snapshot_id, index",
    columns="snapshot_id, index INT, section, title, timestamp, fields MAP<STRING,STRING>, text, path, sha256",
)
QUARANTINE = Table.of(
    "bronze.quarantine",
    key="source, path, offset, reason",
    columns="source, path, offset BIGINT, reason, bytes BIGINT, sample, sha256",
)
SILVER_DOCUMENTS = Table.of(
    "silver.documents",
    key="doc_id",
    columns=(
        "doc_id, parent_id, source, path, kind, slice, split_group, version, licence, bytes BIGINT, "
        "redactions INT, quality DOUBLE, cluster_id, text"
    ),
    settled="bytes, text",
)
REJECTS = Table.of(
    "silver.rejects",
    key="doc_id, reason",
    columns="doc_id, parent_id, source, path, reason, figure DOUBLE, bytes BIGINT, cluster_id",
)
CORPUS = Table.of(
    "gold.corpus",
    key="doc_id",
    columns=(
        "doc_id, parent_id, source, path, kind, slice, split, split_group, version, licence, "
        "held_out INT, bytes BIGINT, text"
    ),
)
INSTRUCTIONS = Table.of(
    "gold.instructions",
    key="item_id",
    columns=(
        "item_id, doc_id, text, kind, intent, context, next_action, fields MAP<STRING,STRING>, "
        "fact_table, fact_key, fact_version, licence, split, split_group"
    ),
)
BENCHMARK = Table.of(
    "gold.benchmark",
    key="item_id",
    columns=(
        "item_id, task, prompt, answers ARRAY<STRING>, baselines MAP<STRING,STRING>, fact_table, "
        "fact_key, fact_version, split, split_group"
    ),
)

BRONZE = (
    *(FILES, DOCUMENTS, PCI_IDS, USB_IDS, MODULES, CONFIG_SYMBOLS, LOG_EVENTS, LOG_TEMPLATES, SYSTEM_SNAPSHOTS),
    QUARANTINE,
)
CURATED = (SILVER_DOCUMENTS, REJECTS, CORPUS, INSTRUCTIONS, BENCHMARK)
"""Silver and gold: what curate writes."""
ALL = (*BRONZE, *CURATED)
