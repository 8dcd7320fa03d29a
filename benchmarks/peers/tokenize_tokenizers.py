"""HF tokenizers' fast path and numpy in one process (its threads on all cores): the ids that ours must equal.

    python tokenize_tokenizers.py WORK OUT; see bench_tokenize.py

Excluded: imports, and the tokenizer's load.
"""

import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

BATCH = 512
EOT = 0


def texts(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"]


def main(work: Path, out: Path) -> None:
    tokenizer = Tokenizer.from_file(str(work / "tokenizer.json"))
    tokenizer.encode_special_tokens = True
    print("ready", flush=True)
    input()
    waiting = texts(work / "jsonl")
    lengths: list[int] = []
    with (out / "tokens.bin").open("wb") as stream:
        while batch := list(islice(waiting, BATCH)):
            for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
                ids = np.array([*encoding.ids, EOT], np.uint16)
                lengths.append(len(ids))
                stream.write(ids.data)
    np.cumsum(lengths, dtype=np.uint64).tofile(out / "tokens.bin.index")
    print("done", flush=True)
    input()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
