"""Cost of ingest and curate against the size of the source: is it linear?

Cuts of one landed kernel tree, from some 20 MB to all of it, and at last the profile's whole corpus, each into a new
home. Prints a Markdown table. Curate's work is by text kept (gold.corpus) rather than by source: of C files only the
comments and messages are. Usage, after `kslm fetch --profile tiny`:

    python benchmarks/bench_corpus.py [--profile tiny] [--cuts 20,80,320,tree,all]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from kslm import outputs
from kslm.fetch.landing import placed
from kslm.outputs import Fetched, FetchedSource
from kslm.settings import Settings, load_settings

SMALL = ("kernel/*", "mm/*", "block/*")
MIDDLE = (*SMALL, "fs/*", "lib/*", "Documentation/*")
LARGE = (*MIDDLE, "net/*", "sound/*", "include/*", "drivers/net/*", "drivers/media/*")
CUTS: dict[str, tuple[str, ...] | None] = {"20": SMALL, "80": MIDDLE, "320": LARGE, "tree": (), "all": None}
MEASURED = ("cpu_seconds", "peak_rss_mb")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--profile", default="tiny")
    arguments.add_argument("--cuts", default=",".join(CUTS))
    arguments.add_argument("--one", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.one:
        measure(given.profile, given.one)
        return
    columns = ("cut", "bronze MB", "ingest s", "CPU-s", "RSS MB", "gold MB", "documents", "curate s", "CPU-s")
    print("|", " | ".join((*columns, "gold MB/CPU-s", "RSS MB")), "|")
    print("|---" * (len(columns) + 2) + "|", flush=True)
    for cut in given.cuts.split(","):
        # A process each, so that one cut's memory is not the next one's.
        command = [sys.executable, __file__, "--profile", given.profile, "--one", cut]
        subprocess.run(command, check=True)


def measure(profile: str, cut: str) -> None:
    """One cut, in this process."""
    from kslm.pipeline import run_stage

    base = load_settings(profile)
    with tempfile.TemporaryDirectory(dir=base.home.root) as folder:
        settings = cut_of(base, CUTS[cut], Path(folder))
        ingest = run_stage("ingest", settings)
        curate = run_stage("curate", settings)
    bronze, gold = ingest.metrics["ingest/mb"], curate.metrics["curate/bytes"] / 1e6
    cpu, rss = ([report.metrics[f"{report.stage}/{name}"] for report in (ingest, curate)] for name in MEASURED)
    figures = [f"{bronze:,.0f}", f"{ingest.seconds:.1f}", f"{cpu[0]:.1f}", f"{rss[0]:,.0f}"]
    figures += [f"{gold:,.1f}", f"{curate.metrics['curate/documents']:,.0f}"]
    figures += [f"{curate.seconds:.1f}", f"{cpu[1]:.1f}", f"{gold / cpu[1]:.2f}", f"{rss[1]:,.0f}"]
    print(f"| {cut} | {' | '.join(figures)} |", flush=True)


def _away(base: Settings, source: FetchedSource) -> FetchedSource:
    """The source as another home names it."""
    return placed(source, base.home.at)


def cut_of(base: Settings, include: tuple[str, ...] | None, root: Path) -> Settings:
    """The same landed files in another home, with less of the tree, and nothing but it unless `include` is None."""
    fetched = outputs.load(base, Fetched)
    profile = base.profile
    if include is not None:
        trees = {name: source for name, source in profile.sources.items() if source.kind == "kernel_tree"}
        cut = {name: source.model_copy(update={"include": include}) for name, source in trees.items()}
        profile = profile.model_copy(update={"sources": cut})
    sources = {name: _away(base, one) for name, one in fetched.outputs.sources.items() if name in profile.sources}
    fetched.outputs = Fetched(sources=sources)
    os.environ["KSLM_HOME"] = str(root)
    settings = Settings(profile, load_settings(base.profile.profile).env)
    fetched.save(settings.home.report(profile.profile, "fetch"))
    return settings


if __name__ == "__main__":
    main()
