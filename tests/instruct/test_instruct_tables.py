from __future__ import annotations

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from campaign import dear
from kslm.instruct import refusals
from kslm.instruct.devices import drivers, drivers_by_name
from kslm.instruct.phrasings import load
from kslm.instruct.tables import from_tables
from kslm.knowledge.drivers import Device
from questions_world import ENTITIES, FILES, HARDWARE, IDS, MODULES, ORIGINS, TEMPLATES, hardware_of, id_rows, module

DEVICE = re.compile(r"\b[0-9a-f]{4}:[0-9a-f]{4}\b")
IGB = "drivers/net/ethernet/intel/igb"


def made(ids=IDS, modules=MODULES, hardware=HARDWARE, entities=ENTITIES, **more):
    return list(from_tables(ids, modules, hardware, entities, ORIGINS, **more))


TEXTS = {text.path: text for text in made(files=FILES, templates=TEMPLATES, seed=7)}


def answer(path):
    return TEXTS[path].text.partition("\nAnswer: ")[2]


def test_a_device_is_answered_with_its_driver_and_how_to_load_it():
    assert answer("driver/PCI/8086:1533") == (
        "The igb module drives PCI device 8086:1533 I210 Gigabit Network Connection (Intel Corporation). "
        "igb: Intel(R) Gigabit Ethernet Network Driver. Load it with: modprobe igb"
    )
    item = json.loads(TEXTS["driver/PCI/8086:1533"].item)
    assert item["intent"] == "DRIVER_SELECT"
    assert (item["table"], item["key"]) == ("bronze.modules", "igb")
    assert TEXTS["driver/PCI/8086:1533"].version == "6.1"
    assert item["next_action"] == "modprobe igb"
    assert item["kind"] == "device_driver_named"
    assert {"bus": "PCI", "device": "8086:1533", "modules": "igb"}.items() <= item["fields"].items()


def test_a_question_carries_the_values_that_its_kind_asks_with():
    kinds = load().questions
    items = [json.loads(text.item) for text in TEXTS.values()]
    assert {item["kind"] for item in items} - kinds.keys() == {"unknown_device", "off_topic"}
    for item in items:
        if item["kind"] in kinds:
            assert item["fields"].keys() >= set(kinds[item["kind"]].required), item
            assert all(item["fields"].values())


def test_several_modules_are_one_answer_and_some_boards_are_said_to_be_some():
    assert answer("driver/PCI/1002:4150").startswith("The radeon and radeonfb modules drive PCI device 1002:4150")
    assert "drives some boards of PCI device 8086:0007" in answer("driver/PCI/8086:0007")


def test_a_builtin_module_is_not_to_be_loaded():
    assert "built into the kernel" in answer("driver/USB/0b95:1790")
    assert "modprobe" not in answer("driver/USB/0b95:1790") + answer("load/ax88179")


def test_what_a_module_matches_by_class_alone_is_asked_of_no_device():
    assert not any("nvme" in text.text for path, text in TEXTS.items() if path.startswith(("driver/", "name/")))


def test_names_subsystems_classes_and_vendors():
    assert answer("identify/PCI/8086:1533") == (
        "PCI device 8086:1533 is I210 Gigabit Network Connection. Its vendor is Intel Corporation. "
        "The kernel drives it with: igb."
    )
    assert answer("subsystem/8086:1533/103c:0003") == (
        "Subsystem 103c:0003 of PCI device 8086:1533 I210 Gigabit Network Connection is Ethernet I210-T1 GbE NIC. "
        "The board's vendor, 103c, is Hewlett-Packard Company."
    )
    assert answer("class/pci/02:00") == "PCI subclass 02:00 is Ethernet controller."
    assert answer("vendor/usb/0b95") == "USB vendor 0b95 is ASIX Electronics Corp."


def test_devices_of_one_name_are_asked_about_together():
    named = [text.text for path, text in TEXTS.items() if path.startswith("name/PCI/") and "igb" in text.text]
    assert named and all("(PCI 8086:1533 and 8086:1536)" in text for text in named)


def test_a_board_with_the_id_of_a_device_of_another_group_is_not_asked_about():
    rows = [("device", "8086", "1533", None, None, "I210"), ("device", "1002", "4150", None, None, "RV350")]
    rows += [("subsystem", "8086", "1533", *ids, "RV350 board") for ids in (("1002", "4150"), ("1002", "4151"))]
    ids = {"pci": id_rows(rows, "pci")}
    hardware, entities = hardware_of(ids, MODULES)
    paths = [text.path for text in made(ids, MODULES, hardware, entities)]
    assert "subsystem/8086:1533/1002:4151" in paths
    assert "subsystem/8086:1533/1002:4150" not in paths


