from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources import html
from kslm.sources.records import Bad

PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html><html><head><title>T</title><style>p { color: red }</style></head><body>
<div class="navheader"><table><tr><td><a href="a.html">Prev</a></td></tr></table></div>
<div class="toc"><dl><dt><a href="#x">Twice</a></dt></dl></div>
<h1>Disks <a class="headerlink" href="#disks">¶</a></h1>
<p>A   <b>disk</b>&nbsp;holds
data.<p>Second.
<ul><li><a href="#one">One</a></li><li><a href="#two">Two</a></li><li><a href="#three">Three</a></li></ul>
<h2>Lists</h2>
<ul><li>first<li><p>second</p><ol><li>inner</ol></ul>
<dl><dt>-a</dt><dd>all <em>of</em> them</dd></dl>
<pre class="screen">
$ ls  -l
  total 0 &lt;x&gt;
</pre>
<table><tr><th>Name</th><th>Use</th></tr><tr><td>sda</td><td><p>a <b>disk</b></p></td></tr></table>
<table><tr><td><h3>Note</h3><pre>kept
  so</pre></td></tr></table>
line<br>broken
<p><a href="p.html">Previous</a> | <a href="n.html">Next</a></p>
<script>var x = "no";</script><footer>(c) nobody</footer>
</body></html>"""

TEXT = """# Disks

A disk holds data.

Second.

## Lists

- first
- second

  1. inner

-a
  all of them

$ ls  -l
  total 0 <x>

Name | Use
sda | a disk

### Note

kept
  so

line
broken
"""


def test_a_page_reads_as_text() -> None:
    assert html.text_of(PAGE.encode(), "x.html") == TEXT


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'<meta charset="iso-8859-15"><p>\xa4', "€\n"),
        (b"<p>caf\xe9", "café\n"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=latin1"><p>é'.encode("latin-1"), "é\n"),
        ('<meta charset="us-ascii"><p>é'.encode(), "é\n"),
        ("<p>é".encode("utf-16"), "é\n"),
        (b'<meta charset="rot13"><p>a', "a\n"),
        (b'<meta charset="base64"><p>a', "a\n"),
    ],
)
def test_encodings(raw: bytes, text: str) -> None:
    assert html.text_of(raw, "x") == text


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b" \n", "empty file"),
        (b"<p> </p><nav>a</nav>", "no text in the page"),
        (b"Pages: " + b'<p><a href="a.html">Chapter one</a>' * 9, "index page: mostly links"),
        (b"x" * (html.LARGEST + 1), "larger than 8 MiB"),
    ],
)  # fmt: skip
def test_pages_that_hold_nothing_are_findings(raw: bytes, reason: str) -> None:
    found = html.text_of(raw, "x.html")
    assert isinstance(found, Bad)
    assert (found.path, found.reason) == ("x.html", reason)


TAGS = [
    "p",
    "div",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "tr",
    "td",
    "th",
    "pre",
    "br",
    "a href=x",
    "h2",
    "nav",
    "b",
]
PIECES = st.lists(
    st.sampled_from(["word ", *(f"<{tag}>" for tag in TAGS), *(f"</{tag.split()[0]}>" for tag in TAGS)]) | st.text(),
    max_size=40,
)  # fmt: skip


@given(PIECES.map("".join).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary())
def test_any_bytes_give_tidy_text_or_a_finding(raw: bytes) -> None:
    found = html.text_of(raw, "x")
    if isinstance(found, Bad):
        assert found.reason
    else:
        assert found.endswith("\n")
        assert "\x00" not in found
        found.encode("utf-8")


@given(
    st.lists(
        st.sampled_from(["alpha", "beta", "<i>gamma</i>", "<br>", "<p>", "<li>", "<td>", "<ul>", "</ul>"]), max_size=30
    )
)
def test_no_word_is_lost_or_made_up(pieces: list[str]) -> None:
    found = html.text_of(("start " + " ".join(pieces)).encode(), "x")
    assert isinstance(found, str)
    wanted = [word for piece in pieces for word in ("alpha", "beta", "gamma") if word in piece]
    assert [word for word in found.replace("|", " ").split() if word.isalpha()] == ["start", *wanted]
