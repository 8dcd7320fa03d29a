"""Writes a fixed set of documents to the folder named on the command line: large enough to be killed meanwhile."""

import sys
from pathlib import Path

import numpy as np

from kslm.tokens import Encoded, Lineage, ShardWriter, train_tokenizer
from kslm.tokens.tokenizer import vocabulary

folder = Path(sys.argv[1])
tokenizer_json = train_tokenizer(["int main(void) { return 0; }\n" * 20], 512, 2)
size = len(vocabulary(tokenizer_json))
source = np.random.default_rng(0)
lineage = Lineage(table="gold.corpus", version=0, content_hash="0", code_version="0")
with ShardWriter(folder, tokenizer_json, ("os",), scratch=folder.parent) as writer:
    for n in range(8_000):
        ids = source.integers(3, size, int(source.integers(1, 800)), dtype=np.uint32)
        encoded = Encoded(ids, np.array([len(ids)]))
        writer.add([f"doc{n}"], [("train", "val", "test")[n % 3]], ["os"], [len(ids)], encoded)
    writer.publish("f00d", lineage)
