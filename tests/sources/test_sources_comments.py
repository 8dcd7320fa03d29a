from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.comments import extract

DRIVER = """\
// SPDX-License-Identifier: GPL-2.0
/*
 * foo.c - driver for the Foo adapter
 *
 * Copyright (C) 2001 Somebody <some@example.org>
 *
 * This program is free software; you can redistribute it and/or modify
 * it under the terms of the GNU General Public License.
 *
 * It answers on two ports.
 */
#include <linux/module.h> /* yes */

/**
 * foo_probe - find the adapter
 * @dev: the device
 *
 *   indented example
 *
 * Return: 0 or a negative errno.
 */
static int foo_probe(struct device *dev)
{
\tprintk("no /* comment */ here // nor here\\n");
\tchar c = '"'; /* a quote character */
\tx = 1; // first half
\t       // second half
\ty = 2; /* a quote character */
}
/*
 **************************
 * Interrupt handling
 **************************
 */
"""


def test_prose_is_kept_and_licence_code_banners_and_repetitions_are_not() -> None:
    assert extract(DRIVER) == (
        "foo.c - driver for the Foo adapter\n\nIt answers on two ports.\n\n"
        "foo_probe - find the adapter\n@dev: the device\n\n  indented example\n\nReturn: 0 or a negative errno.\n\n"
        "a quote character\n\nfirst half\nsecond half\n\nInterrupt handling"
    )


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("", ""),
        ("int x;", ""),
        ("/* unterminated comment here", "unterminated comment here"),
        ("#error don't do that /* really not */\n\"unterminated // string\n/* after it */", "really not\nafter it"),
        ('a = "\\"/* inside string */"; /* outside it */', "outside it"),
        ("a = '\\''; b = '\"'; // two chars", "two chars"),
        ("/**/ /***/ /* end */ /* 0x12 34 */", ""),
        ("mov r0, r1 // copy the register\n#ifdef A /* only on A */", "copy the register\nonly on A"),
        ("/* Permission is hereby granted under this license */", ""),
    ],
)
def test_corner_cases(source: str, kept: str) -> None:
    assert extract(source) == kept


def test_margin_without_stars_is_stripped() -> None:
    assert extract("/* First line\n   second line\n*/") == "First line\nsecond line"


@pytest.mark.parametrize(
    "piece", ['"', '\\"', "'", "/*", "//", "/", "*", "/* x *", '"/*', "a'/*", "\n", "/*\n*", "/**", '"\\', "x /**/ '\""]
)
@pytest.mark.parametrize("lead", ["", '"', "/*", "//", "'"])
def test_time_grows_linearly_on_hostile_input(piece: str, lead: str) -> None:
    text = lead + piece * (300_000 // len(piece))
    started = time.process_time()
    extract(text)
    assert time.process_time() - started < 1.5


PIECES = st.sampled_from(
    ["/*", "*/", "//", '"', "'", "\\", "\n", " word", " other word", "*", "/", " ", "\t", "Copyright"]
)


@given(st.lists(PIECES).map("".join) | st.text())
def test_any_text_gives_tidy_text(text: str) -> None:
    kept = extract(text)
    assert len(kept) <= 2 * len(text)
    assert "\n\n\n" not in kept
    assert kept == kept.strip("\n")


@given(st.lists(st.sampled_from(["alpha beta", "gamma delta", "eps zeta"]), unique=True, min_size=1))
def test_every_one_line_comment_comes_back_in_order(lines: list[str]) -> None:
    assert extract("".join(f'f("/*"); /* {line} */\n' for line in lines)) == "\n".join(lines)
