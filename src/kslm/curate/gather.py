"""The other bronze tables as texts: id lists, modules, configuration symbols, log events, system snapshots.

The tables of ids, modules and symbols are joined here in this process: they have some ten thousand rows, as there is
hardware, however much text is read. Of packages and of templates of log messages there may be more: they pass through
one at a time, and blocks of log events are put together by the engine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from kslm.extract import cards
from kslm.instruct.tables import from_tables
from kslm.kinds import DT_BINDING, KCONFIG, LOG, MAKEFILE, SNAPSHOT, Overrides
from kslm.knowledge import entities as entities_
from kslm.knowledge import hardware as hardware_
from kslm.knowledge.drivers import drivers_of
from kslm.knowledge.entities import Entities, Row
from kslm.knowledge.hardware import Attribution, Hardware
from kslm.lake import Lake, tables
from kslm.lake.tables import DOCUMENTS, Table
from kslm.settings import Settings
from kslm.sources.kernel import dt_binding
from kslm.sources.records import ConfigSymbol
from kslm.texts import Text

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

VENDOR_PREFIXES = "Documentation/devicetree/bindings/vendor-prefixes.yaml"

BLOCK_LINES = 1000
"""Lines of a log that make one document, before those alike are left out."""

ALIKE = 3
"""Events of one template that a block keeps: a log repeats itself, a text to learn from should not."""


class KconfigFile(NamedTuple):
    """A Kconfig file: its row of bronze.documents without the text, and its symbols in order."""

    row: Row
    symbols: Sequence[ConfigSymbol]


class Knowledge(NamedTuple):
    """The id, module and symbol tables, joined.

    Attributes:
        ids: rows of bronze.pci_ids and bronze.usb_ids, by bus.
        modules: rows of bronze.modules, by name.
        kconfig: all Kconfig files.
        hardware: names and drivers of devices.
        entities: split groups.
    """

    ids: Mapping[str, Sequence[Row]]
    modules: Sequence[Row]
    kconfig: Sequence[KconfigFile]
    hardware: Hardware
    entities: Entities


def knowledge(lake: Lake) -> Knowledge:
    """Read the tables, and settle what belongs together."""
    modules = sorted(_rows(lake, tables.MODULES), key=lambda row: str(row["module"]))
    ids = {"pci": _rows(lake, tables.PCI_IDS), "usb": _rows(lake, tables.USB_IDS)}
    names = {key: name for bus, rows in ids.items() for key, name in entities_.device_names(rows, bus).items()}
    vendors = {key: name for bus, rows in ids.items() for key, name in hardware_.vendor_names(rows, bus).items()}
    hardware = Hardware(vendors, names, drivers_of(modules))
    tree = _tree(lake)
    entities = replace(
        entities_.build(modules, names, tree[MAKEFILE.name]),
        vendors=dt_binding.vendors(tree[DT_BINDING.name].get(VENDOR_PREFIXES, "")),
    )
    return Knowledge(ids, modules, _kconfig(lake), hardware, entities)


def texts(lake: Lake, settings: Settings, known: Knowledge) -> Iterator[Text]:
    """All texts and questions generated from ids, modules, configuration symbols, packages and log templates."""
    ids, modules, kconfig, hardware, entities = known
    origins = {bus: _origin(settings, f"{bus}_ids", rows) for bus, rows in ids.items()}
    origin = _origin(settings, "kernel_modules", modules)
    for bus, rows in ids.items():
        yield from cards.id_texts(rows, bus, hardware, entities, origins[bus])
    yield from cards.module_texts(modules, hardware, entities, origin)
    overrides = Overrides.of(settings.profile.sources)
    for file in kconfig:
        yield from KCONFIG.texts(file.row, file.symbols, entities, overrides)
    yield from from_tables(
        ids,
        modules,
        hardware,
        entities,
        origins | {"modules": origin, "logs": Attribution(_logs_source(settings), _logs_licence(settings))},
        files=_streamed(lake, tables.FILES),
        templates=_streamed(lake, tables.LOG_TEMPLATES),
        seed=settings.profile.seed,
    )


def logs(lake: Lake, settings: Settings) -> DataFrame:
    """Blocks of log events, in order; one host's logs share a split group.

    Of the events of one template (kslm.sources.logs.templates) a block keeps the first ALIKE; how many more there were
    is said after them. Events without a template are all kept.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F  # noqa: N812 (the name Spark's documentation uses)

    key = ["source", "path", "host", "block"]
    alike = Window.partitionBy(*key, "alike")
    left_out = F.col("count") - ALIKE
    note = F.concat(F.lit("\n["), left_out.cast("string"), F.lit(" similar lines left out]"))
    noted = F.when((F.col("rank") == ALIKE) & (left_out > 0), F.concat("text", note)).otherwise(F.col("text"))
    blocks = (
        lake.read(tables.LOG_EVENTS)
        .withColumn("text", _rendered())
        .withColumn("block", F.floor((F.col("line") - 1) / BLOCK_LINES).cast("bigint"))
        .withColumn("host", F.coalesce("host", F.lit("")))
        .withColumn("alike", F.coalesce("template_id", F.concat(F.lit("event/"), "event_id")))
        .withColumn("rank", F.row_number().over(alike.orderBy("line", "event_id")))
        .withColumn("count", F.count(F.lit(1)).over(alike))
        .where(F.col("rank") <= ALIKE)
        .select(*key, F.struct("line", "event_id", noted.alias("text")).alias("event"))
        .groupBy(*key)
        .agg(F.sort_array(F.collect_list("event")).alias("events"))
    )
    place = F.concat("path", F.lit("#"), "host", F.lit("."), F.col("block").cast("string"))
    return blocks.select(
        F.concat(F.lit("log_events/"), place).alias("parent_id"),
        "source",
        place.alias("path"),
        F.lit(LOG.name).alias("kind"),
        F.lit(LOG.slice).alias("slice"),
        F.when(F.col("host") == "", F.concat(F.lit("log:"), "path"))
        .otherwise(F.concat(F.lit("host:"), "host"))
        .alias("split_group"),
        F.lit(None).cast("string").alias("version"),
        _licence(settings, F.col("source")).alias("licence"),
        F.concat_ws("\n", F.transform("events", lambda event: event["text"])).alias("text"),
    )


