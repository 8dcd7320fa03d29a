"""Throughput of encode + write, beside HF `tokenizers` doing the same work in the same run.

    python benchmarks/bench_tokenize.py TEXT_FOLDER [megabytes]

Reads up to that many megabytes of the folder's text files as documents, trains a 4096-token vocabulary on the first
30 MB, and times three interleaved rounds of either encoder writing real shards. Medians are printed.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from kslm.profile import Tokenizer
from kslm.tokenize.build import build
from kslm.tokenize.statistics import measure
from kslm.tokens import Encoded, Lineage, ShardReader, ShardWriter

ROUNDS = 3
LINEAGE = Lineage(table="benchmark", version=0, content_hash="", code_version="")


def documents(folder: Path, limit: int) -> pa.Table:
    rows, size = [], 0
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink() or size >= limit:
            continue
        raw = path.read_bytes()
        if b"\0" in raw or len(raw) > 1_000_000:
            continue
        text = raw.decode("utf-8", "replace")
        doc_id = xxhash.xxh3_128_hexdigest(f"{path}".encode())
        split = ("val", "test")[int(doc_id[0], 16) % 2] if int(doc_id[-1], 16) < 2 else "train"
        rows.append(
            {"doc_id": doc_id, "split": split, "kind": "c", "slice": "os", "bytes": len(text.encode()), "text": text}
        )
        size += len(raw)
    return pa.Table.from_pylist(rows)


def ours(table: pa.Table, folder: Path, scratch: Path) -> float:
    def read(*columns: str) -> list[pa.RecordBatch]:
        return table.select(list(columns)).to_batches(max_chunksize=512)

    return build(read, folder, Tokenizer(), "bench", LINEAGE, scratch=scratch).mb_per_second


def reference(table: pa.Table, tokenizer_json: Path, folder: Path, scratch: Path) -> float:
    from tokenizers import Tokenizer as Reference

    tokenizer = Reference.from_file(str(tokenizer_json))
    tokenizer.encode_special_tokens = True
    rows = table.to_pylist()
    started = time.perf_counter()
    with ShardWriter(folder, tokenizer_json.read_text("utf-8"), ("os",), scratch=scratch) as writer:
        for start in range(0, len(rows), 512):
            batch = rows[start : start + 512]
            encoded = tokenizer.encode_batch_fast([row["text"] for row in batch], add_special_tokens=False)
            lengths = np.array([len(encoding.ids) for encoding in encoded], np.int64)
            ids = np.concatenate([np.array(encoding.ids, np.uint32) for encoding in encoded])
            names, splits, sizes = ([row[key] for row in batch] for key in ("doc_id", "split", "bytes"))
            writer.add(names, splits, ["os"] * len(batch), sizes, Encoded(ids, lengths))
        writer.publish("bench", LINEAGE)
    return sum(row["bytes"] for row in rows) / 1e6 / (time.perf_counter() - started)


def main() -> None:
    folder, megabytes = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60
    table = documents(folder, megabytes * 1_000_000)
    figures: dict[str, list[float]] = {"kslm": [], "tokenizers": []}
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        for _ in range(ROUNDS):
            figures["kslm"].append(ours(table, root / "ours", root))
            figures["tokenizers"].append(reference(table, root / "ours" / "tokenizer.json", root / "reference", root))
        same = all(
            (root / "ours" / f"{split}.bin").read_bytes() == (root / "reference" / f"{split}.bin").read_bytes()
            for split in ("train", "val", "test")
        )
        metrics = measure(ShardReader(root / "ours"))
    medians = {f"{name}_mb_per_second": round(statistics.median(values), 1) for name, values in figures.items()}
    ratio = medians["kslm_mb_per_second"] / medians["tokenizers_mb_per_second"]
    print(
        json.dumps(
            {**medians, "ratio": round(ratio, 1), "same_shards": same, "documents": len(table)} | metrics, indent=1
        )
    )


if __name__ == "__main__":
    main()
