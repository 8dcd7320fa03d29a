"""The graph: one row a stage, and which stages a profile's run consists of, in order.

A stage comes after those that make the records it needs (`kslm.outputs`); rows stand in such an order. A profile lists
its stages, in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from kslm.errors import KslmError, SettingsError
from kslm.outputs import Curated, Evaluated, Fetched, Indexed, Ingested, Outputs, Released, Tokenized, Trained
from kslm.profile import Profile
from kslm.report import Progress, Report
from kslm.settings import Settings

LAKE_LIBRARIES = ("delta-spark", "deltalake", "pyarrow", "pysail", "pyspark", "xxhash")
READER_LIBRARIES = ("PyYAML", "license-expression", "selectolax", "zstandard")
DOCUMENTS = ("extract", "instruct", "kinds", "knowledge", "prompt", "redact", "sources", "texts")
"""What makes texts of a source's files."""
SHARDS = (
    "texts", "tokens.layout", "tokens.manifest", "tokens.reader", "tokens.sampler", "tokens.stream", "tokens.tokenizer",
)  # fmt: skip
"""What reads shards, of the room that also makes them."""
STORE = ("tracking.client", "tracking.moved")
"""What opens MLflow's store."""
RUNS = (*STORE, "tracking.run")
MODEL_LIBRARIES = ("numpy", "safetensors", "tokenizers", "torch", "transformers")


@dataclass(frozen=True)
class Stage:
    """One stage: what decides its result, besides what it reads.

    Attributes:
        makes, needs: the record it hands on, and those it reads.
        reads: parts of the profile whose change makes the stage stale: a section, or one value of it.
        rooms: packages and modules of kslm whose code it runs.
        libraries: distributions whose version decides its result.
        engine: whether its work goes through the lake, so that another engine means another run.
        ranked: whether several ranks may run it together.
        also: what else makes it stale, of the settings.
        check: raises SettingsError where a profile asks for what the stage cannot do.
        headline: metrics that say in a few words how it went, each with its format.
    """

    name: str
    help: str
    makes: type[Outputs]
    needs: tuple[type[Outputs], ...]
    reads: tuple[str, ...]
    rooms: tuple[str, ...]
    libraries: tuple[str, ...]
    engine: bool = False
    ranked: bool = False
    also: Callable[[Settings], Any] = lambda settings: None
    check: Callable[[Profile], None] = lambda profile: None
    headline: tuple[tuple[str, str], ...] = ()

    @property
    def run(self) -> Callable[[Settings, Progress], Report[Outputs]]:
        """The stage's function; imported on first use, since torch and Spark are slow to load."""
        return import_module(f"kslm.{self.name}").run


def _own_logs(settings: Settings) -> list[tuple[str, int, int]]:
    """Name, size and modification time of every file below what the user gave."""
    files = (file for path in settings.logs for file in (sorted(path.rglob("*")) if path.is_dir() else [path]))
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]


def _variants(profile: Profile) -> None:
    from kslm.release import variants

    variants.check(profile)


def _registry(settings: Settings) -> list[str]:
    return [settings.home.portable(settings.registry_uri), settings.registered_model]


