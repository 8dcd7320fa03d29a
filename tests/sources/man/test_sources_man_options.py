from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear, repeated
from kslm.sources.man import page as man
from kslm.sources.man.options import is_forms, man_options, spellings

MAN = r""".TH LS 1
.SH NAME
ls \- list
.SH SYNOPSIS
.B ls
\-x
.SH DESCRIPTION
.TP
\fB\-a\fR, \fB\-\-all\fR
do not ignore
.IP
at all
.PP
.B \-\-color\fR[=\fIWHEN\fR]
.RS 4
colorize
.RE
.TP
.B \-p
.TQ
.B \-\-print
print it
.TP
.B \-\-empty
.PP
\-\- a dash, not an option
.nf
\-q    be quiet
.fi
.HP
\fB\-u\fP|\fB\-\-uuid\fP
.br
Print the UUID.
.SH EXAMPLES
.TP
.B \-z
no option
"""


def test_options_of_a_rendered_page() -> None:
    assert list(man_options(man.render(MAN, "ls(1)"))) == [
        ("-a, --all", "do not ignore\n\nat all"),
        ("--color[=WHEN]", "colorize"),
        ("-p, --print", "print it"),
        ("-q", "be quiet"),
        ("-u|--uuid", "Print the UUID."),
    ]


def test_options_of_a_bsd_page() -> None:
    page = b".Dd x\n.Dt LS 1\n.Sh DESCRIPTION\n.Bl -tag\n.It Fl a , Fl -all\nAll.\n.It Fl o Ar file\nWrite.\n.El\n"
    assert list(man_options(man.render(page.decode(), "ls(1)"))) == [("-a, --all", "All."), ("-o file", "Write.")]


@pytest.mark.parametrize(
    "forms", ["-a", "-o, --output=FILE", "--[no-]verify", "-O2", "-I<dir>", "-W warning or --warn warning", "-?"]
)
def test_forms(forms: str) -> None:
    assert is_forms(forms)


@pytest.mark.parametrize(
    "text", ["-", "--", "- item", "-a is the option that shows everything.", "a -b", "-x " + "y" * 200]
)
def test_no_forms(text: str) -> None:
    assert not is_forms(text)


@pytest.mark.parametrize("piece", ["-a ", "-a x|", "-a|", "-a,", "--a=b ", "-a  "])
def test_time_grows_linearly_on_hostile_forms(piece: str) -> None:
    def judged(text: str) -> None:
        for _ in range(1000):  # forms are short: one is judged too soon to be measured
            is_forms(text)

    assert_linear(repeated(piece, end="!"), judged, 159)
    assert_linear(repeated("    " + piece * 30 + "\n"), lambda text: list(man_options(text)), 100_000)


@pytest.mark.parametrize(
    ("forms", "names"),
    [
        ("-a, --all", ["-a", "--all"]),
        ("-u|--uuid UUID", ["-u", "--uuid"]),
        ("--color[=WHEN], -I<dir>", ["--color", "-I"]),
        ("-W warning or --warn write-back", ["-W", "--warn"]),
        ("--[no-]verify", ["--verify"]),
        ("-f file, -f name", ["-f"]),
    ],
)
def test_names_of_an_option(forms: str, names: list[str]) -> None:
    assert spellings(forms) == names


@pytest.mark.parametrize(
    ("set_before", "option"),
    [
        ("<file> Read it.", ("-z <file>", "Read it.")),
        ("TYPE[,TYPE]... Search for objects of TYPE.", ("-z TYPE[,TYPE]...", "Search for objects of TYPE.")),
        ("DEPRECATED Read it.", ("-z", "DEPRECATED Read it.")),
    ],
)
def test_a_value_before_the_description(set_before: str, option: tuple[str, str]) -> None:
    assert list(man_options(f"OPTIONS\n-z\n    {set_before}\n")) == [option]


LINES = ["-a", "    does x", "", "OPTIONS", "  -b, --c", "      more", "SYNOPSIS", "-q   quiet", "-"]


@given(st.lists(st.sampled_from(LINES), max_size=20).map("\n".join) | st.text())
def test_any_text_gives_whole_options(text: str) -> None:
    for forms, description in man_options(text):
        assert forms.startswith("-") and description.strip()
        assert "\n" not in forms
