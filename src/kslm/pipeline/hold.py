"""One run at a time in a KSLM_HOME."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from filelock import FileLock, Timeout

from kslm import ranks
from kslm.errors import HomeBusyError, KslmError
from kslm.settings import Settings


@contextmanager
def hold(settings: Settings) -> Iterator[None]:
    """Hold KSLM_HOME for this process; of several ranks the first one holds it for all.

    A Volume has no locks: there the job's `max_concurrent_runs: 1` does this.

    Raises:
        HomeBusyError: another process holds it.
        KslmError: the folder cannot be written.
    """
    if settings.on_databricks or ranks.rank():
        yield
        return
    lock = FileLock(settings.home.lock, timeout=0)
    owner = settings.home.lock.with_suffix(".pid")
    try:
        settings.home.root.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        pid = owner.read_text() if owner.exists() else "unknown"
        raise HomeBusyError(
            f"another run is at work in {settings.home.root}",
            cause=f"process {pid} holds {settings.home.lock}",
            remedy="wait for it, stop it, or name another folder with KSLM_HOME",
        ) from None
    except OSError as error:
        raise KslmError(
            f"cannot write to KSLM_HOME at {settings.home.root}",
            cause=str(error),
            remedy="name a folder of yours: export KSLM_HOME=~/kslm",
        ) from None
    try:
        owner.write_text(str(psutil.Process().pid))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()
