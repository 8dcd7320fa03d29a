from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources import html

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


def read(raw: bytes) -> html.Page:
    return html.render(html.decode(raw, "x.html").text)


def test_a_page_reads_as_text() -> None:
    assert read(PAGE.encode()) == (TEXT, "")


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
    assert read(raw).text == text


@pytest.mark.parametrize(("raw", "reason"), [(b" \n", "empty file"), (b"x" * (html.LARGEST + 1), "larger than 8 MiB")])
def test_files_that_are_no_page_are_findings(raw: bytes, reason: str) -> None:
    text, (bad,) = html.decode(raw, "x.html")
    assert (text, bad.path, bad.reason) == ("", "x.html", reason)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<p> </p><nav>a</nav>", "no text in the page"),
        ("Pages: " + '<p><a href="a.html">Chapter one</a>' * 9, "index page: mostly links"),
    ],
)
def test_pages_that_are_no_document_say_why(source: str, reason: str) -> None:
    assert html.render(source).refusal == reason


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
    decoded = html.decode(raw, "x")
    assert bool(decoded.text) != bool(decoded.findings) or not raw.strip(b"\0\xef\xbb\xbf")
    text, refusal = html.render(decoded.text)
    assert text.endswith("\n") or refusal
    assert "\x00" not in text
    text.encode("utf-8")


@given(
    st.lists(
        st.sampled_from(["alpha", "beta", "<i>gamma</i>", "<br>", "<p>", "<li>", "<td>", "<ul>", "</ul>"]), max_size=30
    )
)
def test_no_word_is_lost_or_made_up(pieces: list[str]) -> None:
    found = read(("start " + " ".join(pieces)).encode()).text
    wanted = [word for piece in pieces for word in ("alpha", "beta", "gamma") if word in piece]
    assert [word for word in found.replace("|", " ").split() if word.isalpha()] == ["start", *wanted]