PIPELINE = {
    stage.name: stage
    for stage in (
        Stage(
            "fetch",
            "get the sources, verified",
            *(Fetched, (), ("sources",)),
            rooms=("fetch", "collect", "redact", "sources"),
            libraries=("python-debian", "license-expression", "zstandard"),
            also=_own_logs,
            headline=(("fetch/mb_per_s", "{:.0f} MB/s"),),
        ),
        Stage(
            "ingest",
            "read them into bronze tables",
            *(Ingested, (Fetched,), ("sources",)),
            rooms=("ingest", "lake", *DOCUMENTS),
            libraries=(*LAKE_LIBRARIES, *READER_LIBRARIES, "drain3-improved"),
            engine=True,
            headline=(
                ("ingest/mb_per_s", "{:.0f} MB/s"),
                ("ingest/mb_per_cpu_second", "{:.0f} MB per CPU-second"),
            ),
        ),
        Stage(
            "curate",
            "extract, clean, redact, deduplicate, split: silver and gold",
            *(Curated, (Ingested,), ("sources", "curate", "seed")),
            rooms=("curate", "lake", *DOCUMENTS),
            libraries=(*LAKE_LIBRARIES, *READER_LIBRARIES, "numpy", "py3langid", "rensa"),
            engine=True,
            headline=(
                ("curate/mb_per_second", "{:.1f} MB/s"),
                ("curate/mb_per_cpu_second", "{:.1f} MB per CPU-second"),
            ),
        ),
        Stage(
            "tokenize",
            "train the tokenizer, write shards",
            *(Tokenized, (Curated,), ("tokenizer", "mix", "seed")),
            rooms=("tokenize", "tokens", "lake", "texts"),
            libraries=(*LAKE_LIBRARIES, "awkward", "numpy", "gigatoken", "tiktoken", "tokenizers"),
            headline=(("tokenize/mb_per_second", "{:.0f} MB/s encoded and written"),),
        ),
        Stage(
            "train",
            "train the model",
            *(Trained, (Tokenized,), ("mix", "model", "train", "seed")),
            rooms=("train", "model", *SHARDS, *RUNS, "tracking.describe", "measures"),
            libraries=(*MODEL_LIBRARIES, "accelerate"),
            ranked=True,
            headline=(
                ("train/tokens_per_second", "{:,.0f} tokens/s"),
                ("val/perplexity", "validation perplexity {:.1f}"),
            ),
        ),
        Stage(
            "evaluate",
            "score it beside its baselines",
            *(Evaluated, (Tokenized, Trained), ("mix", "evaluate", "train.sequence_length", "seed")),
            rooms=("evaluate", "model", *SHARDS, *RUNS, "measures"),
            libraries=MODEL_LIBRARIES,
            headline=(
                ("evaluate/tokens_per_second", "{:,.0f} tokens/s"),
                ("test/perplexity", "test perplexity {:.1f}"),
            ),
        ),
        Stage(
            "release",
            "quantize, measure, gate, register, promote",
            *(
                Released,
                (Tokenized, Trained, Evaluated),
                ("mix", "release", "model.size", "train.sequence_length", "seed"),
            ),
            rooms=("release", "runtimes", "model", *SHARDS, *STORE, "tracking.registry", "measures"),
            libraries=(*MODEL_LIBRARIES, "onnx", "onnx-ir", "onnxruntime", "onnxruntime-genai"),
            also=_registry,
            check=_variants,
            headline=(
                ("release/decode_tokens_per_second", "{:,.0f} tokens/s decoded"),
                ("release/speedup", "{:.1f} times as fast"),
                ("release/perplexity_increase", "perplexity {:+.1%}"),
            ),
        ),
        Stage(
            "index",
            "publish the look-up index that answers come from",
            *(Indexed, (Ingested,), ()),
            rooms=("index", "knowledge", "lake", "sources.kernel", "sources.records"),
            libraries=(*LAKE_LIBRARIES, "zstandard"),
            engine=True,
        ),
    )
}
STAGES: tuple[str, ...] = tuple(PIPELINE)


def before(profile: Profile, name: str) -> tuple[str, ...]:
    """The profile's stages that make what a stage needs.

    Raises:
        SettingsError: the profile has none for some of it, or two.
    """
    names = []
    for record in PIPELINE[name].needs:
        makers = [stage for stage in record.stages if stage in profile.stages]
        if len(makers) != 1:
            has = " and ".join(makers) or "none"
            raise SettingsError(
                f"profile {profile.profile}: stage {name} needs one of the stages {', '.join(record.stages)}",
                cause=f"`stages` has {has}",
                remedy="list the one whose result is wanted",
            )
        names += makers
    return tuple(names)


def select(profile: Profile, first: str | None = None, last: str | None = None) -> tuple[str, ...]:
    """A profile's stages in order: from `first` all that follow from it, until `last` all that it needs.

    Raises:
        KslmError: no such stage in the profile, or `last` does not need `first`.
        SettingsError: the profile lacks a stage that another one needs, or asks for what a stage cannot do.
    """
    for name in (first, last):
        if name is not None and name not in profile.stages:
            raise KslmError(
                f"profile {profile.profile} has no stage named {name!r}", remedy=f"one of: {', '.join(profile.stages)}"
            )
    graph: dict[str, tuple[str, ...]] = {name: before(profile, name) for name in STAGES if name in profile.stages}
    order = tuple(graph)
    needed = _ancestors(last, graph) if last else set(order)
    chosen = tuple(name for name in order if name in needed and (first is None or first in _ancestors(name, graph)))
    if not chosen:
        raise KslmError(f"stage {last!r} does not need {first!r}", remedy=f"the order is: {', '.join(order)}")
    for name in chosen:
        PIPELINE[name].check(profile)
    return chosen


def _ancestors(name: str, graph: dict[str, tuple[str, ...]]) -> set[str]:
    """The stage, and all that it needs."""
    return {name}.union(*(_ancestors(need, graph) for need in graph[name]))
