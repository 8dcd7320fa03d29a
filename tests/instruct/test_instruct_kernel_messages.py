from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.instruct.kernel_messages import noted, placed, questions_about
from kslm.instruct.shown import shown, skeleton
from kslm.kinds import C
from kslm.knowledge.entities import build
from questions_world import document

MODULES = [
    {"module": name, "path": f"kernel/drivers/net/{folder}/{name}.ko", "aliases": [], "depends": []}
    for name, folder in (("igb", "igb"), ("tun", "tun"), ("tap", "tun"))
]
MAKEFILES = {
    "drivers/net/igb/Makefile": "obj-$(CONFIG_IGB) += igb.o\nigb-y := main.o hw.o\n",
    "drivers/net/tun/Makefile": "obj-$(CONFIG_TUN) += tun.o\nobj-$(CONFIG_TAP) += tap.o\n",
    "drivers/clk/Makefile": "obj-$(CONFIG_CLK_ARM) += arm.o\nobj-y += core.o\n",
}
ENTITIES = build(MODULES, {}, MAKEFILES)


def note(path: str, text: str) -> str | None:
    row = document("c", path, text)
    return noted(row, C.parse(row))


def asked(files: dict[str, str]) -> list[tuple[str, str]]:
    """Question and answer of the message in these files."""
    found = [document("c", path, text) | {"note": said} for path, text in files.items() if (said := note(path, text))]
    places = [(like, place) for row in found for like, place in placed(row)]
    assert len({like for like, _ in places}) == 1
    texts = questions_about(sorted(place for _, place in places), ENTITIES)
    pairs = [text.text.removeprefix("Question: ").split("\nAnswer: ") for text in texts]
    return sorted({(question, answer) for question, answer in pairs})


def answers(files: dict[str, str]) -> set[str]:
    return {answer for _, answer in asked(files)}


NVM = 'dev_err(dev, "The NVM Checksum Is Not Valid\\n");'


def test_a_driver_is_asked_for_where_the_makefile_names_one() -> None:
    for question, answer in asked({"drivers/net/igb/main.c": NVM}):
        assert answer == "The igb driver prints it, in drivers/net/igb/main.c, at level err."
        assert "The NVM Checksum Is Not Valid" in question
        assert re.search("driver|module|Who", question)


def test_other_code_is_asked_about_by_place() -> None:
    option, fixed, unknown = (asked({path: NVM}) for path in ("drivers/clk/arm.c", "drivers/clk/core.c", "mm/x.c"))
    place = "The kernel prints it in {}, at level err."
    assert {answer for _, answer in option} == {
        f"{place.format('drivers/clk/arm.c')} That file is built when CONFIG_CLK_ARM is set."
    }
    assert {answer for _, answer in fixed} == {
        f"{place.format('drivers/clk/core.c')} That is always built into the kernel."
    }
    assert {answer for _, answer in unknown} == {place.format("mm/x.c")}
    assert not any("driver" in question for question, _ in option + fixed + unknown)


def test_what_stands_in_some_files_names_them_all() -> None:
    both = {"drivers/net/igb/main.c": NVM, "drivers/net/igb/hw.c": 'e_err("The NVM checksum is not valid.\\n");'}
    assert answers(both) == {
        "The igb driver prints it, in drivers/net/igb/hw.c and drivers/net/igb/main.c, at level err."
    }


def test_not_headers_programs_or_debugging() -> None:
    assert note("include/linux/x.h", NVM) is None
    assert note("tools/perf/x.c", NVM) is None
    assert note("mm/x.c", 'pr_debug("this is only seen when debugging");') is None


@pytest.mark.parametrize(
    ("format_", "wanted"),
    [
        ("Failed to get the clock", "Failed to get the clock"),
        ("%s: Failed to get the clock", "Failed to get the clock"),
        ("[%s:%d] Failed to get the clock", "Failed to get the clock"),
        ("Failed to get the clock: %s", "Failed to get the clock"),
        ("Failed to get the clock (%pOF)", "Failed to get the clock"),
        ("100%% of the space is gone", "100% of the space is gone"),
        ("Failed to get %s clock now", None),
        ("looping? Too many records seen from '%s'", None),
        ("ACARD PCI Ultra Host Adapter: IO:%lx, IRQ:%d", "ACARD PCI Ultra Host Adapter"),
        ("Failed creating option object class:type:len = 0x", None),
        ("console index of the port:", None),
        ("waiting for the (last one", None),
        ("a %d b %d c %d d %d e", None),
        ("too short", None),
        ("Failed to get the clock - %s", "Failed to get the clock"),
        ("Failed to get the clock name=%s", None),
        ("the port is called 0x%016llx here", None),
        ("report your use of this to linux@example.org", None),
        ("and attach the output of this command.", None),
    ],
)
def test_messages_are_whole(format_: str, wanted: str | None) -> None:
    found = shown(format_)
    if wanted == "ACARD PCI Ultra Host Adapter":
        assert found and re.fullmatch(r"ACARD PCI Ultra Host Adapter: IO:[0-9a-f]+, IRQ:\d+", found)
    else:
        assert found == wanted


@pytest.mark.parametrize(
    ("format_", "pattern"),
    [
        ("failed to enable the clock: %d", r"failed to enable the clock: -\d+"),
        ("unable to reap the last pid:%d", r"unable to reap the last pid:\d+"),
        ("cannot read the register at 0x%04x", r"cannot read the register at 0x[0-9a-f]{4}"),
        ("found some devices on bus %u here", r"found some devices on bus \d+ here"),
        ("cannot get the reset line: %pe", r"cannot get the reset line: -E[A-Z]+"),
        ("the buffer has %zu bytes left", r"the buffer has \d+ bytes left"),
    ],
)
def test_values_are_plausible_and_stay_the_same(format_: str, pattern: str) -> None:
    found = shown(format_)
    assert found and re.fullmatch(pattern, found)
    assert shown(format_) == found


def test_formats_that_look_alike_in_a_log() -> None:
    assert skeleton("%s: Failed to get clock: %d.") == skeleton("failed to get clock %u")
    assert skeleton("failed to get clock") != skeleton("failed to get reset")


@given(
    st.text()
    | st.lists(st.sampled_from(["%", "%s", "%d: ", "%pe", "%08x", "word ", "(", ")", ": ", "%*ph"])).map("".join)
)
def test_any_format_gives_a_line_or_nothing(format_: str) -> None:
    found = shown(format_)
    assert found is None or (found and "%s" not in found)
    skeleton(format_)
