"""A run before it starts: its name, which is what decides its weights, and its data.

A run is named by the shards' content, the mix, the model, the seed, the settings of training that decide weights
(`Section.deciding`) and the code below. So a changed log interval, docstring or tracker goes on with a run that was
interrupted, as do other threads and another number of ranks.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import MistralConfig

from kslm import ranks
from kslm.code import code_hash
from kslm.errors import KslmError
from kslm.model import config_for, uses_bf16
from kslm.outputs import Tokenized, load
from kslm.profile import Profile
from kslm.scratch import at_hand
from kslm.settings import Settings
from kslm.tokens.manifest import Manifest
from kslm.tokens.reader import ShardReader
from kslm.tokens.sampler import Sampler, held_stream
from kslm.train.data import Epochs, Sequences, Stored, Windows, bytes_per_token
from kslm.train.guards import Recipe
from kslm.train.loop import Job

DECISIVE_CODE = (
    "model.sizes", "tokens.sampler", "tokens.stream",
    "train.checkpoints", "train.data", "train.guards", "train.loop", "train.optimizer",
)  # fmt: skip
"""What weights come from, and which of them are published."""
PROMPTS, PROMPT_TOKENS = 4, 16


@dataclass(frozen=True)
class Plan:
    """A run before it starts.

    Attributes:
        folder: checkpoints/<name>/, which holds everything a killed process needs to go on.
        scratch: where what is published there is written.
        tokens: folder of the shards, where they can be mapped.
        config: of the model.
        bf16: whether it computes in bfloat16.
    """

    name: str
    folder: Path
    scratch: Path
    tokens: Path
    manifest: Manifest
    config: MistralConfig
    bf16: bool

    @property
    def model(self) -> Path:
        """Where the finished model is published; its seal says that training is over."""
        return self.folder / "model"


def plan_of(settings: Settings) -> Plan:
    """The run that a profile asks for.

    Raises:
        DataError: there are no shards.
    """
    profile, home = settings.profile, settings.home
    shards = home.at(load(settings, Tokenized).outputs.manifest).parent
    tokens = ranks.in_turn(lambda: at_hand(home, shards))
    manifest = Manifest.load(tokens)
    # The first rank's processor decides for all: ranks that disagree would train different models.
    bf16 = ranks.agree(uses_bf16(profile.train.precision))
    decides = {
        "tokens": manifest.content_id,
        "model": profile.model.deciding(),
        "mix": profile.mix.deciding(),
        "train": profile.train.deciding() | {"precision": "bf16" if bf16 else "fp32"},
        "seed": profile.seed,
        "code": code_hash(DECISIVE_CODE),
    }
    config = config_for(profile.model.size, manifest.vocab_size, profile.model.context_length)
    fingerprint = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    name = f"{profile.profile}-{profile.model.size}-{profile.train.optimizer}-{fingerprint[:8]}"
    folder, scratch = home.checkpoints / name, home.scratch / "checkpoints" / name
    return Plan(name, folder, scratch, tokens, manifest, config, bf16)


def job_of(plan: Plan, settings: Settings) -> Job:
    """What is trained, on what.

    Raises:
        DataError: the shards are altered or too few.
        KslmError: the sequences do not fit the model, or an optimizer step's do not divide over the ranks.
    """
    train, context = settings.profile.train, plan.config.max_position_embeddings
    if train.sequence_length > context:
        raise KslmError(
            f"train.sequence_length {train.sequence_length} exceeds the model's context of {context} tokens",
            remedy="lower it, or set model.context_length",
        )
    Recipe.of(train).per_rank(ranks.world())
    reader = ShardReader(plan.tokens)
    val = held_stream(reader.split("val"), settings.profile.mix)
    val_windows = Windows(val, train.sequence_length, train.eval_tokens)
    return Job(
        train=train,
        model=plan.config,
        seed=settings.profile.seed,
        bf16=plan.bf16,
        folder=plan.folder,
        scratch=plan.scratch,
        tokenizer=plan.tokens,
        sequences=sequences_of(reader, settings.profile),
        val_windows=val_windows,
        prompts=torch.from_numpy(val.beginnings(PROMPTS, PROMPT_TOKENS)),
        bytes_per_token=bytes_per_token(val, len(val_windows) * train.sequence_length),
    )


def sequences_of(reader: ShardReader, profile: Profile) -> Sequences:
    """What a run reads, in order.

    Raises:
        DataError: an epoch does not fill one optimizer step.
    """
    train, split = profile.train, reader.split("train")
    epochs: Epochs = Sampler(split, profile.mix, profile.seed) if train.sampling == "mix" else Stored(split)
    return Sequences(
        epochs,
        train.sequence_length,
        train.sequences_per_step,
        train.max_steps,
        seed=profile.seed,
        shards=reader.manifest.content_id,
    )
