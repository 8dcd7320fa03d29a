from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.kconfig import ConfigEntry, module_called, parse

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
        ConfigEntry("FOO", "tristate", "Foo adapter", "The module will be called foo.", (), 17),
        ConfigEntry("FOO_DEBUG", "bool", None, None, (), 23),
        ConfigEntry("", "", "Which one", "Not of a symbol.", (), 26, is_choice=True),
        ConfigEntry("BAR", "int", "Bar", None, (), 31),
    ]


def test_menus_around_an_entry() -> None:
    inner = 'menu "B"\nchoice C\n\tbool "c"\nendchoice\nendmenu\n'
    text = f'menu "A"\nconfig X\n\tbool\n{inner}config Y\nendmenu\nendmenu\nconfig Z'
    found = [(entry.name, entry.menus, entry.is_choice) for entry in parse(text)]
    assert found == [("X", ("A",), False), ("C", ("A", "B"), True), ("Y", ("A",), False), ("Z", (), False)]


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
    assert ConfigEntry("A", "", None, help_text, (), 1).module == module


def test_help_without_indentation_is_empty_and_what_follows_is_still_read() -> None:
    entries = list(parse('config A\n\thelp\nconfig B\n\tbool "b"\n'))
    assert [(e.name, e.help, e.prompt) for e in entries] == [("A", None, None), ("B", None, "b")]


def test_windows_line_ends_are_read() -> None:
    entries = list(parse('config A\r\n\tbool "a"\r\n\thelp\r\n\t  Text.\r\n'))
    assert entries == [ConfigEntry("A", "bool", "a", "Text.", (), 1)]


def test_time_grows_linearly_on_hostile_input() -> None:
    started = time.process_time()
    for text in ("config A\n\tbool \"" + "\\\"" * 500_000, "config A\n" + "x\\\n" * 300_000, "\t" * 1_000_000,
                 "config A\n depends on " + " #" * 500_000 + '"'):  # fmt: skip
        assert len(list(parse(text))) <= 1
    assert time.process_time() - started < 3


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
        assert entry.help is None or entry.help.strip("\n") == entry.help != ""


@given(st.text(alphabet="abc \n.", min_size=1).filter(lambda text: text.strip()))
def test_any_help_text_comes_back(text: str) -> None:
    lines = [line.rstrip() for line in text.strip("\n ").split("\n")]
    source = "config A\n\thelp\n" + "".join(f"\t  {line}\n" if line else "\n" for line in lines) + "\nendmenu\n"
    assert next(parse(source)).help == "\n".join(lines)
