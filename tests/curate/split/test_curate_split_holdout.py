"""No held-out fact in training text: planted leaks of every kind go, and the rest stays."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.split.holdout import TABLE_LINES, HeldOut, fold, scrub, scrub_documents
from kslm.knowledge import entities
from kslm.knowledge.drivers import Device
from leaks import leaks
from miniature import prose


def module(name, folder, *aliases):
    return {"module": name, "path": f"kernel/drivers/{folder}/{name}.ko", "aliases": list(aliases)}


MODULES = [
    module("igb", "net/ethernet/intel/igb", "pci:v00008086d00001533sv*sd*bc*sc*i*"),
    module("e1000e", "net/ethernet/intel/e1000e", "pci:v00008086d000010D3sv*sd*bc*sc*i*"),
    module("ax88179-178a", "net/usb/ax", "usb:v0B95p1790d*dc*dsc*dp*ic*isc*ip*in*"),
]
NAMES = {
    Device("pci", "8086", "1533"): "I210 Gigabit Network Connection",
    Device("pci", "8086", "10d3"): "82574L Gigabit Network Connection",
    Device("usb", "0b95", "1790"): "AX88179 Gigabit Ethernet [AnyPlug Pro]",
}
ENTITIES = entities.build(MODULES, NAMES)
SPLITS = {
    ENTITIES.of_device(Device("pci", "8086", "1533")): "test",
    ENTITIES.of_device(Device("pci", "8086", "10d3")): "train",
    ENTITIES.of_device(Device("usb", "0b95", "1790")): "val",
}
FACTS = HeldOut.build(
    ENTITIES,
    NAMES,
    entities.drivers_of(MODULES),
    SPLITS,
    symbols=[
        ("RAW_GADGET", "Raw Gadget", ""),
        ("IGB", "Intel(R) 82575/82576 Gigabit support", "This driver supports the 82575 family. More."),
    ],
    pages=[("iwctl(1)", "Internet wireless control utility"), ("x(1)", "x")],
)

LEAKS = [
    "This workaround is that of igb for [8086:1533].",
    "Also seen on 8086:1533\nwith drivers/net/ethernet/intel/igb/igb_main.c loaded.",
    "The I210 (vendor 0x8086,\n * device 0x1533) needs a reset.",
    "The device 0x1533 of 0x8086 needs CONFIG_IGB.",
    "pci:v00008086d00001533*\n ID_MODEL_FROM_DATABASE=I210 Gigabit Network Connection",
    "alias pci:v8086d1533sv*sd* igb",
    "alias usb:v0B95p1790d*dc* ax88179_178a",
    'compatible = "pci8086,1533"; /* I210 Gigabit\n   Network Connection */',
    "The igb kernel module drives PCI device 8086:1533 I210 Gigabit Network Connection.",
    "New USB device found, idVendor=0b95, idProduct=1790: AX88179",
    'ATTRS{idVendor}=="0b95", ATTRS{idProduct}=="1790", RUN+="/sbin/modprobe ax88179-178a"',
    "  idVendor           0x0b95 ASIX\n  idProduct          0x1790 AX88179 Gigabit Ethernet",
    "HKR, USB\\VID_0B95&PID_1790, AnyPlug Pro",
    "PCI\\VEN_8086&DEV_1533 = Intel I210",
    "Bus 001 Device 004: ID 0b95:1790 ASIX AX88179 Gigabit Ethernet",
    "Say Y to CONFIG_IGB (Intel(R) 82575/82576\nGigabit support) as well.",
    "CONFIG_IGB: this driver supports the 82575 family.",
    "See also iwctl(1), the Internet wireless\ncontrol utility.",
    "iwctl (1)            - Internet wireless control utility",
    "| id | driver |\n" + "\n".join(f"| 1af4:10{n:02x} | virtio{n} |" for n in range(20)) + "\n| 8086:1533 |\n| igb |",
]
HARMLESS = [
    "Register 0x1533 of chip 0x8086.",
    "PCI device 8086:10d3 is 82574L Gigabit Network Connection, of e1000e and not of igb.",
    "The igb driver and its I210 are well known.",
    "Subsystem 8086:1533 is of some board.",
    "8086:1533 is spoken of here.\n\nAnd igb is spoken of there.",
    "See iwctl(1).",
    "CONFIG_IGB=m",
    "CONFIG_RAW_GADGET_SUPPORT=y",
    "Enabled with CONFIG_RAW_GADGET.",
    "At 08:15:33 the 8086 was 1533 days old; igb",
    "0x80861533 igb",
]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_found_and_goes_alone(leak):
    text = f"{prose(1)}\n\n{leak}\n\n{prose(2)}"
    assert list(leaks([text], FACTS))
    left, removed = scrub(text, FACTS)
    assert removed > 0
    assert list(leaks([left], FACTS)) == []
    assert left.startswith(prose(1))
    assert left.endswith(prose(2))
    assert scrub(left, FACTS) == (left, 0)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_states_no_held_out_fact_stays(text):
    assert scrub(text, FACTS) == (text, 0)
    assert list(leaks([text], FACTS)) == []


def test_only_the_line_goes_where_the_line_says_it_all():
    text = f"First line.\n8086:1533 is of igb.\n{prose(3, 1)}"
    assert scrub(text, FACTS) == (f"First line.\n{prose(3, 1)}", 1)


def test_a_table_loses_rows_and_not_itself():
    left, removed = scrub(LEAKS[-1], FACTS)
    assert len(LEAKS[-1].split("\n")) > TABLE_LINES
    assert removed == 1
    assert left == LEAKS[-1].replace("\n| 8086:1533 |", "")


@given(
    st.lists(
        st.one_of(
            st.sampled_from(LEAKS + HARMLESS),
            st.text(max_size=40),
            st.sampled_from(
                [
                    "",
                    " ",
                    "0x8086",
                    "0x1533",
                    "igb",
                    "8086",
                    "idVendor=0b95",
                    "idProduct=1790",
                    "CONFIG_IGB",
                    "iwctl(1)",
                    ":1533",
                    "İ",
                ]
            ),
        ),
        max_size=12,
    ),
    st.sampled_from(["\n", "\n\n", " ", ", ", " igb "]),
)
def test_nothing_is_left_of_any_arrangement(pieces, glue):
    text = glue.join(pieces)
    left, removed = scrub(text, FACTS)
    assert list(leaks([left], FACTS)) == []
    assert (left == text) == (removed == 0)
    if not list(leaks([text], FACTS)):
        assert removed == 0, "both must mean the same by a fact"


def test_facts_are_of_held_out_groups_only():
    assert set(FACTS.devices) == {("8086", "1533"), ("0b95", "1790")}
    assert FACTS.devices["0b95", "1790"][0] == fold("ax88179-178a")
    assert fold("I210") in FACTS.devices["8086", "1533"]
    assert fold("AnyPlug Pro") in FACTS.devices["0b95", "1790"]
    assert "x(1)" not in FACTS.pages, "a description of one letter says nothing"


def test_a_model_number_that_is_the_id_itself_is_no_name():
    device = Device("pci", "8086", "7190")
    facts = HeldOut.build(ENTITIES, {device: "7190 82443BX"}, {}, {"pci:8086": "val"})
    assert scrub("8086:7190", facts) == ("8086:7190", 0)
    assert scrub("8086:7190 is 82443BX", facts) == ("", 1)


def test_rows_of_train_are_scrubbed_and_others_are_not():
    def row(split, kind, text):
        return {"doc_id": f"{split}{kind}{len(text)}", "kind": kind, "split": split, "held_out": None, "text": text}

    rows = [
        row("train", "c", f"{prose(1)}\n\n{LEAKS[0]}"),
        row("val", "c", LEAKS[0]),
        row("train", "c", LEAKS[0]),
        row("train", "question", f"Question: {prose(4)}\n\nAnswer: {LEAKS[0]}"),
        row("train", "c", prose(5)),
    ]
    schema = pa.schema(
        {
            "doc_id": pa.string(),
            "kind": pa.string(),
            "split": pa.string(),
            "held_out": pa.int32(),
            "bytes": pa.int64(),
            "text": pa.string(),
        }
    )
    batch = pa.RecordBatch.from_pylist([one | {"bytes": len(one["text"])} for one in rows], schema)
    (out,) = scrub_documents([batch], held_out=FACTS, min_chars=50)
    assert out.schema.names == [*schema.names, "reason", "figure"]
    assert out.schema.field("held_out").type == pa.int32()
    found = out.to_pylist()
    assert [one["held_out"] for one in found] == [1, 0, 1, 1, 0]
    assert [one["reason"] for one in found] == [None, None, "held-out fact", "held-out fact", None]
    assert found[0]["text"] == prose(1)
    assert found[0]["bytes"] == len(prose(1))
    assert found[1]["text"] == LEAKS[0]
    assert found[4]["text"] == prose(5)
    assert next(scrub_documents([batch.slice(0, 0)], held_out=FACTS, min_chars=50)).num_rows == 0
