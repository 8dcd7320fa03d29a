from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear, repeated
from kslm.sources.kernel.kconfig import ConfigEntry, document, module_called, parse

TEXT = """\
# SPDX-License-Identifier: GPL-2.0
menuconfig NET_VENDOR_FOO
\tbool "Foo \\"big\\" devices"
\tdefault y
\tdepends on PCI && \\
\t\t   !S390 # not there
\tdepends on NET
\thelp
\t  If you have a Foo card, say Y.

\t    config NOT_AN_ENTRY

\t  Second paragraph.

if NET_VENDOR_FOO

config FOO
\ttristate
\tprompt 'Foo adapter'
\tselect CRC32
---help---
  The module will be called foo.
config FOO_DEBUG
\tdef_bool y

choice
\tprompt "Which one"
\thelp
\t  Not of a symbol.

config BAR
\tint "Bar" if EXPERT
\trange 0 10
\thelp

endchoice
endif
"""


INSIDE = {"around": ("NET_VENDOR_FOO",)}


def test_entries_with_their_types_prompts_dependencies_and_help() -> None:
    assert list(parse(TEXT)) == [
        ConfigEntry(
            "NET_VENDOR_FOO",
            "bool",
            'Foo "big" devices',
            "If you have a Foo card, say Y.\n\n  config NOT_AN_ENTRY\n\nSecond paragraph.",
            ("PCI && !S390", "NET"),
            2,
        ),
        ConfigEntry(
            "FOO", "tristate", "Foo adapter", "The module will be called foo.", (), 17, **INSIDE, selects=("CRC32",)
        ),
        ConfigEntry("FOO_DEBUG", "bool", None, None, (), 23, **INSIDE),
        ConfigEntry("", "", "Which one", "Not of a symbol.", (), 26, is_choice=True, **INSIDE),
        ConfigEntry("BAR", "int", "Bar", None, (), 31, **INSIDE, offered="EXPERT"),
    ]


def test_menus_around_an_entry() -> None:
    inner = 'menu "B"\nchoice C\n\tbool "c"\nendchoice\nendmenu\n'
    text = f'menu "A"\nconfig X\n\tbool\n{inner}config Y\nendmenu\nendmenu\nconfig Z'
    found = [(entry.name, entry.menus, entry.is_choice) for entry in parse(text)]
    assert found == [("X", ("A",), False), ("C", ("A", "B"), True), ("Y", ("A",), False), ("Z", (), False)]


BLOCKS = """\
config OUTSIDE
menu "Thermal"
\tdepends on THERMAL
\tvisible if EXPERT
config BEFORE
comment "Nothing to see"
\tdepends on NEVER
if (A||B) # not there
config MTK
\tdepends on ARCH_MTK ||COMPILE_TEST
\tdepends on HAS_IOMEM
\tdepends on NVMEM || NVMEM=n
\tselect REGMAP if I2C
\tselect CRC32 # for sums
choice
\tprompt "Which" if EXPERT
\tdepends on C || D
config ONE
\tdepends on C || D
endchoice
endif
config AFTER
endmenu
config LAST
\tdepends on X || Y
config NEWER
\tdepends on X if Y
\tdepends on Z
"""


def test_what_blocks_ask_for_is_asked_of_each_entry_in_them() -> None:
    entries = {entry.name: entry for entry in parse(BLOCKS)}
    assert {name: entry.symbol.requires for name, entry in entries.items()} == {
        "OUTSIDE": "",
        "BEFORE": "THERMAL",
        "MTK": "THERMAL && (A || B) && (ARCH_MTK || COMPILE_TEST) && HAS_IOMEM && (NVMEM || NVMEM=n)",
        "": "THERMAL && (A || B) && (C || D)",
        "ONE": "THERMAL && (A || B) && (C || D)",
        "AFTER": "THERMAL",
        "LAST": "X || Y",
        "NEWER": "(X if Y) && Z",
    }
    assert entries["MTK"].selects == ("REGMAP if I2C", "CRC32")
    assert (entries[""].prompt, entries[""].offered, entries["ONE"].offered) == ("Which", "EXPERT", None)


def test_a_block_that_is_not_ended_ends_with_the_one_around_it() -> None:
    text = 'menu "m"\nif A\nchoice\nendmenu\nconfig X\nendif\nconfig Y\nif B\nconfig Z'
    assert [(entry.name, entry.symbol.requires) for entry in parse(text)][1:] == [("X", ""), ("Y", ""), ("Z", "B")]


