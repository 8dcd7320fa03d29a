"""Functions over batches in worker processes: what a call may rely on there, and what ends it."""

from __future__ import annotations

import os
import signal

import pyarrow as pa
import pytest

import kslm.lake
from kslm.errors import DataError, KslmError
from kslm.lake import workers
from lake_rows import settings_in


@pytest.fixture(autouse=True)
def eager(monkeypatch):
    monkeypatch.setattr(workers, "WORTH_IT", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    yield
    workers.close()


def numbers(*values):
    return pa.RecordBatch.from_pydict({"n": pa.array(values, pa.int64())})


def where(batches):
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"n": batch.column("n"), "pid": pa.array([os.getpid()] * batch.num_rows)})


def refuse(batches):
    yield next(iter(batches))
    raise DataError("row 7 is bad", cause="a test", remedy="none")


def die(batches):
    for batch in batches:
        if batch.column("n")[0].as_py() == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        yield batch


def test_every_row_comes_back_from_two_other_processes(tmp_path):
    with kslm.lake.open(settings_in(tmp_path)) as lake:
        mapped = lake.map(lake.spark.range(1000).selectExpr("id AS n").repartition(4), where, "n BIGINT, pid BIGINT")
        # One map's batches feed another's, in more partitions than there are processes: nobody waits for a free one.
        rows = lake.map(mapped.repartition(4).select("n", "pid"), where, "n BIGINT, pid BIGINT").toArrow()
        firsts = mapped.toArrow()
    assert sorted(rows["n"].to_pylist()) == sorted(firsts["n"].to_pylist()) == list(range(1000))
    pids = {*rows["pid"].to_pylist(), *firsts["pid"].to_pylist()}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_little_stays_a_thread(monkeypatch):
    monkeypatch.setattr(workers, "WORTH_IT", 1_000)
    small = list(workers.in_workers(where)([numbers(1), numbers(2)]))
    assert [batch.to_pydict() for batch in small] == [{"n": [n], "pid": [os.getpid()]} for n in (1, 2)]
    large = list(workers.in_workers(where)([numbers(*range(100)), numbers(*range(100))]))
    assert {*large[0].column("pid").to_pylist()} != {os.getpid()}


def test_a_batch_is_read_when_it_is_asked_for_and_a_large_one_is_cut(monkeypatch):
    monkeypatch.setattr(workers, "BATCH_BYTES", 80)
    read = []
    given = (read.append(n) or numbers(*[n] * 25) for n in range(100))
    call = workers.in_workers(where)(given)
    assert next(call).num_rows == 10
    assert read == [0]
    assert [next(call).num_rows for _ in range(3)] == [10, 5, 10]
    assert read == [0, 1]
    call.close()
    assert [batch.column("n").to_pylist() for batch in workers.in_workers(where)([numbers(5)])] == [[5]]


def test_an_exception_is_raised_as_it_is():
    call = workers.in_workers(refuse)([numbers(1)])
    assert next(call).column("n").to_pylist() == [1]
    with pytest.raises(DataError, match="row 7 is bad") as caught:
        next(call)
    assert (caught.value.cause, caught.value.remedy) == ("a test", "none")
    assert "in refuse" in caught.value.__notes__[0]


def test_an_exception_reaches_the_lakes_caller(tmp_path):
    with kslm.lake.open(settings_in(tmp_path)) as lake, pytest.raises(Exception, match="row 7 is bad"):
        lake.map(lake.spark.range(9).selectExpr("id AS n"), refuse, "n BIGINT").toArrow()


def test_a_killed_process_is_named_and_the_next_call_has_a_new_one():
    call = workers.in_workers(die)([numbers(1), numbers(2)])
    assert next(call).column("n").to_pylist() == [1]
    with pytest.raises(KslmError, match=r"a worker process \(\d+\) ended .*SIGKILL"):
        next(call)
    assert [batch.num_rows for batch in workers.in_workers(die)([numbers(1), numbers(3)])] == [1, 1]


def test_closing_ends_the_processes():
    pid = next(workers.in_workers(where)([numbers(1)])).column("pid")[0].as_py()
    workers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
