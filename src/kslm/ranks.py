"""Several processes at one stage, as torchrun starts them: RANK, LOCAL_RANK and WORLD_SIZE in the environment.

Rank 0 holds the home, reports and writes; the others take part. A rank that fails ends with an error status, and
torchrun then ends the others, whom this module turns from a signal into an exception, so that what they opened is
closed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def world() -> int:
    """How many processes there are; 1 where torchrun started none."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """This process's number, from 0."""
    return int(os.environ.get("RANK", "0")) if world() > 1 else 0


@contextmanager
def joined() -> Iterator[None]:
    """Meet the other ranks: NCCL between GPUs, gloo between CPUs."""
    if world() == 1:
        yield
        return
    import torch
    import torch.distributed as dist

    before = signal.signal(signal.SIGTERM, _stop)
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if cuda else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()
        signal.signal(signal.SIGTERM, before)


def agree(value: T) -> T:
    """Rank 0's value, on every rank."""
    if world() == 1:
        return value
    import torch.distributed as dist

    values: list[Any] = [value]
    dist.broadcast_object_list(values, src=0)
    return values[0]


def wait() -> None:
    """Until every rank is here."""
    if world() > 1:
        import torch.distributed as dist

        dist.barrier()


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt(f"signal {number}: another rank failed, or the run was ended")
