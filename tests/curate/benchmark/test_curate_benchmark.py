from __future__ import annotations

import json

import pytest

import kslm.lake
from kslm.curate.benchmark.baselines import Guesses
from kslm.curate.benchmark.items import MOST_OF_PAGE, benchmark, ground_truth
from kslm.knowledge.drivers import Device
from kslm.lake.tables import INSTRUCTIONS
from lake_rows import frame, settings_in
from questions_world import (
    ENTITIES,
    HARDWARE,
    IDS,
    MODULES,
    PAGE,
    SYMBOLS,
    asked,
    document,
    hardware_of,
    id_rows,
    module,
)

LAKE = []
RADEON = "drivers/gpu/drm/radeon"
IGB, CARD = ENTITIES.of_device(Device("pci", "8086", "1533")), ENTITIES.of_device(Device("pci", "1002", "4150"))


def instruction(text, split):
    item = json.loads(text.item)
    row = {"kind": item["kind"], "fields": item["fields"], "split": split, "split_group": text.split_group}
    return row | {"fact_table": item["table"], "fact_key": item["key"], "fact_version": text.version}


@pytest.fixture(scope="module", autouse=True)
def lake(tmp_path_factory):
    """Where gold.instructions are looked at."""
    with kslm.lake.open(settings_in(tmp_path_factory.mktemp("home"))) as opened:
        LAKE.append(opened)
        yield
        LAKE.clear()


def rows_of(splits, instructions=()):
    numbered = [row | {"item_id": f"{number:09}"} for number, row in enumerate(instructions)]
    full = [dict.fromkeys(INSTRUCTIONS.columns) | row | {"fields": [*row["fields"].items()]} for row in numbered]
    return benchmark(
        *(HARDWARE, MODULES, IDS, ENTITIES), splits=splits, instructions=frame(LAKE[0], INSTRUCTIONS, full)
    )


def test_items_are_of_the_test_split_alone():
    rows = rows_of({IGB: "test", CARD: "train", ENTITIES.of_device(Device("usb", "0b95", "1790")): "val"})
    assert {row["split_group"] for row in rows} == {IGB}
    assert {row["split"] for row in rows} == {"test"}
    assert rows_of({IGB: "train"}) == []


def test_a_device_is_to_be_named_and_driven():
    rows = {row["prompt"]: row for row in rows_of({IGB: "train", CARD: "test"})}
    named = rows["Question: What is PCI device 1002:4150?\nAnswer:"]
    assert named["answers"] == ["RV350 [Radeon 9550]", "RV350", "Radeon 9550"]
    driven = rows["Question: Which driver does PCI device 1002:4150 (AMD RV350 [Radeon 9550]) need?\nAnswer:"]
    assert driven["answers"] == ["radeon", "radeonfb"]
    assert driven["baselines"] == {
        **{"majority": "igb", "vendor_majority": "igb", "nearest_id": "igb"},
        "name_in_question": "radeon",
    }
    assert (driven["fact_table"], driven["fact_key"]) == ("bronze.modules", "radeon,radeonfb")


def test_firmware_is_to_be_loaded_by_its_module():
    rows = [row for row in rows_of({RADEON: "test"}) if row["task"] == "installation_steps"]
    assert [row["answers"] for row in rows] == [["modprobe radeon"]]
    assert rows[0]["baselines"]["name_in_question"] == "modprobe radeon"


def test_documents_give_commands_options_and_steps():
    pages = asked(document("man", "coreutils/usr/share/man/man1/ls.1", PAGE), ENTITIES)
    symbols = asked(document("kconfig", "drivers/net/ethernet/intel/Kconfig", SYMBOLS), ENTITIES)
    other = PAGE.replace("list", "show").replace("ls", "dir")
    trained = asked(document("man", "dirs/usr/share/man/man1/dir.1", other), ENTITIES)
    found = [instruction(text, "test") for text in (*pages, *symbols)]
    rows = rows_of({}, found + [instruction(text, "train") for text in trained])
    said = {row["prompt"].partition("\n")[0]: row for row in rows}
    page = said['Question: Which command is described as "list directory contents"?']
    assert page["task"] == "command_completion" and page["answers"] == ["ls"]
    assert page["baselines"] == {"most_frequent": "dir"}
    assert page["split_group"] == "man:ls(1)"
    step = said["Question: ls: command not found. How do I install it on Debian?"]
    assert step["answers"] == ["apt install coreutils", "coreutils"]
    assert step["baselines"] == {"most_frequent": "apt install dirs", "name_in_question": "apt install ls"}
    assert said["Question: Which command loads the module that CONFIG_IGB=m builds?"]["answers"] == ["modprobe igb"]


