"""`datasets.map` in two processes, in the manner of nanoGPT's data/openwebtext/prepare.py, down to its memory map.

    python tokenize_datasets.py WORK OUT; see bench_tokenize.py

As there, a row is encoded at a time and the ids pass through Arrow; the tokenizer is the benchmark's own in place of
tiktoken's GPT-2, the rows come from JSON lines in place of a downloaded dataset, and the memory map is filled by as
many rows at a time as OpenWebText's were. Excluded: imports, and the tokenizer's load.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from datasets import load_dataset
from tokenizers import Tokenizer

EOT = 0
ROWS = 8000


def main(work: Path, out: Path) -> None:
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    tokenizer.encode_special_tokens = True

    def process(example: dict[str, Any]) -> dict[str, Any]:
        ids = tokenizer.encode(example["text"], add_special_tokens=False).ids
        ids.append(EOT)
        return {"ids": ids, "len": len(ids)}

    print("ready", flush=True)
    input()
    files = sorted(map(str, (work / "jsonl").glob("*.jsonl")))
    rows = load_dataset("json", data_files=files, split="train", cache_dir=str(out / "cache"))
    rows = rows.map(process, remove_columns=rows.column_names, num_proc=2)
    total = np.sum(rows["len"], dtype=np.uint64)
    tokens = np.memmap(out / "tokens.bin", np.uint16, "w+", shape=(int(total),))
    place = 0
    pieces = -(-len(rows) // ROWS)
    for number in range(pieces):
        piece = rows.shard(num_shards=pieces, index=number, contiguous=True).with_format("numpy")
        ids = np.concatenate(piece["ids"][:])
        tokens[place : place + len(ids)] = ids
        place += len(ids)
    tokens.flush()
    print("done", flush=True)
    input()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
