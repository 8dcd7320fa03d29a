"""The curate stage: bronze tables to silver.documents, silver.rejects, gold.corpus and what is asked from it.

Texts are made, cleaned, redacted and judged in one pass, whose result is kept as Parquet in the cache while the stage
runs: everything after it (duplicates, mix, split, the tables) reads that instead of doing the pass again. The engine
decides about documents; this process sees what is known of hardware, and sizes by split group.

silver.documents holds every document that is clean and not a duplicate. gold.corpus is the same with its split, and
without held-out facts in what trains (see `gold`); slices get their shares when the corpus is tokenized. Whatever is
left out of either has a row in silver.rejects.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import partial, reduce
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

import kslm.lake
from kslm.code import code_hash
from kslm.curate import gather
from kslm.curate.benchmark.items import ground_truth
from kslm.curate.decide import JUDGED, Decisions, decide, to_compare
from kslm.curate.dedup.search import Near
from kslm.curate.gather import Knowledge
from kslm.curate.gold import Publishing, benchmark_rows, held_out_facts, publish
from kslm.curate.messages import message_texts
from kslm.curate.records import CANDIDATES, TEXTS
from kslm.curate.refine.candidates import Limits, refine_texts
from kslm.curate.reuse.cache import Cache
from kslm.curate.reuse.documents import Refined, cache_key, refine_table
from kslm.curate.reuse.generated import GENERATED, refine_generated
from kslm.curate.reuse.written import Written, commit
from kslm.kinds import C, Overrides
from kslm.lake import Lake
from kslm.lake.arrow import ParquetSpool
from kslm.lake.change import as_metrics, as_outputs
from kslm.lake.tables import BENCHMARK, BRONZE, CORPUS, DOCUMENTS, INSTRUCTIONS, REJECTS
from kslm.outputs import Curated
from kslm.report import QUIET, Progress, Report
from kslm.scratch import emptied
from kslm.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def run(settings: Settings, progress: Progress = QUIET) -> Report[Curated]:
    """Make silver and gold equal to what the bronze tables and the profile say.

    Raises:
        DataError: a bronze table is missing: ingest has not run.
    """
    started = os.times()
    with (
        kslm.lake.open(settings) as lake,
        # In the home, not in its scratch: the engine reads it, and its workers may be on other machines.
        emptied(settings.home.cache / "curate" / settings.schema_prefix) as folder,
        progress.task("curate", total=4, unit="steps") as task,
    ):
        lake.read(DOCUMENTS)
        inputs = {str(table): version for table in BRONZE if (version := lake.version(table)) >= 0}
        bronze = xxhash.xxh3_128_hexdigest("".join(commit(lake, table) for table in BRONZE).encode())
        task.update(note="extracting, cleaning, redacting")
        known = gather.knowledge(lake)
        candidates, refined, generated, made_by = _refine(lake, settings, known, bronze, folder)
        task.advance()
        task.update(note="looking for duplicates")
        decisions = _decide(lake, candidates, settings, folder, made_by)
        task.advance()
        task.update(note="writing silver and gold")
        decided = decisions.frame.join(candidates.drop("reason", "figure"), "doc_id")
        held_out = held_out_facts(known, refined.notes, decisions.splits)
        publishing = Publishing(lake, decided, held_out, settings.profile.curate.min_chars, folder)
        written = Written(lake, Cache(_caches(settings) / "written", f"{made_by} {code_hash(('lake',))}"))
        publish(written, publishing, partial(benchmark_rows, lake, known, decisions.splits, folder), bronze)
        hashes = written.hashes
        task.advance()
        read_bytes, metrics = _bronze_bytes(lake), _metrics(lake)
        count = decisions.frame.count()
        task.advance()
    cpu = sum(os.times()[:4]) - sum(started[:4])
    return Report(
        stage="curate",
        output_id=xxhash.xxh3_128_hexdigest("".join(hashes[name] for name in sorted(hashes)).encode()),
        metrics={
            **metrics,
            "curate/candidates": float(count),
            "curate/driver_ground_truth": float(len(ground_truth(known.hardware, known.modules))),
            "curate/documents_refined": float(refined.refined),
            "curate/documents_reused": float(refined.reused),
            "curate/generated_refined": float(generated),
            "curate/bytes_in": float(read_bytes),
            "curate/mb_per_cpu_second": read_bytes / 1e6 / max(cpu, 0.01),
            "curate/mb_per_second": read_bytes / 1e6 / max(os.times().elapsed - started.elapsed, 0.01),
        }
        | as_metrics("curate", lake.changes),
        outputs=Curated(tables=written.versions, inputs=inputs, hashes=hashes, changes=as_outputs(lake.changes)),
        notes=_notes(metrics),
    )


def _refine(
    lake: Lake, settings: Settings, known: Knowledge, bronze: str, folder: Path
) -> tuple[DataFrame, Refined, int, str]:
    """All candidates, refused ones too, how many documents and generated texts they took work for, and their key."""
    curate = settings.profile.curate
    limits = Limits(curate.min_chars, curate.max_chars, curate.max_non_english)
    entities = known.entities.without_devices()
    overrides = Overrides.of(settings.profile.sources)
    made_by = cache_key(entities, limits, overrides)
    caches = _caches(settings)
    refined = refine_table(
        lake, Cache(caches / "documents", made_by), entities, limits, scratch=folder, overrides=overrides
    )

    def generate() -> DataFrame:
        spool = ParquetSpool(TEXTS, folder / "generated.parquet")
        for text in gather.texts(lake, settings, known):
            spool.add(text._asdict())
        spool.close()
        messages = message_texts(refined.notes.where(f"kind = '{C.name}'"), entities)
        return lake.read_parquet(TEXTS, spool.path).union(messages)

    cache, follows_from = Cache(caches / "generated", made_by), f"{bronze} {_generating(settings)}"
    generated, worked = refine_generated(lake, generate, cache, limits, follows_from=follows_from, scratch=folder)
    frames = [
        lake.map(frame, partial(refine_texts, limits=limits), CANDIDATES.ddl)
        for frame in (gather.logs(lake, settings), gather.snapshots(lake, settings))
    ]
    lake.write_parquet(reduce(lambda left, right: left.union(right), frames), folder / "candidates")
    others = [
        lake.read_parquet(GENERATED, generated).select(*CANDIDATES.columns),
        lake.read_parquet(CANDIDATES, folder / "candidates"),
    ]
    return reduce(lambda left, right: left.union(right), others, refined.candidates), refined, worked, made_by


def _generating(settings: Settings) -> str:
    """Names what of the profile decides the texts that are generated, beside the tables."""
    sources = {name: source.model_dump(mode="json") for name, source in settings.profile.sources.items()}
    return xxhash.xxh3_128_hexdigest(json.dumps([sources, settings.profile.seed], sort_keys=True).encode())


def _decide(lake: Lake, candidates: DataFrame, settings: Settings, folder: Path, made_by: str) -> Decisions:
    """Find duplicates, then settle every document's fate."""
    profile = settings.profile
    judged = candidates.select(*JUDGED)
    near = Near(lake, profile.curate.near_duplicate_jaccard, folder, _caches(settings), made_by)
    edges = near.pairs(candidates, to_compare(judged))
    return decide(lake, judged, edges, curate=profile.curate, seed=profile.seed, folder=folder)