def test_parameters_firmware_and_dependencies_of_modules():
    assert answer("parameters/igb").startswith("igb takes 2 parameters:\ndebug (a whole number): Debug level (0=")
    assert answer("parameter/igb/debug").startswith(
        "The parameter debug of igb: Debug level (0=none,...,16=all). It takes a whole number. Set it with: modprobe "
    )
    assert "options igb debug=VALUE" in answer("parameter/igb/debug")
    assert "parameter/igb/max_vfs" not in TEXTS
    assert "radeon/R300_cp.bin" in answer("firmware/radeon")
    assert answer("firmware-file/radeon/R300_cp.bin").startswith("The radeon kernel module asks for")
    assert json.loads(TEXTS["firmware-file/radeon/R300_cp.bin"].item)["intent"] == "TROUBLESHOOT"
    assert "depends on i2c-algo-bit and dca" in answer("depends/igb")


def test_firmware_of_a_device_is_named_only_where_its_module_has_little_of_it():
    for files, said in ((["a.fw", "b.fw"], "It may ask for firmware: a.fw and b.fw."), (list("abc"), "modinfo -F")):
        modules = [module("m", "drivers/m", "pci:v00008086d00001533sv*sd*bc*sc*i*", firmware=files)]
        hardware, entities = hardware_of(IDS, modules)
        texts = {text.path: text.text for text in made(modules=modules, hardware=hardware, entities=entities)}
        found = texts["driver/PCI/8086:1533"]
        assert said in found and ("modinfo -F" in found) == (len(files) > 2)


def test_revisions_of_a_usb_device_and_no_driver_that_only_tests():
    release = "usb:v0B95p1790d0100dc*dsc*dp*ic*isc*ip*in*"
    modules = [module("some", "drivers/usb/s", release), module("usbtest", "drivers/usb/misc", release)]
    hardware, entities = hardware_of(IDS, modules)
    texts = {text.path: text.text for text in made(modules=modules, hardware=hardware, entities=entities)}
    assert "The some module drives some revisions of USB device 0b95:1790" in texts["driver/USB/0b95:1790"]
    assert "The kernel drives some revisions of it with: some." in texts["identify/USB/0b95:1790"]
    assert not any("usbtest" in text for path, text in texts.items() if path.startswith(("driver/", "identify/")))


def test_a_module_that_says_nothing_is_asked_about_only_by_what_asks_for_it():
    modules = [
        module("lib80211", "net/wireless"),
        module("ipw", "drivers/net/ipw", depends=["lib80211"]),
        module("ufs", "fs/ufs", "fs-ufs"),
        module("rc_keys", "drivers/media/rc/keymaps", parameters=[("x", "(int)"), ("y", "")]),
    ]
    hardware, entities = hardware_of(IDS, modules)
    texts = {text.path: text.text for text in made(modules=modules, hardware=hardware, entities=entities)}
    assert "These modules need it: ipw." in texts["module/lib80211"]
    assert "The kernel asks for it by the name fs-ufs." in texts["module/ufs"]
    assert "module/rc_keys" not in texts and "module/ipw" not in texts
    assert "rc_keys takes 2 parameters:\nx (a whole number)\ny\n" in texts["parameters/rc_keys"]
    assert not any(path.startswith("parameter/") for path in texts)


def test_a_firmware_file_of_two_split_groups_is_not_asked_about():
    modules = [module("a", "drivers/a", firmware=["x.fw"]), module("b", "drivers/b", firmware=["x.fw"])]
    hardware, entities = hardware_of(IDS, modules)
    paths = [text.path for text in made(modules=modules, hardware=hardware, entities=entities)]
    assert "firmware/a" in paths and not any(path.startswith("firmware-file/") for path in paths)


def test_packages_and_log_templates():
    assert "apt install coreutils" in answer("install/coreutils")
    assert answer("log-template/t1").startswith("sshd logs it: Received disconnect from <*>")
    assert "log-template/t2" not in TEXTS


