import json
import re
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.index.store import build
from kslm.instruct.tables import from_tables
from kslm.knowledge.drivers import Device
from kslm.serve.lookup import Fact, connect, look_up, mentions, unverified
from questions_world import IDS, MODULES, ORIGINS, hardware_of, module

SYMBOL = {
    "name": "E1000E", "kind": "tristate", "prompt": "Intel(R) PRO/1000 PCI-Express Gigabit Ethernet support",
    "help": "This driver supports the PCI-Express Intel(R) PRO/1000 family.\n", "requires": "PCI",
    "path": "drivers/net/Kconfig", "line": 1, "version": "6.12",
}  # fmt: skip


def _id(level, vendor, device, name, line):
    return {"level": level, "vendor": vendor, "device": device, "name": name, "line": line, "version": "2026.01"}


def _module(name, aliases, builtin=False, description=None):
    return {
        "module": name, "path": f"kernel/{name}.ko", "builtin": builtin, "description": description,
        "aliases": aliases, "firmware": ["a.bin"], "depends": ["ptp"], "version": "6.12",
    }  # fmt: skip


ROWS = {
    "pci_ids": [
        _id("vendor", "8086", None, "Intel Corporation", 10),
        _id("device", "8086", "1533", "I210 Gigabit Network Connection", 11),
        _id("device", "8086", "9999", "A device without a driver", 12),
        _id("device", "8086", "9999", "The same id once more", 13),
    ],
    "usb_ids": [
        _id("vendor", "046d", None, "Logitech, Inc.", 5),
        _id("device", "046d", "c52b", "Unifying Receiver", 6),
    ],
    "modules": [
        _module("igb", ["pci:v00008086d00001533sv*sd*bc*sc*i*"], description="Intel Gigabit"),
        _module("picky", ["pci:v00008086d00001533sv00001028sd*bc*sc*i*"]),
        _module("nvme", ["pci:v*d*sv*sd*bc01sc08i02*"]),
        _module("snd", ["pci:v00001234d*sv*sd*bc04sc03i*"]),
        _module("hid_logitech_dj", ["usb:v046DpC52Bd*dc*dsc*dp*ic*isc*ip*in*"]),
        _module("serial", ["usb:v12D1p*d*dc*dsc*dp*icFFisc*ip*in*"]),
        _module("e1000e", [], builtin=True, description="Intel PRO/1000"),
    ],
    "config_symbols": [SYMBOL],
}


@pytest.fixture
def tables(tmp_path):
    build(tmp_path / "i.sqlite", ROWS)
    with closing(connect(tmp_path / "i.sqlite")) as connection:
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
    assert both.devices == [Device("usb", "046d", "c52b"), Device("pci", "8086", "1533")]


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("pci 1234:5678 class 010802", "driver nvme, because of its class 010802"),
        ("pci 1234:5678 class 0403", "driver snd, because of its vendor 1234 and class 0403"),
        ("usb 12d1:1001", "driver serial, because of its vendor 12d1 and an interface of class ff"),
    ],
)
def test_what_a_driver_takes_by_vendor_or_class_is_said_of_these(tables, question, said):
    findings = look_up(question, tables)
    asked = f"{question[:3].upper()} {question[4:13]}"
    assert [fact.text for fact in findings.facts] == [f"{asked} may be served by {said}"]
    assert findings.unknown == [f"Unknown device [{question[4:13]}]"]


def test_a_class_is_needed_and_that_of_one_device(tables):
    assert look_up("pci 1234:5678", tables).facts == []
    assert look_up("pci 1234:5678 or 1234:5679, class 010802", tables).facts == []
    assert look_up("pci 8086:9999 class 010802", tables).unknown == []


def test_options_and_modules(tables):
    found = look_up("What does CONFIG_E1000E do, and the module e1000e? And CONFIG_NOPE?", tables)
    option, module = found.facts
    assert option.text.startswith("CONFIG_E1000E (tristate): Intel(R) PRO/1000")
    assert option.text.endswith("This driver supports the PCI-Express Intel(R) PRO/1000 family.")
    assert option.source == "bronze.config_symbols E1000E, drivers/net/Kconfig line 1, version 6.12"
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
    assert found.devices == [Device("pci", f"{vendor:04x}", f"{device:04x}")]


def said_by_corpus(ids, modules, hardware, entities):
    """Id to its modules for all boards and for some, as the corpus answers; and ids that it says are unknown."""
    drivers, unknown = {}, []
    for text in from_tables(ids, modules, hardware, entities, ORIGINS):
        item = json.loads(text.item)
        fields = item["fields"]
        if item["kind"].startswith("device_driver"):
            named = (fields.get(name, "").split(",") for name in ("modules", "modules_partly"))
            drivers[f"{fields['bus']} {fields['device']}"] = tuple(frozenset(filter(None, names)) for names in named)
        elif item["kind"] == "unknown_device":
            unknown.append((fields["bus"], fields["device"]))
    return drivers, unknown


def said_by_ask(question, index):
    """The same of one id, as `ask` answers; and the name it gives."""
    texts = [fact.text for fact in look_up(question, index).facts if "because of" not in fact.text]
    served = [re.search(r"(is|on some \w+ only,) (?:served )?by driver (\w+)", text) for text in texts]
    drivers = tuple(frozenset(m[2] for m in served if m and (m[1] == "is") == sure) for sure in (True, False))
    return drivers, [text for text, driver in zip(texts, served, strict=True) if driver is None]


def test_an_answer_says_of_every_id_what_the_corpus_says(tmp_path):
    modules = [
        *MODULES,
        module("everyone", "drivers/misc", "pci:v00001002d00004150sv00001028sd*bc*sc*i*"),
        module("revised", "drivers/usb/r", "usb:v0B95p1790d02*dc*dsc*dp*ic*isc*ip*in*"),
        module("early", "drivers/usb/e", "usb:v0B95p0001d01*dc*dsc*dp*ic*isc*ip*in*"),
        module("narrow", "drivers/ata", "pci:v00008086d00001536sv*sd*bc01sc06i01*"),
        module("usbtest", "drivers/usb/misc", "usb:v0B95p1790d*dc*dsc*dp*ic*isc*ip*in*"),
        module("maker", "drivers/misc", "pci:v00008086d*sv*sd*bc*sc*i*", "usb:v0B95p*d*dc*dsc*dp*icFFisc*ip*in*"),
    ]
    undriven = IDS["pci"][1] | {"row_id": "undriven", "device": "9999", "name": "Nobody's"}
    ids = IDS | {"pci": [*IDS["pci"], undriven]}
    hardware, entities = hardware_of(ids, modules)
    drivers, unknown = said_by_corpus(ids, modules, hardware, entities)
    devices = {*hardware.names, *hardware.drivers}
    build(tmp_path / "i.sqlite", {f"{bus}_ids": rows for bus, rows in ids.items()} | {"modules": modules})
    with closing(connect(tmp_path / "i.sqlite")) as index:
        for device in devices:
            asked = f"{device.bus.upper()} {device}"
            stated, rest = said_by_ask(asked, index)
            assert stated == drivers.get(asked, (frozenset(), frozenset())), asked
            assert [text.endswith(hardware.names[device]) for text in rest] == [True] * (device in hardware.names)
        for bus, device in unknown:
            assert look_up(f"{bus} {device}", index).unknown == [f"Unknown device [{device}]"]
    assert drivers["USB 0b95:1790"] == ({"ax88179"}, {"revised"})
    assert drivers["USB 0b95:0001"] == (frozenset(), {"early"})
    assert len(devices) > len(drivers) > 5
    assert unknown
