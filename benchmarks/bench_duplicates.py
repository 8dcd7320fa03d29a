"""Near-duplicate stage inside the engine: MB of text a CPU-second, and whether cost is linear in bytes.

    python benchmarks/bench_duplicates.py [--profile tiny] [megabytes ...]

Takes texts of the profile's silver.documents, half of the bytes as they are and half again with
words changed (one text in ten so little that it is to be found), and runs the stage's own queries over 20, 40 and 80
MB of them. CPU time is the whole process's: engine, Arrow and Python together. Beside it stands rensa used as its
README shows (shingles in Python, one RMinHash a text, RMinHashLSH), which finds candidates and verifies none.
"""

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import rensa

import kslm.lake
from kslm import kinds
from kslm.curate.dedup.minhash import PERMUTATIONS, SEED, bands_for
from kslm.curate.dedup.search import Near
from kslm.curate.dedup.shingles import WIDTH
from kslm.lake.tables import SILVER_DOCUMENTS, Table
from kslm.settings import load_settings

TEXTS = Table("scratch", "unique", ("doc_id",), {"doc_id": "STRING", "text": "STRING"})
THRESHOLD = 0.8


def sized(texts: list[str], size: int) -> pa.Table:
    """Texts to half of `size` bytes, then again with half of their words replaced, or one in fifty, until `size`."""
    rng = random.Random(0)
    rows: list[dict[str, str]] = []
    total = turn = 0
    while total < size:
        for number, text in enumerate(texts):
            words = text.split(" ")
            if turn:
                for place in rng.sample(range(len(words)), len(words) // (2 if number % 10 else 50)):
                    words[place] = f"other{rng.randrange(100_000)}"
            rows.append({"doc_id": f"{turn}-{number:07}", "text": " ".join(words)})
            total += len(rows[-1]["text"].encode())
            if total >= (size if turn else size / 2):
                break
        turn += 1
    return pa.Table.from_pylist(rows)


def plain_rensa(texts: list[str]) -> int:
    """How many pairs of texts share a band."""
    index = rensa.RMinHashLSH(THRESHOLD, PERMUTATIONS, bands_for(THRESHOLD))
    found = 0
    for number, text in enumerate(texts):
        words = text.lower().split()
        signature = rensa.RMinHash(PERMUTATIONS, SEED)
        signature.update([" ".join(words[place : place + WIDTH]) for place in range(len(words) - WIDTH + 1)])
        found += len(index.query(signature))
        index.insert(number, signature)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--profile", default="tiny")
    arguments.add_argument("megabytes", type=int, nargs="*", default=[20, 40, 80])
    given = arguments.parse_args()
    with kslm.lake.open(load_settings(given.profile)) as lake, tempfile.TemporaryDirectory() as folder:
        silver = lake.read(SILVER_DOCUMENTS).orderBy("doc_id").select("kind", "text").toArrow().to_pylist()
        texts = [row["text"] for row in silver if kinds.of(row["kind"]).near]
        for size in (1, *given.megabytes):  # the first warms the engine up
            table = sized(texts, size * 1_000_000)
            path = Path(folder) / f"{size}.parquet"
            pq.write_table(table, path)
            before, started = os.times(), time.perf_counter()
            near = Near(lake, THRESHOLD, Path(folder), Path(folder) / f"state{size}", "benchmark")
            edges = near.pairs(lake.read_parquet(TEXTS, path), table["doc_id"].to_pylist())
            after = os.times()
            cpu = sum(after[:2]) - sum(before[:2])
            figures = {
                "megabytes": size,
                "documents": table.num_rows,
                "pairs": edges.num_rows,
                "cpu_seconds": round(cpu, 1),
                "mb_per_cpu_second": round(size / cpu, 1),
                "mb_per_second": round(size / (time.perf_counter() - started), 1),
            }
            before = os.times()
            candidates = plain_rensa(table["text"].to_pylist())
            after = os.times()
            cpu = sum(after[:2]) - sum(before[:2])
            figures |= {"rensa_candidates": candidates, "rensa_mb_per_cpu_second": round(size / cpu, 1)}
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