def test_options_and_configuration_files_of_documents():
    text = PAGE + "\n--[no-]sort\n    Put the files in order, or not.\n"
    page = document("man", "git-man/usr/share/man/man1/git-ls.1", text.replace("\nls [", "\ngit ls ["))
    pages = asked(page, ENTITIES)
    files = asked(document("config", "openssh-server/etc/ssh/sshd_config", "Port 22\n"), ENTITIES)
    rows = rows_of({}, [instruction(text, "test") for text in (*pages, *files)])
    said = {row["prompt"].partition("\n")[0]: row for row in rows}
    option = said['Question: Which option of git ls is described as "Put the files in order, or not."?']
    assert option["task"] == "command_completion" and option["answers"] == ["--[no-]sort", "--sort"]
    file = said["Question: Which command installs the Debian package that /etc/ssh/sshd_config is from?"]
    assert file["answers"] == ["apt install openssh-server", "openssh-server"]
    assert file["baselines"]["name_in_question"] == "apt install ssh"


def test_guesses_never_look_at_the_device_itself():
    labels = {
        Device("pci", "8086", "0010"): ["a"],
        Device("pci", "8086", "0020"): ["b"],
        Device("pci", "8086", "0021"): ["b"],
        Device("pci", "1002", "0010"): ["c"],
    }
    guesses = Guesses(labels)
    assert guesses.nearest(Device("pci", "8086", "0010")) == "b"
    assert guesses.nearest(Device("pci", "8086", "0011")) == "a"
    assert guesses.nearest(Device("pci", "8086", "0018")) == "a"
    assert guesses.nearest(Device("pci", "1002", "0010")) == guesses.majority(Device("pci", "1002", "0010")) == "b"
    assert guesses.vendor_majority(Device("pci", "8086", "0020")) == "a"
    assert Guesses({}).nearest(Device("pci", "8086", "0010")) == ""


def test_ground_truth_is_of_one_module_that_vendor_and_device_alone_decide():
    rows = [("vendor", "8086", None, None, None, "Intel")]
    rows += [("device", "8086", device, None, None, f"Device {device}") for device in ("0001", "0002", "0003", "0004")]
    modules = [
        module("a", "drivers/a", "pci:v00008086d00000001sv*sd*bc*sc*i*", "pci:v00008086d00000002sv*sd*bc*sc*i*"),
        module("b", "drivers/b", "pci:v00008086d00000002sv*sd*bc*sc*i*", "pci:v00008086d00000003sv00001028sd*bc*sc*i*"),
        module("c", "drivers/c", "pci:v00008086d00000004sv*sd*bc02sc00i*", "pci:v00008086d00000005sv*sd*bc*sc*i*"),
    ]
    hardware, _ = hardware_of({"pci": id_rows(rows, "pci")}, modules)
    assert [str(device) for device in ground_truth(hardware, modules)] == ["8086:0001"]


def commands_of(pages):
    """The options and commands asked about, of (name, split, options) with an option's description."""
    found = []
    for name, split, described in pages:
        told = "".join(f"\n{option}\n    {said}\n" for option, said in described)
        page = PAGE.replace("ls", name).replace("list directory contents", f"does what only {name} does") + told
        texts = asked(document("man", f"x/usr/share/man/man1/{name}.1", page), ENTITIES)
        found += [instruction(text, split) for text in texts]
    return {
        row["answers"][0] for row in rows_of({}, found) if row["task"] == "command_completion" and row["answers"][0]
    }


def test_an_option_is_not_asked_for_in_the_words_of_a_training_page():
    same, other = ("--nolocking", "Do without the locks of the file."), ("--sorted", "Put the files into an order.")
    asked = commands_of([("lvs", "test", [same, other]), ("vgs", "train", [same])])
    assert "--sorted" in asked and "--nolocking" not in asked
    assert "--nolocking" in commands_of(
        [("lvs", "test", [same]), ("vgs", "train", [(same[0], "Lock nothing at all.")])]
    )


def test_a_description_that_tells_nothing_is_not_asked_about():
    vague = [
        ("--flag", "Takes a boolean argument and more."),
        ("--old", "Ignored for compatibility."),
        ("-q", "Be quiet."),
    ]
    assert not commands_of([("lvs", "test", vague)]) & {"--flag", "--old", "-q"}


def test_no_page_is_much_of_a_task():
    options = [(f"--option-{number}", f"Set the number {number} of them.") for number in range(MOST_OF_PAGE + 5)]
    assert len(commands_of([("lvs", "test", options)])) == MOST_OF_PAGE


def test_a_module_is_loaded_by_either_spelling():
    symbols = SYMBOLS.replace("called igb", "called gpio-bd7_x")
    found = [
        instruction(text, "test")
        for text in asked(document("kconfig", "drivers/net/ethernet/intel/Kconfig", symbols), ENTITIES)
    ]
    answers = [row["answers"] for row in rows_of({}, found) if "CONFIG_IGB=m" in row["prompt"]]
    assert answers == [["modprobe gpio-bd7_x", "modprobe gpio_bd7_x", "modprobe gpio-bd7-x"]]
