"""Near-duplicate stage inside the engine: MB of text a CPU-second, and whether cost is linear in bytes.

    python benchmarks/bench_duplicates.py [megabytes ...]

Takes texts of silver.documents of the home in KSLM_HOME, one after another and again with a word changed here and
there until there are enough (so that there is something to find), and runs the stage's own queries over 20, 40 and 80
MB of them. CPU time is the whole process's: engine, Arrow and Python together.
"""

import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import kslm.lake
from kslm.curate.duplicates import NEAR_EXEMPT, near_pairs
from kslm.lake.tables import SILVER_DOCUMENTS, Table
from kslm.settings import load_settings

TEXTS = Table("scratch", "unique", ("doc_id",), {"doc_id": "STRING", "text": "STRING"})
THRESHOLD = 0.8


def sized(texts: list[str], size: int) -> pa.Table:
    """Texts to `size` bytes; from the second round on, each with one word in twenty replaced."""
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
            if total >= size:
                break
        turn += 1
    return pa.Table.from_pylist(rows)


def main() -> None:
    sizes = [int(argument) for argument in sys.argv[1:]] or [20, 40, 80]
    with kslm.lake.open(load_settings("quick")) as lake, tempfile.TemporaryDirectory() as folder:
        silver = lake.read(SILVER_DOCUMENTS).orderBy("doc_id").select("kind", "text").toArrow().to_pylist()
        texts = [row["text"] for row in silver if row["kind"] not in NEAR_EXEMPT]
        for size in (1, *sizes):  # the first warms the engine up
            table = sized(texts, size * 1_000_000)
            path = Path(folder) / f"{size}.parquet"
            pq.write_table(table, path)
            before, started = os.times(), time.perf_counter()
            edges = near_pairs(lake, lake.read_parquet(TEXTS, path), THRESHOLD, Path(folder) / f"work{size}")
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
            print(json.dumps(figures))


if __name__ == "__main__":
    main()
