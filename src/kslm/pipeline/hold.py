"""One run at a time in a KSLM_HOME, and one profile in a schema."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from filelock import FileLock, Timeout

from kslm import ranks
from kslm.errors import HomeBusyError, KslmError, SettingsError
from kslm.pipeline.lease import Lease
from kslm.published import write_atomically
from kslm.settings import Settings


@contextmanager
def hold(settings: Settings, *, wait: float = 0) -> Iterator[None]:
    """Hold KSLM_HOME for this process; of several ranks the first one holds it for all.

    A Volume has no locks: there a ticket is drawn (`Lease`), which the tasks of one job run share.

    Args:
        wait: seconds to wait for another job run, on Databricks.

    Raises:
        HomeBusyError: another process holds it.
        KslmError: the folder cannot be written.
    """
    if ranks.rank():
        yield
        return
    if settings.on_databricks:
        run = settings.env.job_run
        who = f"job run {run}" if run else f"process {psutil.Process().pid} on {socket.gethostname()}"
        with Lease(settings.home.root / "leases", who).held(wait):
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
        raise _unwritable(settings, error) from None
    try:
        owner.write_text(str(psutil.Process().pid))
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def claim(settings: Settings) -> None:
    """Note whose tables lie in the schema that KSLM_SCHEMA names, and refuse another profile's.

    Without KSLM_SCHEMA each profile has a schema of its own; with it, a second one would overwrite the first one's
    tables and move its champion.

    Raises:
        SettingsError: the schema holds another profile's tables.
    """
    if settings.env.schema_prefix is None:
        return
    path, schema = settings.home.root / "reports" / "schemas.json", f"{settings.env.catalog}.{settings.schema_prefix}"
    try:
        claims = dict(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        claims = {}
    name = settings.profile.profile
    if claims.setdefault(schema, name) != name:
        raise SettingsError(
            f"schema {schema} holds the tables and the models of profile {claims[schema]}, not of {name}",
            cause=f"KSLM_SCHEMA is {settings.schema_prefix}",
            remedy="give each profile a schema of its own; on Databricks, deploy a second size as a target of its own",
        )
    write_atomically(path, json.dumps(claims, indent=1, sort_keys=True))


def _unwritable(settings: Settings, error: OSError) -> KslmError:
    return KslmError(
        f"cannot write to KSLM_HOME at {settings.home.root}",
        cause=str(error),
        remedy="name a folder of yours: export KSLM_HOME=~/kslm",
    )
