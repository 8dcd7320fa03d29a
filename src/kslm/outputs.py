"""What each stage hands on: one record a stage, with paths relative to KSLM_HOME, so that a home can be moved.

A stage that reads another's record names the record, not the stage: which stage of the profile makes it is looked up
(`load`), so that two ways to the same record (training a model, adapting one) are the same to whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict

from kslm.errors import DataError
from kslm.paths import HomePath
from kslm.report import Report
from kslm.settings import Settings


class Outputs(BaseModel):
    """Base of the records.

    Attributes:
        stages: which stages make it; a profile has one of them at most.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    stages: ClassVar[tuple[str, ...]] = ()


class FetchedPackage(BaseModel):
    """One Debian package of a list: `source` is the source package it was made of."""

    source: str = ""
    version: str | None = None
    sha256: str
    bytes: int
    licence: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A file, or a package, that fetch did not land, and why."""

    path: str
    reason: str
    bytes: int = 0


class FetchedSource(BaseModel):
    """One source: where it came from, and where it lies.

    Attributes:
        path: as fetched.
        members: as ingest reads it: a file or a folder.
        index: of a tar.
    """

    kind: str
    licence: str
    package: str | None = None
    version: str | None = None
    origin: str
    path: HomePath
    sha256: str
    bytes: int
    fetched_at: str
    members: HomePath
    index: HomePath | None = None
    packages: dict[str, FetchedPackage] = {}
    unreadable: tuple[LeftOut, ...] = ()


class Fetched(Outputs):
    """What landed, by source."""

    stages = ("fetch",)
    sources: dict[str, FetchedSource]


class Ingested(Outputs):
    """Bronze: version and content hash of each table, and how many rows of it changed."""

    stages = ("ingest",)
    tables: dict[str, int]
    hashes: dict[str, str]
    changes: dict[str, dict[str, int]]


class Curated(Outputs):
    """Silver and gold, as `Ingested`; `inputs` are the versions of bronze that they were made of."""

    stages = ("curate",)
    tables: dict[str, int]
    inputs: dict[str, int]
    hashes: dict[str, str]
    changes: dict[str, dict[str, int]]


class Tokenized(Outputs):
    """Shards: their manifest, what names their folder, and tokens by split."""

    stages = ("tokenize",)
    manifest: HomePath
    fingerprint: str
    tokens: dict[str, int] = {}


class Trained(Outputs):
    """A model.

    Attributes:
        run, run_id: its name under checkpoints/, and its MLflow run.
        checkpoint: the folder of its weights and tokenizer.
        steps: optimizer steps taken.
        model_id: MLflow's logged model of the best checkpoint; "" where there is none.
    """

    stages = ("train",)
    run: str = ""
    run_id: str
    checkpoint: HomePath
    weights_sha256: str
    steps: int = 0
    model_id: str = ""


class Evaluated(Outputs):
    """The MLflow run that the figures were logged to, and the files with them."""

    stages = ("evaluate",)
    run_id: str = ""
    files: tuple[HomePath, ...] = ()


class GateResult(BaseModel):
    """One figure held against one bound."""

    name: str
    figure: float
    relation: str
    bound: float
    passed: bool


class VariantResult(BaseModel):
    """One variant as it was measured and registered; a figure that could not be taken is left out."""

    model_config = ConfigDict(extra="allow")

    path: HomePath
    registered_as: str
    gates: list[GateResult]


class Released(Outputs):
    """The version that was offered, whether it was promoted, and why."""

    stages = ("release",)
    version: str
    alias: str
    promoted: bool
    preferred: str
    model_name: str
    gates: list[GateResult]
    variants: dict[str, VariantResult]


class Indexed(Outputs):
    """What answers are looked up in.

    Attributes:
        folder: sealed.
        lookup: sqlite database in it.
        inputs: versions of bronze that it was made of.
        rows: by table of the database.
    """

    stages = ("index",)
    folder: HomePath
    lookup: HomePath
    inputs: dict[str, int]
    rows: dict[str, int]


Record = TypeVar("Record", bound=Outputs)


def load(settings: Settings, record: type[Record]) -> Report[Record]:
    """The report of the profile's stage that makes this record.

    Raises:
        DataError: the profile has no such stage, or it has not run.
    """
    name = next((stage for stage in record.stages if stage in settings.profile.stages), None)
    if name is None:
        raise DataError(
            f"profile {settings.profile.profile} has no stage {' or '.join(record.stages)}, whose result is needed",
            remedy="add it to `stages` in the profile",
        )
    return Report.load(settings.home.report(settings.profile.profile, name), record)


def paths(value: Any) -> Iterator[HomePath]:
    """Every path that a record names."""
    if isinstance(value, HomePath):
        yield value
    elif isinstance(value, BaseModel):
        for _, item in value:
            yield from paths(item)
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from paths(item)
