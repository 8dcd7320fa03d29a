"""The job of kslm's stage tokenize, without training: gold.corpus read, encoded, written and published as shards.

    python tokenize_kslm.py WORK OUT; see bench_tokenize.py

Excluded: the engine's start, the count of the amounts, and the encoder's comparison with the reference in this process.
Included: whatever the engine's workers still have to start and import, which on classic Spark is all of it.
"""

import sys
from pathlib import Path

import kslm.lake
from kslm.lake.tables import CORPUS
from kslm.report import QUIET
from kslm.settings import load_settings
from kslm.tokenize.build import _write_parts
from kslm.tokenize.sample import outline
from kslm.tokens import Encoder, Layout, Lineage, publish


def main(work: Path, out: Path) -> None:
    tokenizer_json = (work / "tokenizer.json").read_text("utf-8")
    Encoder(tokenizer_json)
    with kslm.lake.open(load_settings()) as lake:
        corpus = lake.read(CORPUS)
        amounts = outline(corpus)
        layout = Layout.of(amounts.text_bytes, amounts.slices, amounts.kinds)
        print("ready", flush=True)
        input()
        with QUIET.task("encoding", total=amounts.bytes, unit="B") as task:
            parts = _write_parts(corpus, out, tokenizer_json, layout, workplace=out.parent / "scratch", task=task)
        lineage = Lineage(table=str(CORPUS), version=0, content_hash="", code_version="")
        publish(out, tokenizer_json, layout, parts, fingerprint="benchmark", lineage=lineage)
        print("done", flush=True)
        input()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
