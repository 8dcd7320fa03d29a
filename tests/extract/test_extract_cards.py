import pytest

from kslm.extract import cards as facts
from kslm.knowledge import drivers, entities
from kslm.knowledge.drivers import Device
from kslm.knowledge.hardware import Attribution, Hardware, vendor_names
from kslm.texts import sentence

IDS = [
    ("vendor", "8086", None, None, None, "Intel Corporation"),
    ("device", "8086", "1533", None, None, "I210 Gigabit Network Connection"),
    ("subsystem", "8086", "1533", "103c", "0003", "Ethernet I210-T1 GbE NIC"),
    ("device", "8086", "10d3", None, None, "82574L Gigabit Network Connection"),
    ("device", "8086", "1536", None, None, "I210 Gigabit Network Connection"),
    ("device", "8086", "0007", None, None, "82379AB"),
    ("vendor", "1002", None, None, None, "AMD"),
    ("device", "1002", "4150", None, None, "RV350"),
    ("class", "02", None, None, None, "Network controller"),
    ("subclass", "02", "00", None, None, "Ethernet controller"),
]
PCI = [
    dict(zip(("level", "vendor", "device", "subvendor", "subdevice", "name"), row, strict=True), line=line)
    for line, row in enumerate(IDS, 1)
]


def module(name, folder, *aliases, **more):
    row = {"module": name, "path": f"kernel/{folder}/{name}.ko", "aliases": list(aliases), "builtin": False}
    return row | {"description": None, "licence": "GPL", "firmware": [], "depends": [], "parameters": {}} | more


MODULES = [
    module(
        "igb",
        "drivers/net/ethernet/intel/igb",
        "pci:v00008086d00001533sv*sd*bc*sc*i*",
        description="Intel(R) Gigabit Ethernet Network Driver",
        depends=["i2c-algo-bit", "dca"],
        parameters={"debug": "Debug level (0=none,...,16=all) (int)"},
    ),
    module("e1000e", "drivers/net/ethernet/intel/e1000e", "pci:v00008086d000010D3sv*sd*bc*sc*i*"),
    module("radeon", "drivers/gpu/drm/radeon", "pci:v00001002d00004150sv*sd*bc*sc*i*", firmware=["radeon/R300_cp.bin"]),
    module("radeonfb", "drivers/video/fbdev/aty", "pci:v00001002d00004150sv*sd*bc*sc*i*"),
    module("boards", "drivers/misc", "pci:v00008086d00000007sv00001028sd*bc*sc*i*"),
    module("ipaq", "drivers/usb/serial", "usb:v0B95p1790d*dc*dsc*dp*ic*isc*ip*in*"),
    module("nvme", "drivers/nvme/host", "pci:v*d*sv*sd*bc01sc08i02*"),
]
NAMES = entities.device_names(PCI, "pci")
HARDWARE = Hardware(vendor_names(PCI, "pci"), NAMES, drivers.drivers_of(MODULES))
ENTITIES = entities.build(MODULES, NAMES)
ORIGIN = Attribution("test", "GPL-2.0-only", "1")
IGB = "drivers/net/ethernet/intel/igb"


def test_aliases_of_classes_name_no_device():
    assert list(drivers.drivers(MODULES[-1:])) == []
    alias = MODULES[5]["aliases"][0]
    assert list(drivers.drivers(MODULES[5:6])) == [(Device("usb", "0b95", "1790"), "ipaq", False, alias)]


def test_devices_of_one_vendor_and_name_are_one_entity():
    one, same = (ENTITIES.of_device(Device("pci", "8086", device)) for device in ("1533", "1536"))
    assert one == same
    assert one.startswith("pci:8086:")
    assert ENTITIES.of_device(Device("pci", "8086", "ffff")) == "pci:8086"


def test_sources_documents_and_symbols_go_with_their_module():
    assert ENTITIES.of_source("drivers/net/ethernet/intel/igb/igb_main.c") == IGB
    assert ENTITIES.of_source("Documentation/networking/device_drivers/ethernet/intel/igb.rst") == IGB
    assert ENTITIES.of_symbol("drivers/net/ethernet/intel/Kconfig", "the\nmodule will be called igb.") == IGB
    assert ENTITIES.of_symbol("drivers/net/ethernet/intel/Kconfig", "No name.") == "drivers/net/ethernet/intel"
    assert ENTITIES.of_source("mm/slub.c") == "mm/slub.c"


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("lib/modules/6.12.1/kernel/drivers/net/tun.ko", "drivers/net"),
        ("kernel/drivers/net/tun.ko.xz", "drivers/net"),
        ("kernel/kernel/time/test.ko", "kernel/time"),
        ("drivers/pci/pcie/portdrv", "drivers/pci/pcie"),
    ],
)
def test_source_folder(path, folder):
    assert entities.source_folder(path) == folder


def test_a_vendors_documents_follow_the_groups_of_its_devices():
    texts = {text.split_group: text.text for text in facts.id_texts(PCI, "pci", HARDWARE, ENTITIES, ORIGIN)}
    assert texts[ENTITIES.of_device(Device("pci", "8086", "1533"))] == (
        "PCI vendor 8086 is Intel Corporation.\n"
        "PCI device 8086:1533 is I210 Gigabit Network Connection.\n"
        "Subsystem 103c:0003 of PCI device 8086:1533 is Ethernet I210-T1 GbE NIC.\n"
        "PCI device 8086:1536 is I210 Gigabit Network Connection."
    )
    assert texts["pci:class"] == "PCI class 02 is Network controller.\nPCI subclass 02:00 is Ethernet controller."


def test_a_card_states_what_modinfo_says():
    cards = {text.path: text for text in facts.module_texts(MODULES, HARDWARE, ENTITIES, ORIGIN)}
    assert cards["igb"].text == (
        "The igb kernel module: Intel(R) Gigabit Ethernet Network Driver.\n"
        "Load it with: modprobe igb\n"
        "Its licence is GPL.\n"
        "It depends on i2c-algo-bit and dca.\n"
        "Its parameter debug takes a whole number: Debug level (0=none,...,16=all)\n"
        "The igb kernel module drives PCI device 8086:1533 I210 Gigabit Network Connection."
    )
    assert "drives some boards of PCI device 8086:0007 82379AB." in cards["boards"].text
    assert cards["radeon"].split_group == "drivers/gpu/drm/radeon"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\n two", "one two."),
        ("Really?", "Really?"),
        ("It works. (With others too.)", "It works. (With others too.)"),
        ('He said "yes."', 'He said "yes."'),
        ("by Realtek (Semiconductor, Inc.)", "by Realtek (Semiconductor, Inc.)."),
        ("inputs (keyboard, mouse, ...)", "inputs (keyboard, mouse, ...)."),
        ('prints a "."', 'prints a ".".'),
    ],
)
def test_a_sentence_ends_once(text, said):
    assert sentence(text) == said
