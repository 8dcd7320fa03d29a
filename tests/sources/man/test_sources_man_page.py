from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear, repeated
from kslm.sources.man import page as man

MAN = r""".\" a comment
'\" t
.de XX
not printed
..
.TH FOO 8 2024-01-01 "Foo 1.0"
.SH NAME
foo \- frobnicate \(lqbars\(rq
.SH SYNOPSIS
.B foo
.RI [ options ]
.IR file \|.\|.\|.
.SH
DESCRIPTION
First line
second line with \fBbold\fP and \fI\,it\/alic\fR,
it\(aqs a back\eslash.
.PP
.ie t .B not here
.el but here
.TP
.BR \-v ", " \-\-verbose
Be loud.
.RS
.IP \(bu 2
point
.RE
.TP
.B \-q
Be quiet; see
.BR printf (3).
.nf
  int x;
    int y;
.fi
.TS
tab(|) box;
l l.
Name|Value
_
a|T{
long
text
T}
.TE
.UR https://example.org/
the site
.UE .
"""

MDOC = r""".Dd January 1, 2020
.Dt FOO 4
.Os
.Sh NAME
.Nm foo
.Nd Foo network driver
.Sh SYNOPSIS
.Nm
.Op Fl av
.Op Fl o Ar option Ns = Ns Ar value
.Ar
.In sys/foo.h
.Ft int
.Fn foo_open "const char *name" "int flags"
.Fo foo_close
.Fa "int fd"
.Fa "int how"
.Fc
.Sh DESCRIPTION
The
.Nm
driver runs on
.Fx 4.0 ,
see
.Xr ifconfig 8 .
.Bl -tag -width indent
.It Fl a
All of them.
.It Ev PATH
Where to look
.Pq see below .
.El
.Bl -bullet
.It
first
.It
second
.El
.Bd -literal
  keep   this
.Ed
.Oo
.Fl x
.Oc
"""


def read(raw: bytes, title: str = "x(1)") -> str:
    return man.render(man.decode(raw, "x.1").text, title)


def test_man_page_reads_as_text() -> None:
    assert read(MAN.encode(), "foo(8)") == (
        "FOO(8)\n\nNAME\nfoo - frobnicate “bars”\n\nSYNOPSIS\nfoo [options] file...\n\nDESCRIPTION\n"
        "First line second line with bold and italic, it's a back\\slash.\n\nbut here\n\n"
        "-v, --verbose\n    Be loud.\n\n    • point\n\n"
        "-q\n    Be quiet; see printf(3).\n      int x;\n        int y;\n\n"
        "    Name  Value\n    a  long text\n\n    the site <https://example.org/>."
    )


def test_mdoc_page_reads_as_text() -> None:
    assert read(MDOC.encode(), "foo(4)") == (
        "FOO(4)\n\nNAME\nfoo - Foo network driver\n\n"
        "SYNOPSIS\nfoo [-av] [-o option=value] file ...\n#include <sys/foo.h>\n"
        "int foo_open(const char *name, int flags);\nfoo_close(int fd, int how);\n\n"
        "DESCRIPTION\nThe foo driver runs on FreeBSD 4.0, see ifconfig(8).\n\n"
        "-a\n    All of them.\n\nPATH\n    Where to look (see below).\n\n"
        "• first\n\n• second\n\n  keep   this\n\n[-x]"
    )


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (b".so man2/open.2\n", ""),
        (b"", ""),
        (b"caf\xe9", "caf\u00e9"),
        (b"caf\xc3\xa9 \\(:o \\[u20AC] \\[uD800]x", "caf\u00e9 \u00f6 \u20ac x"),
        (b'.ds Pr "Product\nthe \\*(Pr here', "the Product here"),
        (b".if n \\{\\\n.B yes\n.\\}\n.if t \\{\\\nno\n.\\}\nend", "yes end"),
        (b".I \"two words\" three\\ four", "two words three four"),
        (b".de XY\n\\fB\\\\$1\\fP of \\\\$*\n..\n.als ZZ XY\n.XY a b\n.ZZ c", "a of a b c of c"),
        (b".de XX\n.XX\n.XX\n..\n.XX\nend", "end"),
        (b"one \\\ntwo\n.BR a \\\n( 1 )", "one two a(1)"),
        (b"ends in \\e\n.B \\\\", "ends in \\ \\"),
        (b".Dt X 2\n.Fo f\n.Fa a b\n.Fa c\n.Fc\nand\n.Fa x\nor\n.Fa y .", "X(2)\n\nf(a, b, c) and x or y."),
        (b".Dt X 2\n.St -p1003.1-90 ,\n.Lb libc\n.Rv -std f", 'X(2)\n\nIEEE Std 1003.1-1990 ("POSIX.1"), Standard C '
         "Library (libc, -lc) The f() function returns the value 0 if successful; otherwise the value -1 is "
         "returned and the global variable errno is set to indicate the error."),
        (b".TS\nallbox tab(:);\nltB ltB.\nT{\nHook\nT}:T{\nUse:\n.B now\nT}\n.T&\n"
         b"lt lt\nlt lt.\na:b\n_\n.TE", "Hook  Use: now\na  b"),
        (b".Dt INIT\\-D 5\n.Sh AUTHORS\n.An -nosplit\n.An A B ,\n.An C D", "INIT-D(5)\n\nAUTHORS\nA B, C D"),
        (b".nf\n\\[rs]--tcti=x a\\e--b \\e-c", "--tcti=x a\\--b \\-c"),
        (b"a\\\" comment\n\\s-1B\\s+2S\\s0D\\h'2n'!", "a BSD!"),
    ],
)  # fmt: skip
def test_escapes_and_requests(source: bytes, text: str) -> None:
    assert read(source, "x(1)") == text


