"""Python functions over Arrow batches in worker processes, for an engine that runs them as threads of this one.

Threads share the interpreter's lock, so Python code on such an engine uses one core however many partitions there are.
Here each partition's call is handed to one of a few processes, as many as there are cores; they start when the first
call that is worth it comes, and stay. The call itself is what it was: one for each partition, a batch is read when the
function asks for it and handed on when it yields.

A process serves any number of calls, each in a thread: no call waits for a free process, so functions that read each
other's batches cannot wait in a circle. Nothing is forked, as the engine has threads. A process that dies takes its
calls with it; they raise. When the engine's process ends, however it does, the workers read the end of their socket and
end too.

Both sides take turns on a socket of the call's own: the worker asks for a batch (WANT), hands one on (BATCH), ends
(END) or fails (ERROR), and is told when the function is not known to it yet (UNKNOWN).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import pyarrow as pa
import xxhash

from kslm.errors import KslmError
from kslm.lake.engine import Function

WORTH_IT = 1_000_000
"""Bytes of a partition below which its call stays a thread: it would be done before a process has started."""

BATCH_BYTES = 8_000_000
"""What is sent at once; engines make batches of a fixed number of rows, of whatever size."""

_FUNCTIONS_KEPT = 4
WANT, BATCH, END, ERROR, UNKNOWN = range(5)
_HEADER = struct.Struct("<BQ")


def in_workers(function: Function) -> Function:
    """The function as one for mapInArrow that runs in worker processes where the partition is large enough.

    It must be deterministic and must not rely on where batches are cut. Its exceptions are raised as they are, with the
    worker's traceback as a note.

    Raises (when called):
        KslmError: the worker ended before the function did.
    """
    from pyspark import cloudpickle

    pickled = cloudpickle.dumps(function)
    return partial(_call, pickled, xxhash.xxh3_128_digest(pickled))


def close() -> None:
    """End the processes that have nothing to do; they start again when needed."""
    with _lock:
        idle = [worker for worker in _workers if not worker.calls]
        for worker in idle:
            _workers.remove(worker)
            worker.close()


class _Worker:
    """A process, the socket by which it gets others, and how many calls it serves."""

    def __init__(self) -> None:
        self._control, its_end = socket.socketpair()
        threads = dict.fromkeys(("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "TOKENIZERS_PARALLELISM"), "1")
        with its_end:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from kslm.lake.workers import serve; serve()"],
                stdin=its_end.fileno(),
                env=os.environ | threads | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        self.calls = 0

    def connect(self) -> socket.socket:
        """A new socket with the process at its other end."""
        ours, its_end = socket.socketpair()
        with its_end, contextlib.suppress(OSError):  # whoever reads from it learns that the process is gone
            socket.send_fds(self._control, [b"."], [its_end.fileno()])
        return ours

    def close(self) -> None:
        self._control.close()
        self.process.terminate()  # a child forked since may hold the socket open
        self.process.wait()


_workers: list[_Worker] = []
_lock = threading.Lock()
atexit.register(close)


def _call(pickled: bytes, key: bytes, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rest = iter(batches)
    held: list[pa.RecordBatch] = []
    while sum(batch.nbytes for batch in held) < WORTH_IT:
        if (batch := next(rest, None)) is None:
            yield from pickle.loads(pickled)(iter(held))
            return
        held.append(batch)
    worker = _least_busy()
    try:
        with worker.connect() as connected:
            yield from _fed(connected, pickled, key, _cut(chain(held, rest)))
    except (EOFError, ConnectionError):
        raise KslmError(
            f"a worker process ({worker.process.pid}) ended in the middle of its work: {_fate(worker)}",
            cause="something ended it; the system does when memory runs out (dmesg says so)",
            remedy="free memory and run again: what was finished is kept",
        ) from None
    finally:
        with _lock:
            worker.calls -= 1


def _least_busy() -> _Worker:
    """A worker for one more call."""
    with _lock:
        _workers[:] = [worker for worker in _workers if worker.process.poll() is None]
        least = min(_workers, key=lambda worker: worker.calls, default=None)
        if least is None or (least.calls and len(_workers) < (os.cpu_count() or 1)):
            _workers.append(least := _Worker())
        least.calls += 1
        return least


def _fate(worker: _Worker) -> str:
    try:
        status = worker.process.wait(5)
    except subprocess.TimeoutExpired:
        return "it closed its socket"
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def _cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = max(1, batch.num_rows * BATCH_BYTES // max(1, batch.nbytes))
        for start in range(0, max(1, batch.num_rows), rows):
            yield batch.slice(start, rows)


def _fed(
    connected: socket.socket, pickled: bytes, key: bytes, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Answer the worker until it ends."""
    with connected.makefile("rb") as source, connected.makefile("wb", 0) as sink:
        _send(sink, WANT, key)
        while True:
            kind, content = _receive(source)
            if kind == WANT:
                _send_batch(sink, next(batches, None))
            elif kind == BATCH:
                yield _to_batch(content)
            elif kind == UNKNOWN:
                _send(sink, UNKNOWN, pickled)
            elif kind == ERROR:
                raise _revived(content)
            else:
                return