def test_an_entry_as_a_document() -> None:
    entry = next(parse('menu "M"\nconfig A\n\ttristate "a" if B\n\tdepends on C\n\tselect D\n\thelp\n\t  A.\n'))
    assert document(entry.symbol, "arch/mips/Kconfig") == (
        "CONFIG_A: a\nFor the architecture mips. In the menu M. Type tristate: y (built in), m (a module) or n. "
        "Depends on C. Offered only with B. Selects D.\nA."
    )
    assert document(next(parse('choice\n\tprompt "p"\n\tbool\n')).symbol, "arch/Kconfig") == "Choice: p"
    assert document(next(parse('config A\n\tbool "a"\n')).symbol, "arch/arm/Kconfig") == "CONFIG_A: a"
    called = ConfigEntry("B", "", None, "The module will be called b.", (), 1)
    assert document(called.symbol, "init/Kconfig") == "CONFIG_B\nIts module is b.\nThe module will be called b."


@pytest.mark.parametrize(
    ("help_text", "module"),
    [
        ("The module will be called e1000e.", "e1000e"),
        ("choose M here: the module will be\ncalled snd-foo.ko", "snd-foo"),
        ("If you choose to build a module, it'll be called rtc_x.", "rtc_x"),
        ("which will be compiled as a module, it is called `b-c'", "b-c"),
        ("The module is named foo_bar", "foo_bar"),
        ("This is called from a module.", None),
        ("the module will be called after its chip", None),
        ("", None),
    ],
)
def test_name_of_the_module(help_text: str, module: str | None) -> None:
    assert module_called(help_text) == module
    assert ConfigEntry("A", "", None, help_text, (), 1).symbol.module == module


def test_help_without_indentation_is_empty_and_what_follows_is_still_read() -> None:
    entries = list(parse('config A\n\thelp\nconfig B\n\tbool "b"\n'))
    assert [(e.name, e.help, e.prompt) for e in entries] == [("A", None, None), ("B", None, "b")]


def test_windows_line_ends_are_read() -> None:
    entries = list(parse('config A\r\n\tbool "a"\r\n\thelp\r\n\t  Text.\r\n'))
    assert entries == [ConfigEntry("A", "bool", "a", "Text.", (), 1)]


@pytest.mark.parametrize(
    ("lead", "piece", "end"),
    [
        ('config A\n\tbool "', '\\"', ""),
        ("config A\n", "x\\\n", ""),
        ("", "\t", ""),
        ("config A\n depends on ", " #", '"'),
    ],
)
def test_time_grows_linearly_on_hostile_input(lead: str, piece: str, end: str) -> None:
    make = repeated(piece, lead, end)
    assert len(list(parse(make(1_000_000)))) <= 1
    assert_linear(make, lambda text: list(parse(text)), 1_000_000)


LINES = [
    "config A",
    "menuconfig B",
    "choice",
    'menu "m"',
    "endmenu",
    "\tbool 'x'",
    "\thelp",
    "\t  text",
    "  config C",
    "if A || B",
    "endif",
    "\\",
    "\tdepends on A",
    "",
]


@given(st.lists(st.sampled_from(LINES)).map("\n".join) | st.text())
def test_any_text_gives_entries_in_order(text: str) -> None:
    entries = list(parse(text))
    lines = [entry.line for entry in entries]
    assert lines == sorted(set(lines))
    for entry in entries:
        assert entry.name in text
        assert document(entry.symbol, "arch/x86/Kconfig").strip()
        assert entry.help is None or entry.help.strip("\n") == entry.help != ""


@given(st.text(alphabet="abc \n.", min_size=1).filter(lambda text: text.strip()))
def test_any_help_text_comes_back(text: str) -> None:
    lines = [line.rstrip() for line in text.strip("\n ").split("\n")]
    source = "config A\n\thelp\n" + "".join(f"\t  {line}\n" if line else "\n" for line in lines) + "\nendmenu\n"
    assert next(parse(source)).help == "\n".join(lines)


ATOMS = st.sampled_from(["A", "!B", "C"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.tuples(inner, st.sampled_from([" || ", "&&", " ||", "&& "]), inner, st.booleans()).map(
        lambda parts: f"({''.join(parts[:3])})" if parts[3] else "".join(parts[:3])
    ),
    max_leaves=5,
)


def is_true(expression: str, given_true: frozenset[str]) -> bool:
    words = expression.replace("||", " or ").replace("&&", " and ").replace("!", " not ")
    return bool(eval(words, {name: name in given_true for name in "ABC"}))


@given(st.lists(EXPRESSIONS, min_size=3, max_size=3), st.frozensets(st.sampled_from("ABC")))
def test_what_is_required_is_all_that_is_asked_for(asked: list[str], given_true: frozenset[str]) -> None:
    text = 'if {}\nmenu "m"\ndepends on {}\nconfig X\ndepends on {}'.format(*asked)
    (entry,) = parse(text)
    assert is_true(entry.symbol.requires, given_true) == all(is_true(one, given_true) for one in asked)
