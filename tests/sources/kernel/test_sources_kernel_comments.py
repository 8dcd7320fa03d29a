from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear, repeated
from kslm.sources.kernel.comments import extract, without_header

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
        "foo_probe - find the adapter\n@dev: the device\n\n  indented example\n\nReturn: 0 or a negative errno.\n"
        "static int foo_probe(struct device *dev)\n\n"
        "char c = '\"': a quote character\nx = 1: first half second half\ny = 2: a quote character\n\n"
        "Interrupt handling"
    )


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("", ""),
        ("int x;", ""),
        ("/* unterminated comment here", "unterminated comment here"),
        ("#error don't do that /* really not */\n\"unterminated // string\n/* after it */",
         "#error don't do that: really not\nafter it"),
        ('a = "\\"/* inside string */"; /* outside it */', r'a = "\"/* inside string */": outside it'),
        ("a = '\\''; b = '\"'; // two chars", "a = '\\''; b = '\"': two chars"),
        ("/**/ /***/ /* end */ /* 0x12 34 */", ""),
        ("mov r0, r1 // copy the register\n#ifdef A /* only on A */",
         "mov r0, r1: copy the register\n#ifdef A: only on A"),
        ("/* Permission is hereby granted under this license */", ""),
        ("/* x = read_it(dev, 3); */ /* goto out; */ /* #define FOO 1 */ /* struct foo *bar; */", ""),
        ("/* waits for (at most) one frame; */ /* #1 is the best */", "waits for (at most) one frame;\n#1 is the best"),
        ("/*\n * if (a) {\n *\tb = c;\n *\treturn d;\n * }\n */ /* after it */", "after it"),
        ("/*\n * Sets it first, then:\n *\tb = c;\n * as told by the manual\n * of the chip\n */",
         "Sets it first, then:\nb = c;\nas told by the manual\nof the chip"),
        ("/*\n * foo.c\n * Author: A B <a@example.org>\n * Drives foo.\n */", "Drives foo."),
        ("/* Fixed by A B <a@example.org> */ /* mail @dev to it */", "mail @dev to it"),
        ("/*-*********\n *  Reading bits\n *  and writing\n ***********/\n"
         "/*! f() :\n *  reads one\n */\n/*! of two words */",
         "Reading bits\n and writing\n\nf() :\n reads one\n\nof two words"),
        ("/*=====  Local constants  =====*/ /* --- a part --- */ /* goes-- is -1 -- */",
         "Local constants\na part\ngoes-- is -1"),
        ("/*****\n ** A box  **\n ** of two  *\n *****/", "A box\nof two"),
        ("/*\n * Twice\n * the same\n */\nint a;\n/*\n * Twice\n * the same\n */", "Twice\nthe same\nint a"),
        ("/**\n * f - checks permission and licence\n *\n * Return: zero;\n */",
         "f - checks permission and licence\n\nReturn: zero;"),
    ],
)  # fmt: skip
def test_corner_cases(source: str, kept: str) -> None:
    assert extract(source) == kept


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("#define TZIC_INTCNTL\t\t0x0000\t/* Control register */", "TZIC_INTCNTL 0x0000: Control register"),
        ("\tu32\tflags;  /* state bits,\n\t\t\t * see below */", "u32 flags: state bits, see below"),
        ("{ 0x01, 0x02 }, /* left channel */", "left channel"),
        ("f(a, /* may sleep */ true);\ng(b /* may not */);", "may not"),
        ("/* an adapter */ { PCI_DEVICE(1, 2) },", "an adapter: { PCI_DEVICE(1, 2) }"),
        ("#include <a.h> /* for its b */\n/* for its c */\n#include <c.h>\n#endif /* not def */\n} /* end it */", ""),
        ("} else { /* not found */", "else: not found"),
        ("/* number of rings */\nint rings;", "number of rings: int rings"),
        ("\t/* reset the chip */\n\twritel(1, base);\n", "reset the chip: writel(1, base)"),
        ("\t/* It needs a reset. */\n\twritel(1, base);\n", "It needs a reset."),
        ("/* all sizes: */\n#define A 1\n#define B  2\n#define C(x) x\n", "all sizes: A 1, B 2, ..."),
        ("/* sizes in KB */\n#define A 1 /* a small one */\n", "sizes in KB\nA 1: a small one"),
        ("/* all sizes */\n#define A 1\n#define B  2\n", "all sizes: A 1, B 2"),
        ("/* all sizes */\n" + "".join(f"#define SIZE_{n} {n}\n" for n in range(9)),
         "all sizes: " + ", ".join(f"SIZE_{n} {n}" for n in range(9))),
        ("/* all sizes */\n" + "".join(f"#define SIZE_{n} {n}\n" for n in range(19)),
         "all sizes: " + ", ".join(f"SIZE_{n} {n}" for n in range(10)) + ", ..."),
        ("/* check odd parity */\n\tif (!(a & 1))\n", "check odd parity"),
        ("/* up to the end */\n\twhile (n--) {\n", "up to the end"),
        ("\tif (!p) { /* not found */\n", "if (!p): not found"),
        ("/* either is bad */\n\tbad(a ||\n\t  b);\nx = (y + /* odd one */\n1);", "either is bad\nodd one"),
        ("/* starts a transfer */\nstatic int f(struct a *b,\n\t     int c)\n{",
         "starts a transfer: static int f(struct a *b, int c)"),
        ("/* fall through */\ncase A:\n/* Do nothing. */\n", ""),
        ("/**\n * f - does it\n */\nint f(struct a *b,\n      int (*c)(int));",
         "f - does it\nint f(struct a *b, int (*c)(int))"),
        ("/*\n * One of\n * two\n */\ntypedef union {", "One of\ntwo"),
        ("/* all names */\nstatic char *names[] = {\n", "all names: static char *names[]"),
        ("/**\n * struct a - one\n */\nstruct a {", "struct a - one"),
        ("/**\n * f - does it\n */\nstatic int\nf(void)\n{", "f - does it\nstatic int f(void)"),
        ("\t/*\n\t * Wait for\n\t * the chip\n\t */\n\treturn wait(chip);", "Wait for\nthe chip"),
        ("/*\n * Size of\n * all\n */\n#define SIZE(x) \\\n\t(x)", "Size of\nall\nSIZE(x)"),
    ],
)  # fmt: skip
def test_a_comment_goes_with_what_it_describes(source: str, kept: str) -> None:
    assert extract(source) == kept


