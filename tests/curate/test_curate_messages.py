"""Which of the kernel's messages are asked about, whatever the order in which their files come."""

from __future__ import annotations

import json
import random
from collections import defaultdict

import pyarrow as pa
import pytest

import kslm.lake
from kslm.curate.messages import message_texts
from kslm.curate.reuse.documents import NOTES
from kslm.instruct.kernel_messages import MOST_A_FILE, MOST_FILES, noted, placed, questions_about
from kslm.kinds import C
from kslm.knowledge.entities import build
from kslm.lake.arrow import arrow_schema
from lake_rows import settings_in
from questions_world import document

MODULES = [{"module": "igb", "path": "kernel/drivers/net/igb/igb.ko", "aliases": [], "depends": []}]
ENTITIES = build(MODULES, {}, {"drivers/net/igb/Makefile": "obj-$(CONFIG_IGB) += igb.o\nigb-y := main.o hw.o\n"})
NVM = 'dev_err(dev, "The NVM Checksum Is Not Valid\\n");'


@pytest.fixture
def asked(tmp_path):
    """Texts about the messages of files, by path."""
    with kslm.lake.open(settings_in(tmp_path)) as lake:

        def run(files, partitions=2):
            rows = notes_of(files)
            random.Random(partitions).shuffle(rows)
            frame = lake.from_arrow(NOTES, pa.Table.from_pylist(rows, arrow_schema(NOTES)), tmp_path)
            found = message_texts(frame.repartition(partitions), ENTITIES).toArrow().to_pylist()
            return sorted(found, key=lambda row: row["path"])

        yield run


def notes_of(files):
    rows = [document("c", path, text) for path, text in files.items()]
    return [row | {"note": said} for row in rows if (said := noted(row, C.parse(row)))]


def expected(files):
    """The same in one process."""
    places = defaultdict(list)
    for row in notes_of(files):
        for like, place in placed(row):
            places[like].append(place)
    of_file = defaultdict(list)
    for alike in map(sorted, places.values()):
        paths = {place.path for place in alike}
        if len(paths) <= MOST_FILES and len({ENTITIES.of_source(path) for path in paths}) == 1:
            of_file[alike[0].doc_id].append(alike)
    found = []
    for messages in of_file.values():
        for alike in sorted(messages, key=lambda alike: (-len(alike[0].format), alike[0].format))[:MOST_A_FILE]:
            found += [text._asdict() for text in questions_about(alike, ENTITIES)]
    return sorted(found, key=lambda row: row["path"])


def test_what_stands_in_many_files_or_two_groups_is_not_asked_about(asked):
    assert not asked({f"drivers/net/igb/{name}.c": NVM for name in "abcd"})
    assert not asked({"drivers/net/igb/main.c": NVM, "mm/x.c": NVM})
    both = asked({"drivers/net/igb/main.c": NVM, "drivers/net/igb/hw.c": 'e_err("The NVM checksum is not valid.\\n");'})
    assert {row["parent_id"] for row in both} == {document("c", "drivers/net/igb/hw.c", "")["doc_id"]}


def test_some_messages_of_a_file(asked):
    text = "".join(f'pr_err("the thing called number{letter} is broken\\n");' for letter in "abcdefgh")
    found = asked({"mm/x.c": text})
    assert {row["split_group"] for row in found} == {"mm/x.c"}
    assert len({json.loads(row["item"])["key"] for row in found}) == MOST_A_FILE
    assert all("mm/x.c" in row["text"] and "level err" in row["text"] for row in found)


def test_the_engine_asks_what_the_rules_say(asked):
    rng = random.Random(3)
    said = [f"the {a} of the {b} is {c}" for a in ("clock", "reset") for b in ("bus", "port") for c in ("bad", "lost")]
    folders = ("drivers/net/igb", "mm", "fs")
    files = {
        f"{rng.choice(folders)}/f{number}.c": "".join(
            f'pr_err("{rng.choice(said)}{rng.choice(["", f" in {rng.randrange(9)} places", ": %d"])}\\n");'
            for _ in range(rng.randrange(7))
        )
        for number in range(25)
    }
    wanted = expected(files)
    assert len(wanted) > 5
    assert asked(files, 1) == asked(files, 7) == wanted


def test_no_messages_are_no_trouble(asked):
    assert asked({}) == []
