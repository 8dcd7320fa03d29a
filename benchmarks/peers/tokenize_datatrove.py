"""datatrove: JsonlReader and DocumentTokenizer, two tasks on two workers, with its defaults (so documents shuffled).

    python tokenize_datatrove.py WORK OUT; see bench_tokenize.py

Excluded: this process's imports. Included: its workers', which it starts afresh for every run.
"""

import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer


def main(work: Path, out: Path) -> None:
    pipeline = [
        JsonlReader(str(work / "jsonl")),
        DocumentTokenizer(
            str(out), str(work / "tokenizer.json"), eos_token="<|endoftext|>", save_filename="tokens", seed=0
        ),
    ]
    executor = LocalPipelineExecutor(pipeline, tasks=2, workers=2, logging_dir=str(out / "logs"))
    print("ready", flush=True)
    input()
    executor.run()
    print("done", flush=True)
    input()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
