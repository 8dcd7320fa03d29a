"""A Python data source over an uncompressed kernel tarball, read in byte ranges.

Each partition is a run of members that lie next to each other, so it is one sequential read, wherever the engine runs
it; batches of 8 MB bound its memory. The same source has two faces: the documents, and (with `findings`) only what was
wrong with them, because one pass cannot fill two tables; the second pass costs a fifth of the first.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from kslm import kinds
from kslm.errors import DataError
from kslm.ingest.rows import document_id
from kslm.kinds import KCONFIG
from kslm.lake.arrow import batches_of
from kslm.lake.tables import DOCUMENTS, QUARANTINE
from kslm.sources.kernel import kconfig_tree
from kslm.sources.kernel import tree as kernel_tree
from kslm.sources.kernel.tree import LARGEST_FILE, Member
from kslm.sources.records import Bad, ConfigSymbol

PARTITION_BYTES = 32 << 20
BATCH_BYTES = 8 << 20


@dataclass(frozen=True)
class Tree:
    """One tarball, and what is said of all its files."""

    source: str
    tar: str
    version: str | None
    licence: str | None
    ingested_at: str


def plan(
    tree: Tree, index: Path, include: Collection[str], exclude: Collection[str], path: Path, *, partitions: int
) -> tuple[int, Counter[str]]:
    """Choose the members to read and write them to `path`, which is what the data source is given.

    The last member of a name counts, as tar has it; members of no kind that is kept are left out. They are read in
    about `partitions` runs, or in more where a run would exceed PARTITION_BYTES.

    Returns:
        Bytes of the chosen members, and how many there are of each kind ("other": left out).

    Raises:
        DataError: the tarball is shorter than its index says; found here rather than in some worker.
    """
    members = {member.name: member for member in kernel_tree.load_index(index)}
    selected = kernel_tree.select(members.values(), include, exclude)
    counts = Counter(kernel_tree.kind_of(member.name) for member in selected)
    chosen = [member for member in selected if kernel_tree.kind_of(member.name) != "other"]
    end = max((member.offset + member.size for member in chosen), default=0)
    if Path(tree.tar).stat().st_size < end:
        raise DataError(
            f"{tree.tar} ends before byte {end}, which its index promises",
            cause="the file was cut short, or is not the one its index was made from",
            remedy="fetch it again: kslm fetch --force",
        )
    size = sum(member.size for member in chosen)
    limit = min(PARTITION_BYTES, max(1, -(-size // partitions)))
    path.write_text(json.dumps({"tree": vars(tree), "runs": runs(chosen, limit)}), "utf-8")
    return size, counts


class KernelTree(DataSource):
    """`spark.read.format("kslm_kernel_tree")`; options: plan (path), findings (true: only what was wrong)."""

    @classmethod
    def name(cls) -> str:
        """The format's name."""
        return "kslm_kernel_tree"

    def schema(self) -> str:
        """Columns of bronze.documents, or of bronze.quarantine."""
        return QUARANTINE.ddl if _findings(self.options) else DOCUMENTS.ddl

    def reader(self, schema: Any) -> KernelTreeReader:
        """The reader of one query."""
        return KernelTreeReader(Path(self.options["plan"]), _findings(self.options))


class KernelTreeReader(DataSourceReader):
    """Reads the runs of one plan, each in a partition of its own."""

    def __init__(self, plan_path: Path, findings: bool) -> None:
        stored = json.loads(plan_path.read_text("utf-8"))
        self.tree = Tree(**stored["tree"])
        self.findings = findings
        self._runs = stored["runs"]

    def partitions(self) -> list[InputPartition]:
        """One for each run."""
        planned, self._runs = self._runs, []
        return [InputPartition(run) for run in planned] or [InputPartition([])]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of one run."""
        members = [Member(*member) for member in partition.value]
        if self.findings:
            rows = (row for _, findings in self._read(members) for row in findings)
            yield from batches_of(QUARANTINE, rows, BATCH_BYTES)
        else:
            documents = (document for document, _ in self._read(members) if document)
            yield from batches_of(DOCUMENTS, documents, BATCH_BYTES)

    def _read(self, members: list[Member]) -> Iterator[tuple[tuple[Any, ...] | None, list[tuple[Any, ...]]]]:
        """Each member's row of bronze.documents, if it has one, and its rows of bronze.quarantine."""
        fitting = [member for member in members if member.size <= LARGEST_FILE]
        for member in members:
            if member.size > LARGEST_FILE:
                finding = Bad(member.name, 0, f"larger than {LARGEST_FILE >> 20} MiB", member.size)
                yield None, [self._bad(finding, b"")]
        for member, raw in kernel_tree.read_members(Path(self.tree.tar), fitting):
            kind = kernel_tree.kind_of(member.name)
            text, findings = kinds.decode(kind, raw, member.name)
            document = self._document(member, kind, raw, text) if text and not self.findings else None
            yield document, [self._bad(finding, raw) for finding in findings]

    def _document(self, member: Member, kind: str, raw: bytes, text: str) -> tuple[Any, ...]:
        of = self.tree
        licence = kernel_tree.licence_of(text) or of.licence
        digest = hashlib.sha256(raw).hexdigest()
        doc_id = document_id(of.source, member.name, raw)
        return (doc_id, of.source, member.name, kind, of.version, licence, digest, len(raw), text, of.ingested_at)

    def _bad(self, bad: Bad, raw: bytes) -> tuple[Any, ...]:
        digest = hashlib.sha256(raw).hexdigest()
        return (self.tree.source, bad.path, bad.offset, bad.reason, bad.size, bad.sample, digest)


def config_symbols(tree: Tree, plan_path: Path) -> Iterator[tuple[str, str, ConfigSymbol]]:
    """Every entry of the Kconfig files of a plan: its document's id, its file's path, and what is told of it."""
    members = [Member(*member) for run in json.loads(plan_path.read_text("utf-8"))["runs"] for member in run]
    chosen = [member for member in members if kernel_tree.kind_of(member.name) == KCONFIG.name]
    texts: dict[str, str] = {}
    ids: dict[str, str] = {}
    for member, raw in kernel_tree.read_members(Path(tree.tar), chosen):
        if text := kinds.decode(KCONFIG.name, raw, member.name).text:
            texts[member.name], ids[member.name] = text, document_id(tree.source, member.name, raw)
    for path, entry in kconfig_tree.entries(texts):
        yield ids[path], path, entry.symbol


def runs(members: Collection[Member], limit: int) -> list[list[Member]]:
    """Cut members into consecutive runs of about `limit` bytes each."""
    cut: list[list[Member]] = []
    size = limit
    for member in members:
        if size >= limit:
            cut.append([])
            size = 0
        cut[-1].append(member)
        size += member.size
    return cut


def _findings(options: Any) -> bool:
    return options.get("findings") == "true"
