"""What an engine's failure means to the one who runs kslm: cause and remedy, out of hundreds of lines of stack trace.

One table serves every engine: the text is what they have in common. It was taken from real failures of Spark 4.2, Delta
4.4 and Sail 0.7.2. A failure of a lost executor or a full disk reaches us after the engine's own retries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kslm import errors
from kslm.errors import KslmError

_ENGINES = ("pyspark", "py4j", "delta", "grpc")


@dataclass(frozen=True)
class _Failure:
    """A kind of failure: the text that gives it away, and what is said of it; {0}, {1} are the pattern's groups."""

    sign: str
    cause: str
    remedy: str


_CONFLICT = re.compile(
    r"DELTA_CONCURRENT_\w+|DELTA_METADATA_CHANGED|DELTA_PROTOCOL_CHANGED|DELTA_PATH_EXISTS"
    r"|Failed to commit transaction|transaction \d+ already exists|TABLE_OR_VIEW_ALREADY_EXISTS"
)
_RAISED = re.compile(
    r"(?:^kslm\.errors\.|External error: )((?:Kslm|Settings|Source|Data)Error): ([^\n]+)"
    r"(?:\nCause: ([^\n]*))?(?:\nRemedy: ([^\n]*))?",
    re.MULTILINE,
)
"""One of our own errors, raised by a function in a worker: it says all there is to say."""
_FAILURES = (
    _Failure(
        r"different version: (\d[\d.]*) than that in driver: (\d+\.\d+)",
        "the workers' Python is {0}, this process's is {1}",
        "install the same minor version on every worker and name it by PYSPARK_PYTHON",
    ),
    _Failure(
        r'Cannot run program "([^"]+)"[^\n]*',
        "a worker could not start its Python: {0}",
        "set PYSPARK_PYTHON to a Python that every worker has at that path (docs/operations.md, A Spark cluster)",
    ),
    _Failure(
        r"ModuleNotFoundError: No module named '([^']+)'",
        "a worker's Python has no module {0}",
        "install kslm's requirements for the workers' Python, or send an environment with spark.archives",
    ),
    _Failure(
        r"[^\n]*No space left on device",
        "a disk is full, most likely that of shuffle files",
        "free it, or name a larger one: SPARK_LOCAL_DIRS of each worker (on this machine: KSLM_HOME or TMPDIR)",
    ),
    _Failure(
        r"OutOfMemoryError[^\n]*",
        "an executor ran out of memory: {match}",
        "raise spark.executor.memory in spark-defaults.conf, or give each executor fewer cores",
    ),
    _Failure(
        r"ExecutorLostFailure \(([^\n]*)",
        "executors were lost, several times in one task: {0}",
        "the workers' logs say why; if they were out of memory, raise spark.executor.memory or give each fewer cores",
    ),
    _Failure(
        r"Python worker exited unexpectedly \(crashed\)",
        "a worker's Python process died, as when the system kills it for want of memory",
        "give the worker more memory or fewer cores; its log says more",
    ),
    _Failure(
        r"(?:FAILED_READ_FILE|DELTA_FILE_NOT_FOUND|FileNotFoundException|No such file or directory|"
        r"Object at location [^\n]* not found)[^\n]*",
        "a file of it is gone, so it was changed or vacuumed while it was read: {match}",
        "let nothing else write to the lake or vacuum it meanwhile, and run the stage again",
    ),
    _Failure(
        r"(?:SparkContext was shut down|stopped SparkContext|All masters are unresponsive|Master removed our "
        r"application|Connection refused|Answer from Java side is empty)[^\n]*",
        "the connection to the engine was lost: {match}",
        "see whether the cluster is alive (its master's page, port 8080), and run the stage again",
    ),
)


def is_conflict(error: BaseException) -> bool:
    """Whether another writer committed to the table meanwhile, so that this write is to be tried again."""
    return _of_engine(error) and _CONFLICT.search(str(error)) is not None


def explained(error: BaseException, doing: str) -> KslmError | None:
    """The error to raise in place of an engine's, if it is one that is known; `doing` names table and step."""
    if not _of_engine(error):
        return None
    text = str(error)
    if raised := _RAISED.search(text):
        kind: type[KslmError] = getattr(errors, raised[1])
        return kind(raised[2], cause=raised[3] or "", remedy=raised[4] or "")
    for failure in _FAILURES:
        if found := re.search(failure.sign, text):
            cause = failure.cause.format(*found.groups(), match=found[0].strip()[:300])
            return KslmError(f"{doing} failed on the engine", cause=cause, remedy=failure.remedy)
    return None


@contextmanager
def evaluating(doing: str) -> Iterator[None]:
    """Say what an engine's failure means; one that is not known is raised as it is.

    Raises:
        KslmError: `doing` failed; with cause and remedy.
    """
    try:
        yield
    except Exception as error:
        if known := explained(error, doing):
            raise known from error
        raise


def _of_engine(error: BaseException) -> bool:
    return any(kind.__module__.partition(".")[0] in _ENGINES for kind in type(error).__mro__)
