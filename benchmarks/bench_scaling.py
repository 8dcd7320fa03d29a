"""Does the client grow with the text? Peak memory and CPU of curate and tokenize at multiples of a corpus.

    python benchmarks/bench_scaling.py [--profile tiny] [--stages curate tokenize] HOME [multiple ...]

HOME is a home whose bronze tables are filled. For each multiple (1, 2 and 4) a home of its own is made beside HOME,
whose bronze.documents holds that many copies of every document, each with words put in so that none is a duplicate of
another. The stages then run against an engine in a process of its own, so that the client's memory is told apart from
the engine's. Files that say what others are (Kconfig, Makefiles) and all other tables are there once.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pyarrow as pa
import xxhash

from kslm.kinds import KCONFIG, MAKEFILE
from kslm.lake.tables import DOCUMENTS

SERVER = """
import sys
import kslm.lake.sail
print(*kslm.lake.sail._server(sys.argv[1]).listening_address, flush=True)
sys.stdin.read()
"""

CLIENT = """
import importlib, json, os, resource, sys
from types import SimpleNamespace
import kslm.lake.sail
from kslm.settings import load_settings
host, port, profile, stage = sys.argv[1:]
kslm.lake.sail._server = lambda catalog: SimpleNamespace(listening_address=(host, int(port)))
settings = load_settings(profile)
report = importlib.import_module(f"kslm.{stage}").run(settings)
report.save(settings.home.report(profile, stage))
times = os.times()
print(json.dumps({
    "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "cpu": times.user + times.system,
    "wall": times.elapsed,
    "bytes": sum(v for k, v in report.metrics.items() if k.startswith("curate/bytes/")) or None,
    "tokens": sum(v for k, v in report.metrics.items() if k.startswith("tokenize/tokens/") and k.count("/") == 2),
    "mb_per_second": report.metrics.get(f"{stage}/mb_per_second"),
}))
"""


def perturbed(text: str, copy: int) -> str:
    """Three words that no other copy has in every third line: most of the five-word shingles are others."""
    lines = text.split("\n")
    for number in {0, *range(copy % 3, len(lines), 3)}:
        lines[number] = lines[number].replace(" ", f" q{number}x{copy} ", 2) + f" z{number}x{copy}"
    return "\n".join(lines)


def copies(batches: Iterable[pa.RecordBatch], *, times: int) -> Iterator[pa.RecordBatch]:
    """Rows of bronze.documents, each as often; for mapInArrow."""
    for batch in batches:
        for start in range(0, batch.num_rows, 64):
            rows = batch.slice(start, 64).to_pylist()
            for copy in range(times):
                yield pa.RecordBatch.from_pylist(
                    [_copied(row, copy) for row in rows if copy == 0 or _many(row)], batch.schema
                )


def _many(row: dict[str, object]) -> bool:
    return row["kind"] not in (KCONFIG.name, MAKEFILE.name)


def _copied(row: dict[str, object], copy: int) -> dict[str, object]:
    if not copy:
        return row
    text = perturbed(str(row["text"]), copy)
    name = xxhash.xxh3_128_hexdigest(f"{row['doc_id']} {copy}".encode())
    size = len(text.encode())
    return row | {"doc_id": name, "source": f"{row['source']}~{copy}", "text": text, "bytes": size}


def multiply(home: Path, target: Path, profile: str, times: int) -> None:
    """A home with the bronze tables of `home`, its documents so many times."""
    import kslm.lake
    from kslm.settings import load_settings

    shutil.rmtree(target, ignore_errors=True)
    (target / "lake").mkdir(parents=True)
    shutil.copytree(home / "reports", target / "reports")
    os.environ["KSLM_HOME"] = str(home)
    settings = load_settings(profile)
    bronze = f"{settings.schema_prefix}_bronze"
    shutil.copytree(home / "lake" / bronze, target / "lake" / bronze, ignore=shutil.ignore_patterns("documents"))
    with kslm.lake.open(settings) as source:
        rows = source.read(DOCUMENTS).mapInArrow(partial(copies, times=times), DOCUMENTS.ddl)
        path = target / "documents"
        source.write_parquet(rows, path)
    os.environ["KSLM_HOME"] = str(target)
    with kslm.lake.open(load_settings(profile)) as lake:
        lake.make_equal(DOCUMENTS, lake.read_parquet(DOCUMENTS, path))
    shutil.rmtree(path)


def _peak(process: psutil.Process) -> float:
    """Highest resident memory of a living process, in MB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def measure(home: Path, profile: str, stage: str) -> str:
    """Run one stage against an engine of its own; a row of the table."""
    environment = os.environ | {"KSLM_HOME": str(home), "KSLM_ENGINE": "sail", "RUST_LOG": "error"}
    catalog = environment.get("KSLM_CATALOG", "kslm")
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, catalog],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()
        command = [sys.executable, "-c", CLIENT, *address, profile, stage]
        output = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        engine = psutil.Process(server.pid)
        family = [engine, *engine.children(recursive=True)]
        cpu = sum(sum(one.cpu_times()[:2]) for one in family) + sum(engine.cpu_times()[2:4])
        peaks = [_peak(one) for one in family]
    finally:
        server.kill()
    import json

    client = json.loads(output.splitlines()[-1])
    return (
        f"{stage:9} client peak {client['peak']:6.0f} MB, {client['cpu']:6.1f} CPU-s; "
        f"engine peak {peaks[0]:6.0f} MB (+ {sum(peaks[1:]):.0f} MB in {len(peaks) - 1} workers), {cpu:6.1f} CPU-s; "
        f"gold {(client['bytes'] or 0) / 1e6:.0f} MB, {client['tokens']:,.0f} tokens, "
        f"{client['mb_per_second'] or 0:.1f} MB/s"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--profile", default="tiny")
    arguments.add_argument("--stages", nargs="*", default=["curate", "tokenize"])
    arguments.add_argument("home", type=Path)
    arguments.add_argument("multiples", type=int, nargs="*", default=[1, 2, 4])
    given = arguments.parse_args()
    for times in given.multiples:
        target = given.home.with_name(f"{given.home.name}-times-{times}")
        if not target.exists():
            multiply(given.home, target, given.profile, times)
        for stage in given.stages:
            print(f"{times}x {measure(target, given.profile, stage)}", flush=True)


if __name__ == "__main__":
    main()
