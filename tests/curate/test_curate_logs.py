"""Blocks of log events as texts: in order, whole, and without a hundred lines alike."""

import pyarrow as pa
import pytest

import kslm.lake
from kslm.curate import gather
from kslm.lake import tables
from kslm.lake.arrow import arrow_schema
from kslm.settings import Environment, Settings, load_profile


@pytest.fixture
def blocks(tmp_path):
    env = Environment(_env_file=None, KSLM_HOME=tmp_path, KSLM_ENGINE="sail", KSLM_SCHEMA="t")
    settings = Settings(load_profile("quick"), env)

    def gathered(events):
        table = tables.LOG_EVENTS
        rows = [
            dict.fromkeys(table.columns) | {"event_id": f"e{n}", "source": "logs", "path": "x", "line": n + 1} | event
            for n, event in enumerate(events)
        ]
        with kslm.lake.open(settings) as lake:
            frame = lake.spark.createDataFrame(pa.Table.from_pylist(rows, arrow_schema(table)), schema=table.ddl)
            lake.make_equal(table, frame.repartition(3))
            found = gather.logs(lake, settings).toArrow().to_pylist()
        return {row["path"]: row for row in found}

    return gathered


def test_events_alike_are_left_out_and_counted(blocks):
    many = [{"message": f"link {n}", "template_id": "t"} for n in range(40)]
    oops = {"message": "BUG: a\nRIP: b", "template_id": "u", "time": "+1.5", "tag": "kernel", "host": None}
    plain = [{"message": f"odd {n}", "template_id": None} for n in range(5)]
    found = blocks([*many[:2], oops, *many[2:], *plain])
    assert found["x#.0"]["text"].split("\n") == [
        "link 0", "link 1", "[1.5] kernel: BUG: a", "RIP: b", "link 2", "[37 similar lines left out]",
        *(f"odd {n}" for n in range(5)),
    ]  # fmt: skip
    assert found["x#.0"]["split_group"] == "log:x"


def test_each_block_and_host_counts_for_itself(blocks):
    far = gather.BLOCK_LINES
    events = [{"message": f"m{n}", "template_id": "t", "host": f"<host-{n % 2}>"} for n in range(8)]
    found = blocks([*events, {"message": "later", "template_id": "t", "host": "<host-0>", "line": far + 1}])
    assert {path: row["text"].split("\n") for path, row in found.items()} == {
        "x#<host-0>.0": ["<host-0> m0", "<host-0> m2", "<host-0> m4", "[1 similar lines left out]"],
        "x#<host-1>.0": ["<host-1> m1", "<host-1> m3", "<host-1> m5", "[1 similar lines left out]"],
        "x#<host-0>.1": ["<host-0> later"],
    }
    assert {row["split_group"] for row in found.values()} == {"host:<host-0>", "host:<host-1>"}
