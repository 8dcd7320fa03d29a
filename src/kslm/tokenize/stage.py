"""Stage tokenize: train the tokenizer on a sample of gold.corpus, and have the engine encode all of it into shards.

The folder is named by a fingerprint of the corpus's content, the tokenizer's settings, the shares that divide its
sample, and the shard format.
Its manifest is withdrawn before anything in it changes and written last, so a run that was killed is simply run again,
to the same bytes.
"""

from __future__ import annotations

import json

import xxhash

import kslm.lake
from kslm import __version__, outputs
from kslm.errors import DataError
from kslm.lake.tables import CORPUS
from kslm.outputs import Curated, Tokenized
from kslm.profile import Profile
from kslm.published import MANIFEST
from kslm.report import QUIET, Progress, Report
from kslm.scratch import at_hand, emptied
from kslm.settings import Settings
from kslm.tokenize.build import build
from kslm.tokenize.statistics import measure, mix_notes, shortfalls
from kslm.tokens import Lineage, ShardReader
from kslm.tokens.manifest import FORMAT_VERSION


def run(settings: Settings, progress: Progress = QUIET) -> Report[Tokenized]:
    """Make gold.corpus into `tokens/<fingerprint>/`; metrics are the tokenizer's gates, and sizes.

    Raises:
        DataError: the corpus is missing or empty, or no encoder agrees with the reference.
    """
    with kslm.lake.open(settings) as lake, emptied(settings.home.scratch / "tokenize") as workplace:
        version = lake.version(CORPUS)
        if version < 0:
            raise DataError(f"table {CORPUS} does not exist", remedy="run the stage before: kslm curate")
        content_hash = lake.content_hash(CORPUS)
        fingerprint = _fingerprint(content_hash, settings.profile)
        folder = settings.home.tokens / fingerprint

        built = build(
            lake.read(CORPUS, version=version),
            folder,
            settings.profile.tokenizer,
            fingerprint,
            Lineage(
                table=str(CORPUS),
                version=version,
                content_hash=content_hash,
                code_version=__version__,
                tables=_versions(settings, content_hash),
            ),
            mix=settings.profile.mix,
            workplace=workplace,
            progress=progress,
        )
    profile = settings.profile
    reader = ShardReader(at_hand(settings.home, folder))
    metrics = measure(reader, profile.mix, profile.seed)
    # Anything but an exact round trip has raised by now.
    metrics |= {"tokenize/mb_per_second": built.mb_per_second, "tokenize/round_trip_exact": 1.0}
    return Report(
        stage="tokenize",
        output_id=built.manifest.content_id,
        metrics=metrics,
        outputs=Tokenized(
            manifest=settings.home.relative(folder / MANIFEST),
            fingerprint=fingerprint,
            tokens={name: record.tokens for name, record in built.manifest.splits.items()},
        ),
        notes=[*built.notes, *mix_notes(reader, profile.mix, profile.seed), *shortfalls(metrics)],
    )


def _versions(settings: Settings, content_hash: str) -> dict[str, int]:
    """Versions of the tables that curate read and wrote, if it was curate's last run that made this corpus."""
    try:
        curated = outputs.load(settings, Curated).outputs
    except DataError:
        return {}
    return {**curated.inputs, **curated.tables} if curated.hashes.get(str(CORPUS)) == content_hash else {}


def _fingerprint(content_hash: str, profile: Profile) -> str:
    parts = [FORMAT_VERSION, content_hash, profile.tokenizer.model_dump(mode="json"), profile.mix.shares]
    return xxhash.xxh3_128_hexdigest(json.dumps(parts, sort_keys=True).encode())
