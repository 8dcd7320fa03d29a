"""Text to token shards: kslm's job beside datatrove, dolma, `datasets.map` and plain HF tokenizers, in one run.

    python benchmarks/bench_tokenize.py [--profile tiny] [--megabytes 60] [--rounds 3] [--peer NAME=PYTHON ...] [FOLDER]

Documents are those of FOLDER's text files, or else of the profile's gold.corpus in KSLM_HOME (read only), by hash up to
so many megabytes. They are written once as a Delta table, which kslm reads, and as JSON lines, which the others read;
all use one tokenizer of 16,000 tokens that kslm trains. Each then makes shards in a process of its own, on two workers
where it has workers, in interleaved rounds. KSLM_ENGINE says on which engine kslm's job runs.

What is timed begins when a process has its imports and ends when its files are there; benchmarks/peers/ says of each
what start-up could not be left out. CPU is of all its processes together, memory the highest sum of their proportional
set sizes (what they share counts once). `same ids` compares the multisets of the documents' ids with HF tokenizers'.
On a busy machine believe CPU-seconds rather than wall time.

Peers are not part of the project's environment. Each takes the Python of an environment that has it, and is left out
without one:

    for peer in datatrove dolma datasets; do python -m venv /tmp/$peer; done
    /tmp/datatrove/bin/pip install 'datatrove[processing,io]==0.10.1' tokenizers==0.23.3 orjson
    /tmp/dolma/bin/pip install dolma==1.2.1 boto3==1.26.76 aiobotocore==2.5.0   (unpinned, pip searches for long)
    /tmp/datasets/bin/pip install datasets==5.2.0 tokenizers==0.23.3
    ... --peer datatrove=/tmp/datatrove/bin/python --peer dolma=/tmp/dolma/bin/python --peer datasets=...
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import xxhash
from peers.outputs import READERS

import kslm.lake
from kslm.lake.arrow import ParquetSpool
from kslm.lake.tables import CORPUS
from kslm.settings import Environment, Settings, load_profile, load_settings
from kslm.tokenize.sample import sample_texts
from kslm.tokens import train_tokenizer

SCRIPTS = Path(__file__).parent / "peers"
VOCABULARY = 16_000
TRAIN_BYTES = 30_000_000
FILES = 8
LONGEST = 1_000_000
SAMPLED_SECONDS = 0.25


@dataclass(frozen=True)
class Run:
    """One tool, once: wall and CPU in seconds, memory in MB."""

    wall: float
    cpu: float
    memory: float


def from_folder(folder: Path, limit: int, spool: ParquetSpool) -> None:
    """Text files as rows of gold.corpus, until there are `limit` bytes."""
    size = 0
    for path in sorted(folder.rglob("*"), key=lambda path: xxhash.xxh3_64_hexdigest(str(path).encode())):
        if size >= limit or not path.is_file() or path.is_symlink() or path.stat().st_size > LONGEST:
            continue
        raw = path.read_bytes()
        text = raw.decode("utf-8", "replace")
        if b"\0" in raw:
            continue
        name = xxhash.xxh3_128_hexdigest(str(path).encode())
        split = ("val", "test")[int(name[0], 16) % 2] if int(name[-1], 16) < 2 else "train"
        row = {"doc_id": name, "path": str(path), "kind": path.suffix or "none", "slice": "os", "split": split}
        spool.add(row | {"bytes": len(text.encode()), "text": text})
        size += len(raw)


def from_gold(profile: str, limit: int, spool: ParquetSpool) -> None:
    """Rows of the profile's gold.corpus, by hash until there are `limit` bytes."""
    with kslm.lake.open(_on_sail(load_settings(profile))) as lake:
        gold = lake.read(CORPUS)
        sizes = gold.select("doc_id", "bytes").toArrow().sort_by("doc_id")
        reached = int(np.searchsorted(np.cumsum(sizes["bytes"].to_numpy()), limit))
        last = sizes["doc_id"][min(reached, len(sizes) - 1)].as_py()
        for batch in gold.where(f"doc_id <= '{last}'").toArrow().to_batches():
            spool.add_batch(batch)


def prepare(given: argparse.Namespace, work: Path) -> int:
    """Fill `work` with a home, JSON lines and the tokenizer; returns bytes of text."""
    limit = int(given.megabytes * 1_000_000)
    spool = ParquetSpool(CORPUS, work / "rows.parquet")
    if given.folder:
        from_folder(given.folder, limit, spool)
    else:
        from_gold(given.profile, limit, spool)
    spool.close()
    _write_json_lines(work)
    environment = Environment(_env_file=None, KSLM_HOME=work / "home")
    with kslm.lake.open(Settings(load_profile("quick"), environment)) as lake:
        lake.make_equal(CORPUS, lake.read_parquet(CORPUS, spool.path))
        gold = lake.read(CORPUS)
        total = sum(row["bytes"] for row in gold.select("bytes").collect())
        tokenizer = train_tokenizer(sample_texts(gold, TRAIN_BYTES, {}), VOCABULARY, 2)
    (work / "tokenizer.json").write_text(tokenizer, "utf-8")
    tree = json.loads(tokenizer)
    tree["model"]["merges"] = [" ".join(pair) for pair in tree["model"]["merges"]]
    (work / "tokenizer-0.19.json").write_text(json.dumps(tree, ensure_ascii=False), "utf-8")
    return int(total)


def _write_json_lines(work: Path) -> None:
    folder = work / "jsonl"
    folder.mkdir()
    files = [(folder / f"{number}.jsonl").open("w", encoding="utf-8") for number in range(FILES)]
    number = 0
    for batch in pq.ParquetFile(work / "rows.parquet").iter_batches(512, columns=["doc_id", "text"]):
        for row in batch.to_pylist():
            record = {"id": row["doc_id"], "text": row["text"], "source": "gold.corpus"}
            files[number % FILES].write(json.dumps(record, ensure_ascii=False) + "\n")
            number += 1
    for file in files:
        file.close()


