from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.kconfig import ConfigEntry, parse

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
        ConfigEntry("BAR", "int", "Bar", None, (), 31),
    ]


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
