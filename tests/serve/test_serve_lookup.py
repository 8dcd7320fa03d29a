import re
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.index import store as index
from kslm.serve.lookup import DeviceKey, Fact, look_up, mentions, unverified

KCONFIG = """config E1000E
\ttristate "Intel(R) PRO/1000 PCI-Express Gigabit Ethernet support"
\tdepends on PCI
\thelp
\t  This driver supports the PCI-Express Intel(R) PRO/1000 family.
"""


def _id(level, vendor, device, name, line):
    return {"level": level, "vendor": vendor, "device": device, "name": name, "line": line, "version": "2026.01"}


def _module(name, aliases, builtin=False, description=None):
    return {
        "module": name, "path": f"kernel/{name}.ko", "builtin": builtin, "description": description,
        "aliases": aliases, "firmware": ["a.bin"], "depends": ["ptp"], "version": "6.12",
    }  # fmt: skip


ROWS = [
    ("pci_ids", _id("vendor", "8086", None, "Intel Corporation", 10)),
    ("pci_ids", _id("device", "8086", "1533", "I210 Gigabit Network Connection", 11)),
    ("pci_ids", _id("device", "8086", "9999", "A device without a driver", 12)),
    ("usb_ids", _id("vendor", "046d", None, "Logitech, Inc.", 5)),
    ("usb_ids", _id("device", "046d", "c52b", "Unifying Receiver", 6)),
    ("modules", _module("igb", ["pci:v00008086d00001533sv*sd*bc*sc*i*"], description="Intel Gigabit")),
    ("modules", _module("picky", ["pci:v00008086d00001533sv00001028sd*bc*sc*i*"])),
    ("modules", _module("nvme", ["pci:v*d*sv*sd*bc01sc08i02*"])),
    ("modules", _module("hid_logitech_dj", ["usb:v046DpC52Bd*dc*dsc*dp*ic*isc*ip*in*"])),
    ("modules", _module("e1000e", [], builtin=True, description="Intel PRO/1000")),
    ("documents", {"path": "drivers/net/Kconfig", "text": KCONFIG, "version": "6.12"}),
]


@pytest.fixture
def tables(tmp_path):
    index.build(tmp_path / "i.sqlite", ROWS)
    with closing(index.connect(tmp_path / "i.sqlite")) as connection:
        yield connection


def test_a_device_has_its_name_and_its_driver_with_their_sources(tables):
    found = look_up("Which driver does PCI 8086:1533 need?", tables)
    assert [fact.text for fact in found.facts] == [
        "PCI 8086:1533 is Intel Corporation I210 Gigabit Network Connection",
        "PCI 8086:1533 is served by driver igb (Intel Gigabit)",
        "PCI 8086:1533 may be served, on some boards only, by driver picky",
    ]
    assert found.facts[0].source == "bronze.pci_ids 8086:1533, line 11 of pci.ids, version 2026.01"
    assert "kernel/igb.ko, version 6.12" in found.facts[1].source
    assert found.unknown == []


@pytest.mark.parametrize(
    "question", ["what is [8086:ffff]?", "pci 8086 ffff", "0x8086:0xFFFF", "pci:v00008086d0000FFFFsv"]
)
def test_an_id_in_no_table_is_unknown_in_these_very_words(tables, question):
    found = look_up(question, tables)
    assert found.unknown == ["Unknown device [8086:ffff]"]
    assert [fact.text for fact in found.facts] == ["vendor 8086 is Intel Corporation; the device id is not in the list"]


def test_a_named_device_without_a_module_is_said_to_have_none(tables):
    assert look_up("8086:9999", tables).unknown == ["No kernel module claims PCI 8086:9999"]


def test_the_bus_is_the_one_the_question_speaks_of(tables):
    usb = look_up("Is there a driver for the USB receiver 046d:c52b?", tables)
    assert [fact.text for fact in usb.facts] == [
        "USB 046d:c52b is Logitech, Inc. Unifying Receiver",
        "USB 046d:c52b is served by driver hid_logitech_dj",
    ]
    assert look_up("PCI 046d:c52b", tables).unknown == ["Unknown device [046d:c52b]"]
    both = mentions("usb 046d:c52b and pci 8086:1533")
    assert both.devices == [DeviceKey("usb", "046d", "c52b"), DeviceKey("pci", "8086", "1533")]


def test_a_driver_that_goes_by_class_answers_only_where_the_class_is_given(tables):
    assert look_up("pci 1234:5678", tables).unknown == ["Unknown device [1234:5678]"]
    found = look_up("pci 1234:5678 class 010802", tables)
    assert [fact.text for fact in found.facts] == ["PCI 1234:5678 is served by driver nvme"]


def test_options_and_modules(tables):
    found = look_up("What does CONFIG_E1000E do, and the module e1000e? And CONFIG_NOPE?", tables)
    option, module = found.facts
    assert option.text.startswith("CONFIG_E1000E (tristate): Intel(R) PRO/1000")
    assert option.text.endswith("This driver supports the PCI-Express Intel(R) PRO/1000 family.")
    assert option.source == "bronze.documents, drivers/net/Kconfig line 1, version 6.12"
    assert module.text == "e1000e is built into the kernel: Intel PRO/1000; needs ptp; firmware a.bin"
    assert found.unknown == ["Unknown option CONFIG_NOPE"]


@pytest.mark.parametrize(
    "text", ["at 0000:00:1f.6", "aa:bb:cc:dd:ee:ff", "fe80:1234:5678:9abc:0000", "12:30", "which driver is best"]
)
def test_addresses_times_and_plain_words_are_no_devices(tables, text):
    assert mentions(text).devices == []
    found = look_up(text, tables)
    assert (found.facts, found.unknown) == ([], [])


def test_what_the_model_names_and_no_fact_confirms_is_unverified(tables):
    facts = [Fact("PCI 8086:1533 is served by driver igb", "here")]
    text = "8086:1533 uses igb, or 8086:1534 with CONFIG_IGB, module nvme, and hid_logitech_dj"
    assert unverified(text, facts, tables) == ["8086:1534", "CONFIG_IGB", "nvme", "hid_logitech_dj"]
    assert unverified("8086:1533", facts, None) == []


@given(st.text(max_size=60))
def test_any_text_can_be_read(text):
    for device in mentions(text).devices:
        assert re.fullmatch("[0-9a-f]{4}:[0-9a-f]{4}", str(device))


@given(vendor=st.integers(0, 0xFFFF), device=st.integers(0, 0xFFFF), upper=st.booleans())
def test_every_id_is_recognised(vendor, device, upper):
    text = f"{vendor:04x}:{device:04x}"
    found = mentions(f"What is [{text.upper() if upper else text}], please?")
    assert found.devices == [DeviceKey("pci", f"{vendor:04x}", f"{device:04x}")]