def _on_sail(settings: Settings) -> Settings:
    return Settings(settings.profile, settings.env.model_copy(update={"engine": "sail"}))


def measure(name: str, python: str, work: Path, out: Path) -> Run:
    """Have a tool make its shards in `out`."""
    out.mkdir(parents=True)
    environment = os.environ | {
        "KSLM_HOME": str(work / "home"),
        "KSLM_SCHEMA": "quick",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "true",
    }
    if python != sys.executable:
        environment.pop("PYTHONPATH", None)
    log = work / f"{name}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [python, str(SCRIPTS / f"tokenize_{name}.py"), str(work), str(out)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        _wait_for(process, "ready", log)
        peak, finished = [0.0], threading.Event()
        sampler = threading.Thread(target=_sample, args=(process.pid, peak, finished))
        cpu, started = _cpu(process.pid), time.perf_counter()
        sampler.start()
        _go_on(process)
        _wait_for(process, "done", log)
        wall, cpu = time.perf_counter() - started, _cpu(process.pid) - cpu
        finished.set()
        sampler.join()
        _go_on(process)
        process.wait(60)
    finally:
        process.kill()
    return Run(wall, cpu, peak[0])


def _go_on(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def _wait_for(process: subprocess.Popen[str], word: str, log: Path) -> None:
    assert process.stdout
    for line in process.stdout:
        if line.strip() == word:
            return
    sys.exit(f"{log.stem} ended before it was {word}:\n{log.read_text()[-3000:]}")


def _family(pid: int) -> Iterator[psutil.Process]:
    one = psutil.Process(pid)
    yield one
    yield from one.children(recursive=True)


def _cpu(pid: int) -> float:
    """CPU-seconds of a process and its children: the living, and those already waited for."""
    total = 0.0
    for one in reversed([*_family(pid)]):  # what one that goes meanwhile has used is then found with its parent
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(one.cpu_times()[:4])
    return total


def _sample(pid: int, peak: list[float], finished: threading.Event) -> None:
    while not finished.wait(SAMPLED_SECONDS):
        total = 0.0
        for one in _family(pid):
            try:
                total += one.memory_full_info().pss / 1e6
            except psutil.Error:
                continue
        peak[0] = max(peak[0], total)


def _hashes(name: str, out: Path) -> Counter[bytes]:
    return Counter(xxhash.xxh3_128_digest(ids.tobytes()) for ids in READERS[name](out))


def table(runs: dict[str, list[Run]], megabytes: float, found: dict[str, Counter[bytes]]) -> Iterator[str]:
    yield "| tool | MB/s | (of rounds) | CPU-s | MB/CPU-s | memory MB | kslm is faster, wall | by CPU | same ids |"
    yield "|---|---|---|---|---|---|---|---|---|"
    ours, expected = _median(runs["kslm"]), found["tokenizers"]
    for name, rounds in runs.items():
        one = _median(rounds)
        speeds = sorted(megabytes / run.wall for run in rounds)
        yield (
            f"| {name} | {megabytes / one.wall:.1f} | {speeds[0]:.1f}-{speeds[-1]:.1f} | {one.cpu:.1f} "
            f"| {megabytes / one.cpu:.1f} | {one.memory:.0f} | {one.wall / ours.wall:.1f}x | {one.cpu / ours.cpu:.1f}x "
            f"| {(found[name] & expected).total():,} of {expected.total():,} |"
        )


def _median(rounds: list[Run]) -> Run:
    return Run(*(statistics.median(getattr(run, name) for run in rounds) for name in ("wall", "cpu", "memory")))


def _peer(value: str) -> tuple[str, str]:
    name, _, python = value.partition("=")
    if name not in ("datatrove", "dolma", "datasets") or not python:
        raise argparse.ArgumentTypeError("datatrove, dolma or datasets, then = and the path of its python")
    return name, python


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--profile", default="tiny")
    arguments.add_argument("--megabytes", type=float, default=60)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--peer", type=_peer, action="append", default=[], metavar="NAME=PYTHON")
    arguments.add_argument("folder", type=Path, nargs="?")
    given = arguments.parse_args()
    pythons = {"kslm": sys.executable, "tokenizers": sys.executable} | dict(given.peer)
    runs: dict[str, list[Run]] = {name: [] for name in pythons}
    found: dict[str, Counter[bytes]] = {}
    engine = os.environ.get("KSLM_ENGINE", "sail")
    with tempfile.TemporaryDirectory(prefix="kslm-bench-") as temporary:
        work = Path(temporary)
        megabytes = prepare(given, work) / 1e6
        for number in range(1, given.rounds + 1):
            for name, python in pythons.items():
                with tempfile.TemporaryDirectory(dir=work) as place:
                    out = Path(place, "out")
                    runs[name].append(measure(name, python, work, out))
                    print(f"round {number}: {name}: {runs[name][-1]}, load {os.getloadavg()[0]:.1f}", flush=True)
                    if name not in found:
                        found[name] = _hashes(name, out)
            documents = found["tokenizers"].total()
            print(f"\n{megabytes:.1f} MB, {documents:,} documents, engine {engine}, medians of {number} rounds")
            print(*table(runs, megabytes, found), sep="\n", flush=True)
    if left_out := [name for name in READERS if name not in pythons]:
        print(f"left out, no --peer names their Python: {', '.join(left_out)}")


if __name__ == "__main__":
    main()
