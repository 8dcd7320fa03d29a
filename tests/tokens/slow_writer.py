"""Writes a fixed set of documents to the folder named on the command line: large enough to be killed meanwhile."""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[1]))

from kslm.tokens import train_tokenizer
from kslm.tokens.tokenizer import vocabulary
from shard_rows import Document, write_shards

tokenizer_json = train_tokenizer(["int main(void) { return 0; }\n" * 20], 512, 2)
size = len(vocabulary(tokenizer_json))
source = np.random.default_rng(0)


def document(n: int) -> Document:
    ids = source.integers(3, size, int(source.integers(1, 800)), dtype=np.uint32)
    return Document(f"doc{n}", ("train", "val", "test")[n % 3], "os", "c", len(ids), ids)


write_shards(Path(sys.argv[1]), tokenizer_json, [document(n) for n in range(8_000)], parts=(4, 1, 1))