def test_a_question_is_in_the_split_group_of_what_it_is_about():
    asked = ("driver/PCI/8086:1533", "identify/PCI/8086:1533", "subsystem/8086:1533/103c:0003")
    assert {TEXTS[path].split_group for path in asked} == {ENTITIES.of_device(Device("pci", "8086", "1533"))}
    assert TEXTS["module/igb"].split_group == IGB
    for path, text in TEXTS.items():
        for found in DEVICE.findall(text.text):
            device = Device("usb" if "/USB/" in path else "pci", *found.split(":"))
            if device in HARDWARE.names and not path.startswith("unknown/"):
                assert text.split_group == ENTITIES.of_device(device), path


def test_refusals_are_for_ids_in_no_table():
    unknown = {path: text for path, text in TEXTS.items() if path.startswith("unknown/")}
    assert len(unknown) == 2 * refusals.UNKNOWN_DEVICES
    for path, text in unknown.items():
        device = path.rpartition("/")[2]
        assert text.text.endswith(f"\nAnswer: Unknown device [{device}]")
        assert not any(str(known) == device for known in (*HARDWARE.names, *HARDWARE.drivers))


def test_other_subjects_have_one_answer():
    answers = {text.text.partition("\nAnswer: ")[2] for path, text in TEXTS.items() if path.startswith("off-topic/")}
    assert len(answers) == 1


def test_paths_are_unique_and_the_texts_the_same_each_time():
    texts = made(files=FILES, templates=TEMPLATES, seed=7)
    assert texts == list(TEXTS.values())
    assert len({(text.source, text.path) for text in texts}) == len(texts)
    assert {json.loads(text.item)["intent"] for text in texts} == {
        *("HARDWARE_IDENTIFY", "DRIVER_SELECT", "INSTALL_CONFIGURE", "APP_INSTALL", "SYSTEM_MANAGE", "TROUBLESHOOT")
    }


HEX = st.text("0123456789abcdef", min_size=4, max_size=4)
NAME = st.text(st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="{}"), min_size=1, max_size=30)


@settings(max_examples=dear(0.25))
@given(st.lists(st.tuples(HEX, HEX, NAME, st.sampled_from("abcde"), st.booleans()), max_size=8))
def test_ids_and_drivers_in_answers_are_in_the_tables(devices):
    rows = [("vendor", vendor, None, None, None, "V") for vendor in sorted({device[0] for device in devices})]
    rows += [("device", vendor, device, None, None, name) for vendor, device, name, *_ in devices]
    aliases = {name: [] for name in "abcde"}
    for vendor, device, _, name, partly in devices:
        board = "00001028" if partly else "*"
        aliases[name].append(f"pci:v0000{vendor.upper()}d0000{device.upper()}sv{board}sd*bc*sc*i*")
    modules = [module(f"mod_{name}", f"drivers/{name}", *found) for name, found in aliases.items()]
    ids = {"pci": id_rows(rows, "pci")}
    hardware, entities = hardware_of(ids, modules)
    known = {str(device) for device in hardware.names}
    text_of_names = " ".join(hardware.names.values())
    for text in made(ids, modules, hardware, entities):
        said = text.text.partition("\nAnswer: ")[2]
        if "Unknown device" in said:
            assert not set(DEVICE.findall(said)) & known
            continue
        assert all(found in known or found in text_of_names for found in DEVICE.findall(said))
        assert set(re.findall(r"modprobe (?:-r )?(mod_\w+)", said)) <= {row["module"] for row in modules}
        if text.path.startswith("driver/"):
            device = Device("pci", *text.path.removesuffix(".2").rpartition("/")[2].split(":"))
            assert set(re.findall(r"\bmod_[a-e]\b", said)) == set(hardware.drivers[device])


def test_all_drivers_of_a_usb_device_are_loaded_and_one_of_a_pci_device():
    modules = [module(name, f"drivers/x/{name}", "usb:v0B95p1790d*dc*dsc*dp*ic*isc*ip*in*") for name in ("a_x", "b_x")]
    hardware, entities = hardware_of(IDS, modules)
    by_name = {row["module"]: row for row in modules}
    for make in (drivers, drivers_by_name):
        for text in make(hardware, by_name, entities, ORIGINS["modules"]):
            assert "Each drives one of its interfaces or revisions, and the kernel loads both." in text.text
            assert text.text.endswith("By hand: modprobe -a a_x b_x")
            assert json.loads(text.item)["next_action"] == "modprobe -a a_x b_x"
    assert answer("driver/PCI/1002:4150").endswith("Load one of them with: modprobe radeon")
