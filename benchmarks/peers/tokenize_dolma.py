"""`dolma tokens` with two processes and otherwise its defaults, called as its command line calls it.

    python tokenize_dolma.py WORK OUT; see bench_tokenize.py

It strips every text and leaves out those that are empty then, so ids differ from ours at documents' ends. Its
tokenizers (0.19) read merges in their older spelling. Excluded: this process's imports. Included: its workers', which
it spawns.
"""

import sys
from pathlib import Path

from dolma.tokenizer import tokenize_in_parallel


def main(work: Path, out: Path) -> None:
    print("ready", flush=True)
    input()
    tokenize_in_parallel(
        sources=[str(work / "jsonl" / "*.jsonl")],
        destination=str(out),
        num_writers=2,
        tokenizer_name_or_path=str(work / "tokenizer-0.19.json"),
        bos_token_id=None,
        eos_token_id=0,
        pad_token_id=1,
        encode_special_tokens=True,
        metadata_dir=str(out / "metadata"),
        dtype="uint16",
    )
    print("done", flush=True)
    input()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
