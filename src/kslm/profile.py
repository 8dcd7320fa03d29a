"""The schema of a profile: every field with its unit, its bound and one line of meaning."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

UNDECISIVE: dict[str, Any] = {"decides": False}
"""Marks a field that decides how a result is reached or watched, not what it is."""


class Section(BaseModel):
    """Base of every part of a profile: unknown keys are errors, values are fixed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def deciding(self) -> dict[str, Any]:
        """What decides a result, as JSON: all fields but those marked as undecisive."""
        undecisive = {name for name, field in type(self).model_fields.items() if field.json_schema_extra == UNDECISIVE}
        return self.model_dump(mode="json", exclude=undecisive)


PackageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9+.-]+$")]
SliceName = Literal["os", "hardware", "admin", "instructions"]


class Place(Section):
    """One place a source may be had from; exactly one of the three is given."""

    path: str | None = Field(None, description="local file or folder; ~ and environment variables are expanded")
    https: str | None = Field(None, pattern=r"^https://", description="URL of the file")
    debian: PackageName | tuple[PackageName, ...] | None = Field(
        None,
        description="Debian package, or for kind packages a list, through the machine's apt or a mirror",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Place:
        if sum(value is not None for value in (self.path, self.https, self.debian)) != 1:
            raise ValueError("a place is exactly one of path, https or debian")
        return self


SourceKind = Literal["kernel_tree", "kernel_modules", "pci_ids", "usb_ids", "man_pages", "packages", "tldr", "logs"]


class Source(Section):
    """One source of knowledge: what it holds, under which licence, and where it may be had."""

    kind: SourceKind
    licence: str = Field(description="SPDX expression of the whole; a file's own SPDX line takes precedence")
    places: tuple[Place, ...] = Field((), description="tried in order; the first that works is used")
    slice: SliceName | None = Field(None, description="slice of all its documents; default: by what each one is")
    code: bool = Field(False, description="kernel_tree only: keep C code itself as documents, beside its comments")
    collect: bool = Field(False, description="logs only: also take a redacted snapshot of this machine")
    include: tuple[str, ...] = Field((), description="glob patterns of member paths to keep; empty keeps all")
    exclude: tuple[str, ...] = Field((), description="glob patterns of member paths to leave out")
    max_bytes: Annotated[int, Field(gt=0)] = Field(4_000_000_000, description="bytes, largest accepted once unpacked")
    optional: bool = Field(False, description="whether a run may go on without it; its absence is reported")

    @model_validator(mode="after")
    def _has_a_place(self) -> Source:
        if not self.places and not self.collect:
            raise ValueError("a source needs at least one place, or collect: true")
        return self

    @model_validator(mode="after")
    def _lists_are_of_packages(self) -> Source:
        if self.kind != "packages" and any(isinstance(place.debian, tuple) for place in self.places):
            raise ValueError("a list of Debian packages is a place for kind packages only")
        return self


class Split(Section):
    """Fractions of document groups; a group is never divided."""

    train: float = Field(0.90, gt=0, lt=1)
    val: float = Field(0.05, gt=0, lt=1)
    test: float = Field(0.05, gt=0, lt=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Split:
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-9:
            raise ValueError(f"train + val + test must be 1, not {total:g}")
        return self


class Curate(Section):
    """From bronze to gold: what is kept of a document."""

    min_chars: int = Field(50, ge=1, description="characters; shorter documents are rejected")
    max_chars: int = Field(100_000, ge=1000, description="characters; longer documents are split at paragraphs")
    max_non_english: float = Field(0.2, ge=0, le=1, description="share of a document's words in another language")
    min_quality_percentile: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of each kind's prose documents, the worst by quality, that is refused at most",
    )
    near_duplicate_jaccard: float = Field(0.8, gt=0, le=1, description="5-word-shingle similarity of a duplicate")
    split: Split = Split()


class Mix(Section):
    """Shares of the slices in the tokens of each epoch, for which documents wait for a later one or are repeated."""

    shares: dict[SliceName, float] = Field(default_factory=dict, description="by slice, adding up to 1; empty: as is")
    tolerance: float = Field(0.01, gt=0, lt=1, description="largest deviation from a share, absolute")
    max_repeats: int = Field(2, ge=1, description="times a document may occur in an epoch at most; 1: once")

    @model_validator(mode="after")
    def _adds_up(self) -> Mix:
        total = sum(self.shares.values())
        if self.shares and (abs(total - 1) > 1e-9 or min(self.shares.values()) <= 0):
            raise ValueError(f"shares must be positive and add up to 1, not to {total:g}")
        return self


class Tokenizer(Section):
    """Byte-level BPE with the cl100k split pattern."""

    vocab_size: int = Field(4096, ge=512, le=1 << 20, description="tokens, special ones included")
    min_frequency: int = Field(2, ge=1, description="occurrences a merge needs")
    train_bytes: int = Field(30_000_000, ge=10_000, description="bytes of training text the merges are learnt from")


class Model(Section):
    """Which of the sizes in kslm.model to build."""

    size: Literal["quick", "tiny", "small", "medium", "large"] = "quick"
    context_length: int | None = Field(None, ge=32, le=131_072, description="tokens; default: the size's own")


class Train(Section):
    """The optimizer, its data and its bounds.

    What says when an attempt is given up decides the weights of those that follow; where the next one starts, and how
    often, is recorded with the run.
    """

    optimizer: Literal["muon", "adamw"] = Field("muon", description="muon: Muon for matrices, AdamW for the rest")
    learning_rate: float = Field(1e-2, gt=0, lt=1, description="peak rate of the matrices (muon) or of all (adamw)")
    embedding_learning_rate: float = Field(3e-3, gt=0, lt=1, description="muon only: AdamW's peak rate beside it")
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = Field(0.1, ge=0, lt=1)
    max_grad_norm: float = Field(1.0, gt=0)
    warmup_steps: int = Field(100, ge=0)
    min_lr_rate: float = Field(0.1, ge=0, le=1, description="final learning rate as a fraction of the peak")
    max_steps: int = Field(ge=1, description="optimizer steps")
    sampling: Literal["mix", "plain"] = Field("mix", description="plain: each epoch all text once, without the mix")
    micro_batch_size: int = Field(
        8, ge=1, description="sequences of a forward pass, all ranks together", json_schema_extra=UNDECISIVE
    )
    grad_accum_steps: int = Field(
        1, ge=1, description="forward passes of an optimizer step", json_schema_extra=UNDECISIVE
    )
    sequence_length: int = Field(256, ge=16, description="tokens")
    precision: Literal["auto", "bf16", "fp32"] = Field("auto", description="auto: bf16 where the processor has it")
    log_every: int = Field(100, ge=1, description="steps", json_schema_extra=UNDECISIVE)
    eval_every: int = Field(500, ge=1, description="steps; the best of the evaluated ones is published")
    eval_tokens: int = Field(65_536, ge=256, description="validation tokens read at each evaluation while training")
    save_every: int = Field(500, ge=1, description="steps", json_schema_extra=UNDECISIVE)
    keep_checkpoints: int = Field(5, ge=1, description="newest, beside the best", json_schema_extra=UNDECISIVE)
    max_attempts: int = Field(
        3,
        ge=1,
        le=10,
        description="starts in all, adjustments after a diverged one included",
        json_schema_extra=UNDECISIVE,
    )
    abort_grad_norm: float = Field(1000.0, gt=0, description="gradient norm that counts as diverged")
    patience_steps: int = Field(10_000, ge=1, description="steps without a lower loss before giving up")
    threads: int = Field(0, ge=0, description="CPU threads; 0: all the process may use", json_schema_extra=UNDECISIVE)

    @property
    def sequences_per_step(self) -> int:
        """Sequences of one optimizer step, over all ranks."""
        return self.micro_batch_size * self.grad_accum_steps

    def deciding(self) -> dict[str, Any]:
        """As any section's; a step's sequences decide, not how they are cut to fit into memory."""
        return super().deciding() | {"sequences_per_step": self.sequences_per_step}


class Evaluate(Section):
    """What is measured on held-out text."""

    max_tokens: int = Field(400_000, ge=1024, description="tokens of each split at most")


class Gates(Section):
    """Bounds a model must meet to be promoted; each is logged with its figure."""

    max_perplexity: float = Field(gt=1, description="held-out perplexity of the unquantized model")
    below_bigram: bool = Field(True, description="perplexity must be below the bigram baseline's on the same tokens")
    max_quantized_increase: float = Field(0.02, gt=0, description="relative perplexity increase of a variant")
    min_speedup: float = Field(1.5, gt=0, description="decode speed of the best variant over unquantized, same CPU")
    min_decode_tokens_per_second: float = Field(10.0, gt=0)
    max_size_deviation: float = Field(0.10, gt=0, description="relative deviation from the size's parameter count")
    max_repetition: float = Field(0.5, gt=0, le=1, description="share of repeated 4-grams in sampled text")


class Release(Section):
    """Which variants are made and how they are measured."""

    variants: tuple[str, ...] = Field(
        ("fp32", "torch_int8", "int8", "int4"), description="names in kslm.release.variants"
    )
    perplexity_tokens: int = Field(32_768, ge=1024, description="held-out tokens each variant is scored on")
    prefill_tokens: int = Field(128, ge=8)
    decode_tokens: int = Field(64, ge=8)
    repeats: int = Field(3, ge=1, description="timed repetitions; the median is reported")
    gates: Gates


StageName = Literal["fetch", "ingest", "curate", "tokenize", "train", "evaluate", "release", "index"]
STAGE_NAMES: tuple[StageName, ...] = get_args(StageName)


class Profile(Section):
    """One whole pipeline: from sources to a promoted model."""

    profile: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str = ""
    seed: int = Field(0, ge=0)
    stages: tuple[StageName, ...] = Field(STAGE_NAMES, min_length=1, description="what the pipeline consists of")
    sources: dict[str, Source] = Field(min_length=1)
    curate: Curate = Curate()
    mix: Mix = Mix()
    tokenizer: Tokenizer = Tokenizer()
    model: Model = Model()
    train: Train
    evaluate: Evaluate = Evaluate()
    release: Release

    @model_validator(mode="after")
    def _sequence_fits(self) -> Profile:
        context = self.model.context_length
        if context is not None and self.train.sequence_length > context:
            raise ValueError(
                f"train.sequence_length {self.train.sequence_length} exceeds model.context_length {context}"
            )
        return self