def serve() -> None:
    """What a worker process does: a thread for each socket that comes through standard input, until that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the engine's process decides
    pa.set_cpu_count(1)
    control = socket.socket(fileno=os.dup(0))
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            os._exit(0)
        threading.Thread(target=_serve_call, args=(descriptors[0],), daemon=True).start()


def _serve_call(descriptor: int) -> None:
    # A broken socket is a caller that wants no more.
    with (
        contextlib.suppress(OSError, EOFError),
        socket.socket(fileno=descriptor) as connected,
        connected.makefile("rb") as source,
        connected.makefile("wb", 0) as sink,
    ):
        try:
            for batch in _function(source, sink)(_asked_for(source, sink)):
                _send_batch(sink, batch)
        except Exception as error:
            _send(sink, ERROR, _preserved(error))
        else:
            _send(sink, END)


_functions: dict[bytes, Function] = {}
_loading = threading.Lock()


def _function(source: Any, sink: Any) -> Function:
    """The function that the caller names; unpickled once, as it may weigh many megabytes."""
    _, key = _receive(source)
    with _loading:
        if key not in _functions:
            _send(sink, UNKNOWN)
            if len(_functions) >= _FUNCTIONS_KEPT:
                _functions.clear()
            _functions[key] = pickle.loads(_receive(source)[1])
        return _functions[key]


def _asked_for(source: Any, sink: Any) -> Iterator[pa.RecordBatch]:
    while True:
        _send(sink, WANT)
        kind, content = _receive(source)
        if kind == END:
            return
        yield _to_batch(content)


def _send_batch(sink: Any, batch: pa.RecordBatch | None) -> None:
    if batch is None:
        return _send(sink, END)
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, batch.schema) as writer:
        writer.write_batch(batch)
    return _send(sink, BATCH, stream.getvalue())


def _to_batch(content: bytes) -> pa.RecordBatch:
    return pa.ipc.open_stream(content).read_next_batch()


def _send(sink: Any, kind: int, content: Any = b"") -> None:
    left = memoryview(content)
    sink.write(_HEADER.pack(kind, len(left)))
    while left:
        left = left[sink.write(left) :]


def _receive(source: Any) -> tuple[int, bytes]:
    kind, size = _HEADER.unpack(_exactly(source, _HEADER.size))
    return kind, _exactly(source, size)


def _exactly(source: Any, size: int) -> bytes:
    content: bytes = source.read(size)
    if len(content) < size:
        raise EOFError
    return content


def _preserved(error: Exception) -> bytes:
    """An exception as bytes: many cannot be pickled themselves, for what their constructors take."""
    from pyspark import cloudpickle

    where = traceback.format_exc()
    try:
        return bytes(cloudpickle.dumps((type(error), error.args, error.__dict__, where)))
    except Exception:
        return bytes(cloudpickle.dumps((RuntimeError, (f"{type(error).__name__}: {error}",), {}, where)))


def _revived(content: bytes) -> Exception:
    kind, arguments, attributes, where = pickle.loads(content)
    error: Exception = kind.__new__(kind, *arguments)
    error.__dict__.update(attributes)
    error.add_note(f"In a worker process:\n{where}")
    return error