def _rendered() -> Column:
    """An event as a line of a log (or several: a report of the kernel stays whole)."""
    from pyspark.sql import functions as F  # noqa: N812

    uptime = F.col("time").startswith("+")
    stamp = F.when(uptime, F.concat(F.lit("["), F.expr("substring(time, 2)"), F.lit("]"))).otherwise(F.col("time"))
    tag = F.when(F.col("pid").isNull(), F.col("tag")).otherwise(
        F.concat(F.coalesce("tag", F.lit("")), F.lit("["), F.col("pid").cast("string"), F.lit("]"))
    )
    return F.concat_ws(" ", stamp, F.expr("nullif(host, '')"), F.concat(tag, F.lit(":")), F.col("message"))


def snapshots(lake: Lake, settings: Settings) -> DataFrame:
    """A text for each section of each system snapshot; one snapshot's sections share a split group."""
    from pyspark.sql import functions as F  # noqa: N812

    place = F.concat("path", F.lit("#"), F.col("index").cast("string"))
    return lake.read(tables.SYSTEM_SNAPSHOTS).select(
        F.concat_ws("/", F.lit("system_snapshots"), "snapshot_id", F.col("index").cast("string")).alias("parent_id"),
        F.lit(_logs_source(settings)).alias("source"),
        F.concat("snapshot_id", F.lit("/"), place).alias("path"),
        F.lit(SNAPSHOT.name).alias("kind"),
        F.lit(SNAPSHOT.slice).alias("slice"),
        F.concat(F.lit("snapshot:"), "snapshot_id").alias("split_group"),
        F.lit(None).cast("string").alias("version"),
        F.lit(_logs_licence(settings)).alias("licence"),
        F.concat_ws("\n", "title", "text").alias("text"),
    )


def _tree(lake: Lake) -> dict[str, dict[str, str]]:
    """Files of the tree that say something of others, by kind and path; the last source's where several have one."""
    wanted = f"kind = '{MAKEFILE.name}' OR (kind = '{DT_BINDING.name}' AND path = '{VENDOR_PREFIXES}')"
    rows = lake.read(DOCUMENTS).where(wanted).select("source", "doc_id", "kind", "path", "text").toArrow().to_pylist()
    files: dict[str, dict[str, str]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: (str(row["source"]), str(row["doc_id"]))):
        files[row["kind"]][row["path"]] = row["text"]
    return files


def _kconfig(lake: Lake) -> list[KconfigFile]:
    symbols: dict[str, list[ConfigSymbol]] = defaultdict(list)
    for row in lake.read(tables.CONFIG_SYMBOLS).select("doc_id", *ConfigSymbol._fields).toArrow().to_pylist():
        symbols[row.pop("doc_id")].append(ConfigSymbol(**row))
    files = lake.read(DOCUMENTS).where(f"kind = '{KCONFIG.name}'").drop("text").toArrow().to_pylist()
    return [KconfigFile(row, sorted(symbols[row["doc_id"]], key=lambda symbol: symbol.line)) for row in files]


def _streamed(lake: Lake, table: Table) -> Iterator[Row]:
    return (row.asDict() for row in lake.read(table).toLocalIterator())


def _rows(lake: Lake, table: Table) -> list[dict[str, object]]:
    return lake.read(table).toArrow().to_pylist()


def _origin(settings: Settings, kind: str, rows: Sequence[Row]) -> Attribution:
    """Source and licence of a table whose rows do not name them: those of the profile's first source of its kind."""
    for name, source in sorted(settings.profile.sources.items()):
        if source.kind == kind:
            return Attribution(
                name, source.licence, max((str(row["version"]) for row in rows if row["version"]), default=None)
            )
    return Attribution(kind, "NOASSERTION")


def _licence(settings: Settings, source: Column) -> Column:
    """Licence of a log by its source's name; the user's own logs and collected ones go with the first logs source."""
    from pyspark.sql import functions as F  # noqa: N812

    licence = F.lit(_logs_licence(settings))
    for name, declared in settings.profile.sources.items():
        licence = F.when(source == name, F.lit(declared.licence)).otherwise(licence)
    return licence


def _logs_source(settings: Settings) -> str:
    return next((name for name, source in sorted(settings.profile.sources.items()) if source.kind == "logs"), "logs")


def _logs_licence(settings: Settings) -> str:
    declared = settings.profile.sources.get(_logs_source(settings))
    return declared.licence if declared else "LicenseRef-own-machine"
