"""One epoch as plain files: train.bin, val.bin, test.bin and vocab.json, as nanoGPT-like trainers read them.

A .bin holds token ids end to end, little-endian, uint16 (uint32 where the vocabulary exceeds 65,536 tokens), each
document ended by the end-of-text token. train.bin is the epoch, document by document; val.bin and test.bin are the text
that every run is measured on. A file is written beside its place and moved there once it is whole; vocab.json comes
last, so where it is, the others are too.

Limits: where a mount has no rename a file is copied to its place, and may be cut short there by a kill.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kslm import scratch
from kslm.errors import KslmError
from kslm.profile import Mix
from kslm.report import QUIET, Progress
from kslm.tokens.reader import ShardReader
from kslm.tokens.sampler import Epoch, Sampler, held_stream
from kslm.tokens.stream import Stream

FILES = ("train.bin", "val.bin", "test.bin", "vocab.json")
BLOCK = 1 << 20
"""Tokens written at a time."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        dtype: of the .bin files: "uint16" or "uint32", little-endian.
        tokens: by file.
        notes: on shares that the mix could not meet.
    """

    folder: Path
    dtype: str
    tokens: dict[str, int]
    epoch: Epoch
    notes: tuple[str, ...]


def export(
    reader: ShardReader,
    mix: Mix,
    seed: int,
    *,
    epoch: int,
    folder: Path,
    force: bool = False,
    progress: Progress = QUIET,
) -> Exported:
    """Write an epoch of shards to a folder.

    Args:
        epoch: of the training text, from 0.
        force: replace files of these names.

    Raises:
        KslmError: there is no such epoch, the folder holds such files, or it cannot be written.
    """
    sampler = Sampler(reader.split("train"), mix, seed)
    drawn = sampler.epoch(epoch)
    present = [name for name in FILES if (folder / name).exists()]
    if present and not force:
        raise KslmError(
            f"{folder} already holds {', '.join(present)}", remedy="name another folder with --to, or add --force"
        )
    streams = {"train.bin": sampler.stream(epoch)}
    streams |= {f"{name}.bin": held_stream(reader.split(name), mix) for name in ("val", "test")}
    total = sum(len(stream) for stream in streams.values())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "vocab.json").unlink(missing_ok=True)
        with progress.task("export", total=total * reader.manifest.numpy_dtype.itemsize, unit="B") as task:
            for name, stream in streams.items():
                task.update(note=name)
                _write(folder / name, _blocks(stream), task.advance)
        _write(folder / "vocab.json", iter([(reader.folder / "vocab.json").read_bytes()]), lambda amount: None)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        size = total * reader.manifest.numpy_dtype.itemsize / 1e6
        raise KslmError(
            f"cannot write to {folder}" + (": the disk is full" if full else ""),
            cause=str(error),
            remedy=f"the export takes {size:,.0f} MB: free space, or name another folder with --to",
        ) from error
    tokens = {name: len(stream) for name, stream in streams.items()}
    return Exported(folder, reader.manifest.dtype, tokens, drawn, (*sampler.notes, *drawn.notes))


def _blocks(stream: Stream) -> Iterator[bytes]:
    for start in range(0, len(stream), BLOCK):
        yield stream[start : start + BLOCK].tobytes()


def _write(path: Path, blocks: Iterator[bytes], advance: Callable[[float], None]) -> None:
    """Write a file so that it is whole or not there."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            for block in blocks:
                file.write(block)
                advance(len(block))
            file.flush()
            os.fsync(file.fileno())
        scratch.move(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