def test_a_header_without_its_notices_has_no_loose_ends() -> None:
    notices = "/*\n * Drives foo, with code from:\n *\n * Copyright A B\n *\n * derived from\n *\n * (c) 2001 C D\n */"
    assert extract(notices) == ""
    credits = "/*\n * Drives foo.\n *\n * Cleaned up by:\n *\tA B <a@example.org>\n *\n * Slowly.\n */"
    assert extract(credits) == "Drives foo.\n\nSlowly."
    fields = "/*\n * Module: foo\n *\n * Export:\n *\n * History:\n *\n * Notes: two words\n *\n * Overview:\n */"
    assert extract(fields) == "Module: foo\n\nNotes: two words"


def test_margin_without_stars_is_stripped() -> None:
    assert extract("/* First line\n   second line\n*/") == "First line\nsecond line"


@pytest.mark.parametrize(
    "piece",
    [
        '"',
        '\\"',
        "'",
        "/*",
        "//",
        "/",
        "*",
        "/* x *",
        '"/*',
        "a'/*",
        "\n",
        "/*\n*",
        "/**",
        '"\\',
        "x /**/ '\"",
        " ",
        "(",
        "a@",
        "a ",
        "# define ",
        "x.",
        "*\n",
        " at ",
        "if (",
        "/*\na b\n*/\nint f(",
        "/* aaa b */ x ",
        "\n#define A 1",
    ],
)
@pytest.mark.parametrize("lead", ["", '"', "/*", "//", "'", "/*\n;#@author "])
def test_time_grows_linearly_on_hostile_input(piece: str, lead: str) -> None:
    assert_linear(repeated(piece, lead), extract, 300_000)


def test_code_keeps_all_but_its_legal_header() -> None:
    code = "int x;\n/* Copyright Office */\nint y;"
    header = "// SPDX-License-Identifier: MIT\n/*\n * Copyright A B\n */\n\n"
    assert without_header(f"{header}{code}\n") == code
    assert without_header(f"int z; {code}") == f"int z; {code}"
    assert without_header("/* what it is */\n/* Copyright */") == "/* what it is */\n/* Copyright */"


@given(st.text(alphabet="ab /*\\\"'\n"))
def test_what_a_string_holds_is_no_comment(text: str) -> None:
    quoted = text.replace("\\", "").replace('"', "").replace("\n", "")
    assert extract(f'x = "{quoted}";') == ""


PIECES = st.sampled_from(
    ["/*", "*/", "//", '"', "'", "\\", "\n", " word", " other word", "*", "/", " ", "\t", "Copyright"]
)


@given(st.lists(PIECES).map("".join) | st.text())
def test_any_text_gives_tidy_text(text: str) -> None:
    kept = extract(text)
    assert len(kept) <= 3 * len(text)
    assert "\n\n\n" not in kept
    assert kept == kept.strip("\n")


@given(st.lists(st.sampled_from(["alpha beta", "gamma delta", "eps zeta"]), unique=True, min_size=1))
def test_every_one_line_comment_comes_back_in_order(lines: list[str]) -> None:
    source = "".join(f'f("/*"); /* {line} */\n' for line in lines)
    assert extract(source) == "\n".join(f'f("/*"): {line}' for line in lines)