def test_a_section_that_is_a_licence_goes_and_one_about_licences_stays() -> None:
    page = "X(1)\n\nNAME\nx - y\n\nCOPYRIGHT\nCopyright A B.\n\nThis is free software.\n\nSEE ALSO\ny(1)"
    assert man.without_notice(page) == "X(1)\n\nNAME\nx - y\n\nSEE ALSO\ny(1)"
    assert man.without_notice("X(1)\n\nLICENSE NOTICE\nUnder the licence of y.") == "X(1)"
    for kept in (
        "COPYING\nFiles are copied in order.",
        "LICENSE\n" + "A licence says. " * 300,
        "LICENSES\nThe licence.",
    ):
        assert man.without_notice(kept) == kept.strip("\n")


def test_folder_gives_pages_in_order_without_links(tmp_path: Path) -> None:
    folder = tmp_path / "man8"
    folder.mkdir()
    for name in ("foo.8.gz", "bar.3pm", "README", "cut.8.xz"):
        (folder / name).write_bytes(b"")
    (folder / "link.8.gz").symlink_to("foo.8.gz")
    assert list(man.pages_below(tmp_path)) == ["man8/bar.3pm", "man8/cut.8.xz", "man8/foo.8.gz"]


@pytest.mark.parametrize(
    ("source", "refers"),
    [
        (".so man2/x.2\n", True),
        ('.\\" a comment\n\n.so man2/x.2\n', True),
        (".TH X 1\n.so man2/x.2\n", False),
        ('.\\" a comment\n', False),
        ("see\n.so man2/x.2", False),
    ],
)
def test_a_page_that_only_refers_to_another_one_is_none(source: str, refers: bool) -> None:
    assert man.decode(source.encode(), "x.1") == ("" if refers else source, ())


def test_a_page_is_called_as_its_file() -> None:
    assert man.title_of("perl/usr/share/man/man3/Foo::Bar.3pm") == "Foo::Bar(3pm)"
    assert man.title_of("man1/README") == "man1/README"


@pytest.mark.parametrize(
    "piece", ['"', "\\", "\\(", "\\[", "\\*[", "\\h'", "\\{", '.B "', ".if n \\{\n", " ", '\\\\"', ".TS\n"]
)
@pytest.mark.parametrize("lead", ["", ".B ", ".Dt x\n.Op "])
def test_time_grows_linearly_on_hostile_input(lead: str, piece: str) -> None:
    assert_linear(repeated(piece, lead), lambda text: read(text.encode(), "x(1)"), 100_000)


STATEMENTS = [
    ".TH A 1", ".Dt A 1", ".SH", ".SH NAME", ".TP", ".IP", ".RS", ".RE", ".nf", ".fi", ".TS", "l l.", "a\tT{",
    "T}", ".TE", ".UE", ".Bl -enum", ".It Fl a", ".El", ".Op Fl", ".Oo", ".Oc ,", ".Xr a", ".Fn", ".Nm", ".Nm a ,",
    ".Bd -literal", ".ie n x", ".el y", ".de X", "..", "text \\fB", ".BR a (", ".if n \\{", ".\\}", ".Pf", ".At v7 .",
    ".ds x y", "\\*x", "",
]  # fmt: skip


@given(st.lists(st.sampled_from(STATEMENTS), max_size=25).map("\n".join).map(str.encode) | st.binary())
def test_any_page_gives_tidy_text(raw: bytes) -> None:
    text = read(raw, "x(1)")
    assert text == text.strip("\n")
    assert "\x00" not in text
    text.encode()
