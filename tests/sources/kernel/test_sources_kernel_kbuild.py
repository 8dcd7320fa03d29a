from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear, repeated
from kslm.sources.kernel.kbuild import Built, built, is_makefile


def test_modules_parts_and_options() -> None:
    tree = {
        "drivers/Makefile": "obj-y += base/\nobj-$(CONFIG_NET) += net/ # the network\n",
        "drivers/base/Makefile": "obj-y := core.o\nlib-y += help.o\nCFLAGS_core.o = -I$(src)\n",
        "drivers/net/Makefile": (
            "obj-${CONFIG_TUN} += tun.o\n"
            "obj-$(subst m,y,$(CONFIG_BIG)) += big-card.o\n"
            "big-card-y := main.o \\\n\t$(more)\n"
            "big-card-$(CONFIG_BIG_DEBUG) += debug.o\n"
            "big-card-objs += $(addprefix hw/,reg.o) ../lib/shared.o\n"
            "more = $(dir)/late.o\n"
            "dir := sub\n"
            "ifeq ($(CONFIG_X),y)\nobj-m += test.o\nendif\n"
        ),
    }
    found = built(tree)
    big = Built("big-card", "drivers/net", "BIG", False)
    assert found == {
        "drivers/base/core": Built("core", "drivers/base", None, True),
        "drivers/base/help": Built("help", "drivers/base", None, True),
        "drivers/net/tun": Built("tun", "drivers/net", "TUN", False),
        "drivers/net/main": big,
        "drivers/net/sub/late": big,
        "drivers/net/debug": big._replace(symbol="BIG_DEBUG"),
        "drivers/net/hw/reg": big,
        "drivers/lib/shared": big,
        "drivers/net/test": Built("test", "drivers/net", "NET", False),
    }


def test_included_files_speak_for_the_folder_that_includes_them() -> None:
    tree = {
        "gpu/amd/Makefile": "obj-$(CONFIG_AMD) += amd.o\nP = $(src)/..\ninclude $(P)/kfd/Makefile\namd-y += $(FILES)\n",
        "gpu/kfd/Makefile": "K := ../kfd\nFILES += $(K)/queue.o\n",
    }
    assert built(tree) == {"gpu/kfd/queue": Built("amd", "gpu/amd", "AMD", False)}


def test_a_part_of_two_objects_belongs_to_the_one_that_can_be_a_module() -> None:
    tree = {"d/Makefile": "obj-y += a.o\nobj-$(CONFIG_Z) += z.o\na-y := x.o\nz-y := x.o\n"}
    assert built(tree)["d/x"] == Built("z", "d", "Z", False)


def test_kbuild_goes_before_makefile_and_tools_are_not_the_kernel() -> None:
    assert built({"d/Makefile": "obj-y += a.o", "d/Kbuild": "obj-y += b.o"}) == {"d/b": Built("b", "d", None, True)}
    assert [is_makefile(path) for path in ("Makefile", "fs/Makefile", "tools/Makefile", "fs/Makefile.x")] == [
        *(False, True, False, False)
    ]


@pytest.mark.parametrize(
    "piece",
    ["$(", "$(a", "$(a)", "$(addprefix $(", "a=$(b)$(c)\nb=$(a)$(c)\nc=$(a) $(b)\n", "obj-$(CONFIG_", "\\\n", "a"],
)
@pytest.mark.parametrize("lead", ["", "obj-y = ", "obj-$(", "include "])
def test_time_grows_linearly_on_hostile_input(lead: str, piece: str) -> None:
    make = repeated(piece, lead, "\nobj-y += $(a)\n")
    assert_linear(make, lambda text: built({"d/Makefile": text}), 50_000)


def test_names_that_stand_for_each_other_many_times_over() -> None:
    lines = [f"n{i} = $(n{i + 1}) $(n{i + 1})$(n{i + 1}) x{i}.o" for i in range(2000)]
    assert len(built({"d/Makefile": "obj-y := $(n0)\n" + "\n".join(lines)})) < 10_000


_PIECES = [
    "obj-y",
    "foo-objs",
    "obj-$(CONFIG_A)",
    " += ",
    ":=",
    "foo.o",
    "b/",
    "$(",
    ")",
    "\n",
    "\\\n",
    " ",
    "include ",
    "#",
]


@given(st.lists(st.sampled_from(_PIECES)).map("".join) | st.text())
def test_any_text_gives_paths_and_names(text: str) -> None:
    for path, one in built({"d/Makefile": text}).items():
        assert path
        assert one.folder == "d"
        assert "/" not in one.name


def test_names_that_stand_for_each_other_many_times_over_are_followed_so_far_only() -> None:
    names = [f"n{number}" for number in range(40)]
    lines = [f"{one} := {' '.join(f'$({two})' for two in names if two != one)} {one}.o" for one in names]
    made = built({"d/Makefile": "\n".join([*lines, "obj-y += $(n0)", "obj-y += after.o"])})
    assert 0 < len(made) <= len(names) + 1


def test_the_longest_lists_of_the_tree_are_followed_to_their_end() -> None:
    parts = " ".join(f"p{number}.o" for number in range(3000))
    made = built({"d/Makefile": f"big-y := {parts}\nobj-m += big.o"})
    assert len(made) == 3000
    assert {one.name for one in made.values()} == {"big"}