def _caches(settings: Settings) -> Path:
    """Where what is dear to make anew is kept between runs."""
    return settings.home.cache / "refined" / settings.schema_prefix


def _bronze_bytes(lake: Lake) -> int:
    from pyspark.sql import functions as F  # noqa: N812

    return int(lake.read(DOCUMENTS).agg(F.sum("bytes")).collect()[0][0] or 0)


def _metrics(lake: Lake) -> dict[str, float]:
    """Documents, bytes and refusals, counted in the tables."""
    from pyspark.sql import functions as F  # noqa: N812

    count, size = F.count(F.lit(1)).alias("n"), F.sum("bytes").alias("size")
    gold = lake.read(CORPUS).groupBy("slice", "split").agg(count, size, F.sum("held_out").alias("held_out")).collect()
    metrics: Counter[str] = Counter()
    for row in gold:
        metrics["curate/documents"] += row["n"]
        metrics["curate/bytes"] += row["size"]
        metrics["curate/held_out_statements"] += row["held_out"]
        metrics[f"curate/documents/{row['slice']}/{row['split']}"] = row["n"]
        metrics[f"curate/bytes/{row['slice']}/{row['split']}"] = row["size"]
    for row in lake.read(REJECTS).groupBy("reason").agg(count).collect():
        metrics["curate/rejects"] += row["n"]
        metrics[f"curate/rejects/{row['reason']}"] = row["n"]
    for table in (INSTRUCTIONS, BENCHMARK):
        metrics[f"curate/{table.name}"] = lake.read(table).count()
    return {name: float(metrics[name]) for name in sorted(metrics)}


def _notes(metrics: dict[str, float]) -> list[str]:
    splits = {name.rpartition("/")[2] for name in metrics if name.startswith("curate/documents/")}
    missing = [name for name in ("train", "val", "test") if name not in splits]
    return [f"no group of documents is in split {name}: there are too few groups" for name in missing]
