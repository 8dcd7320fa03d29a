"""Several processes at one stage, as torchrun starts them: RANK, LOCAL_RANK and WORLD_SIZE in the environment.

Rank 0 holds the home, reports and writes; the others take part. A rank that fails says why in the store that they met
in, and leaves; the others then fail in whatever they wait for, or by torchrun's signal, and name the first reason.

Limits: a rank that a signal meets while it waits for a GPU's collective hears it only when that ends.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from kslm.errors import KslmError

T = TypeVar("T")
_FAILURE = "kslm/failure"


def world() -> int:
    """How many processes there are; 1 where torchrun started none."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """This process's number, from 0."""
    return int(os.environ.get("RANK", "0")) if world() > 1 else 0


def first_here() -> bool:
    """Whether this is the first rank on its machine."""
    return not rank() or os.environ.get("LOCAL_RANK") == "0"


def in_turn(make: Callable[[], T]) -> T:
    """What `make` gives, called by the first rank of each machine before the others, which find what it made."""
    made = [make()] if first_here() else []
    wait()
    return made[0] if made else make()


@contextmanager
def joined() -> Iterator[None]:
    """Meet the other ranks: NCCL between GPUs, gloo between CPUs.

    Raises:
        KslmError: another rank failed.
    """
    if world() == 1:
        yield
        return
    import torch
    import torch.distributed as dist

    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # Until all have met, a signal just ends this process: where rank 0 finds the home busy, they never do.
    dist.init_process_group("nccl" if cuda else "gloo")
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    except BaseException as error:
        if (first := failure(error)) != _described(error):
            raise KslmError("another rank failed, and this one with it", cause=first) from error
        raise
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


def failure(error: BaseException) -> str:
    """Why the ranks fail: the first one's reason, which may be another's than `error`.

    From here on torchrun's signal is not heard, so that what was opened can be closed; it kills some time later.
    """
    described = _described(error)
    if world() == 1:
        return described
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    from torch.distributed import distributed_c10d

    store = distributed_c10d._get_default_store()
    if isinstance(error, KeyboardInterrupt):  # an end, which may follow from a failure but is none
        return str(store.get(_FAILURE).decode()) if store.check([_FAILURE]) else described
    return str(store.compare_set(_FAILURE, "", described).decode())


def wait() -> None:
    """Until every rank is here."""
    if world() > 1:
        import torch.distributed as dist

        dist.barrier()


def _described(error: BaseException) -> str:
    reason = str(error) or type(error).__name__
    return reason if world() == 1 else f"rank {rank()}: {reason}"


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt(f"ended by signal {number}")
