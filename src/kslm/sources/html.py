"""Reader of HTML documentation: its text, as one would type it, without what only serves browsing.

    # Title                     h1 to h6, as many number signs
    A paragraph on one line.
    - item / 1. item            lists, nested ones two blanks further in
    term / two blanks, meaning  definition lists
    name | meaning              rows of a table
    verbatim lines              pre, blank lines around it

Left out: scripts, styles, forms, pictures; what generators mark as navigation (DocBook's navheader and toc, Texinfo's
header, menu and index tables, Sphinx's sidebar, Apache's page header, language bar and quick view, HTML's own nav and
footer); lists of nothing but links into the same page; lines of nothing but Previous, Next, Up, Home ...

Irregularities: the encoding is the byte order mark's, else that of the first meta element or XML declaration that names
one, else UTF-8, else Windows-1252, and a page that contradicts its declaration is read as UTF-8 if it can be; tables
that only lay a page out (they hold lists, verbatim text or other tables) are read as the blocks they hold; unclosed p
and li are the rule; XHTML's `<a id="x"/>` opens an element that HTML never closes, which changes no text. The parser's
time grows with the square of the nesting (4 s for 40,000 elements inside one another), so files are bounded by size.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from kslm.sources.records import Bad

LARGEST = 8 << 20
MOST_LINKS = 0.6
_CHARSET = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,40})""", re.IGNORECASE)
_UNREAD = (
    "script, style, noscript, template, svg, math, head, nav, footer, form, button, select, iframe, object, img, "
    ".navheader, .navfooter, .toc, .lot, .contents, .shortcontents, .Contents_element, .SECTION_TOC, .menu, "
    ".index, .printindex, table[class^=index], table.cp-entries, .sphinxsidebar, .related, .headerlink, .permalink, "
    ".breadcrumbs, .copiable-anchor, .copiable-link, .nav-panel, body > div.header, div > div.header, div.node, "
    "#page-header, #banner, #footer, #toc, #quickview, #path, .toplang, .bottomlang, .langmenu, .lang-toggle, "
    ".docnav, [role=navigation], [hidden]"
)
_HEADINGS = {f"h{level}": "#" * level + " " for level in range(1, 7)}
# Elements that end a line; of these, those that leave no blank line before themselves.
_LINES = frozenset(
    ("div", "section", "article", "main", "header", "aside", "dt", "td", "th", "tr", "tbody", "thead", "tfoot",
     "caption", "center", "body", "figure", "figcaption", "details", "summary", "address", "fieldset")
)  # fmt: skip
_SHAPING = (
    _LINES | _HEADINGS.keys() | {"a", "br", "p", "blockquote", "table", "dl", "ul", "ol", "li", "dd", "hr", "pre"}
)
_LAYOUT = ", ".join(
    f"{cell} {held}" for cell in ("td", "th") for held in ("pre", "table", "ul", "ol", "dl", "h1", "h2", "h3")
)
_BAR_WORDS = frozenset(
    ("prev", "previous", "next", "up", "top", "home", "index", "contents", "toc", "table", "of", "chapter", "section",
     "back", "forward", "skip", "to", "main", "content", "first", "last", "page", "search", "glossary")
)  # fmt: skip
_LOCAL = 'a[href^="#"]'
_WORD = re.compile(r"\w+")


def text_of(raw: bytes, path: str) -> str | Bad:
    """The page's text, ended by a line feed.

    Args:
        raw: the page, uncompressed.
        path: for a finding.

    Returns a finding for an empty page, and for one of which more than 60 % are links to other pages (an index).
    """
    if not raw.strip():
        return Bad.of(path, 0, "empty file")
    if len(raw) > LARGEST:
        return Bad.of(path, 0, f"larger than {LARGEST >> 20} MiB", raw)
    body = LexborHTMLParser(decode(raw)).body
    layout = _Layout()
    if body is not None:
        layout.walk(body, {node.mem_id for node in body.css(_UNREAD)} | set(_local_menus(body)))
    text = layout.text()
    if not text:
        return Bad.of(path, 0, "no text in the page", raw)
    if layout.linked > MOST_LINKS * len(text):
        return Bad.of(path, 0, "index page: mostly links", raw)
    return text + "\n"


def decode(raw: bytes) -> str:
    """A page's characters; see the module for how the encoding is found. NUL bytes are left out."""
    declared = _CHARSET.search(raw, 0, 2048)
    names = ["utf-8-sig", declared[1].decode("ascii") if declared else "utf-8", "utf-8", "cp1252"]
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        names = ["utf-16", "cp1252"]
    elif declared and not raw.startswith(codecs.BOM_UTF8):
        del names[0]
    for name in names:
        try:
            text = raw.decode(name)
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
        if isinstance(text, str):
            return text.replace("\x00", "")
    return raw.decode("latin-1").replace("\x00", "")


def _local_menus(body: LexborNode) -> Iterator[int]:
    """Identities of the lists that hold three or more links into the same page, and nothing else."""
    budget = 1000 + 20 * len(body.text())  # lists in lists are read again and again
    for menu in body.css("ul, ol, dl") if body.css_first(_LOCAL) else ():
        size = len("".join(menu.text().split()))
        budget -= size + 100
        if budget < 0:
            return
        links = menu.css(_LOCAL)
        if len(links) >= 3 and sum(len("".join(link.text().split())) for link in links) >= 0.9 * size:
            yield menu.mem_id


class _Layout:
    """Text being laid out while the tree is walked.

    Attributes:
        linked: characters of text in links so far.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.linked = 0
        self._pieces: list[str] = []
        self._links = 0  # open links
        self._line_linked = False
        self._cells: list[str] | None = None  # of the table row being read
        self._tables: list[bool] = []  # whether each open table holds data, not layout
        self._items: list[int | None] = []  # each open list's last number; None where it has none
        self._depth = 0  # of meanings in definition lists
        self._prefix = ""
        self._verbatim = 0

    def text(self) -> str:
        """What has been laid out, without blank lines at its ends."""
        self._end()
        return "\n".join(self.lines).strip("\n")

    def walk(self, root: LexborNode, skipped: set[int]) -> None:
        """Lay out everything below a node but `skipped`; an explicit stack, because pages may nest without end."""
        stack: list[tuple[LexborNode, str]] = [(root, "")]
        while stack:
            node, left = stack.pop()
            if left:
                self._leave(left)
                continue
            tag = node.tag or "-"
            if tag == "-text":
                self._add(node.text_content or "")
                continue
            if tag[0] in "-!" or node.mem_id in skipped:
                continue
            if tag in _SHAPING:
                self._enter(tag, node)
                stack.append((node, tag))
            child = node.last_child
            while child is not None:
                stack.append((child, ""))
                child = child.prev

    def _add(self, text: str) -> None:
        self._pieces.append(text)
        if self._links:
            self.linked += len(text)
            self._line_linked = True

    def _end(self) -> None:
        """Finish the line in progress; in a table's cell, a line goes on."""
        if self._cells is not None:
            self._pieces.append(" ")
            return
        text = " ".join("".join(self._pieces).split())
        linked, self._line_linked = self._line_linked, False
        self._pieces.clear()
        if text and not (linked and _is_bar(text)):
            level = len(self._items) + self._depth - (1 if self._items and self._prefix else 0)
            self.lines.append("  " * min(level, 8) + self._prefix + text)
            self._prefix = ""

    def _blank(self) -> None:
        """Finish the line, and leave one blank line before what follows."""
        self._end()
        if self._cells is None and not self._prefix and self.lines and self.lines[-1]:
            self.lines.append("")

    def _enter(self, tag: str, node: LexborNode) -> None:
        match tag:
            case "a":
                self._links += "href" in node.attributes
            case "br":
                self._pieces.append("\n")
                if not self._verbatim:
                    self._end()
            case "ul" | "ol":
                (self._end if self._items else self._blank)()
                self._items.append(0 if tag == "ol" else None)
            case "li":
                self._end()
                number = self._items[-1] if self._items else None
                if number is not None:
                    self._items[-1] = number + 1
                self._prefix = "- " if number is None else f"{number + 1}. "
            case "dd":
                self._end()
                self._depth += 1
            case "table":
                self._blank()
                self._tables.append(self._cells is None and node.css_first(_LAYOUT) is None)
            case "tr" if self._tables and self._tables[-1] and self._cells is None:
                self._end()
                self._cells = []
            case "pre":
                self._blank()
                self._verbatim += 1
            case _:
                (self._end if tag in _LINES else self._blank)()
                self._prefix = _HEADINGS.get(tag, self._prefix) if self._cells is None else self._prefix

    def _leave(self, tag: str) -> None:
        match tag:
            case "a":
                self._links = max(0, self._links - 1)
            case "br":
                return
            case "td" | "th" if self._cells is not None:
                self._cells.append(" ".join("".join(self._pieces).split()))
                self._pieces.clear()
            case "tr" if self._cells is not None and self._tables and self._tables[-1]:
                self._pieces = [" | ".join(cell for cell in [*self._cells, "".join(self._pieces).strip()] if cell)]
                self._cells = None
                self._end()
            case "ul" | "ol":
                self._end()
                self._prefix = ""
                self._items.pop()
                if not self._items:
                    self._blank()
            case "dd":
                self._end()
                self._depth -= 1
            case "pre":
                self._leave_verbatim()
            case _:
                if tag == "table":
                    self._tables.pop()
                (self._blank if tag in _HEADINGS or tag in ("p", "table", "dl") else self._end)()
                self._prefix = "" if tag in _HEADINGS or tag == "li" else self._prefix

    def _leave_verbatim(self) -> None:
        self._verbatim = max(0, self._verbatim - 1)
        if self._verbatim or self._cells is not None:
            return
        self.lines += [line.rstrip() for line in "".join(self._pieces).expandtabs().strip("\n").split("\n")]
        self._pieces.clear()
        self._line_linked = False
        self._prefix = ""
        self._blank()


def _is_bar(text: str) -> bool:
    """Whether a line that holds links is only the way to other pages."""
    words = _WORD.findall(text.lower())
    return len(words) <= 12 and all(word in _BAR_WORDS for word in words)
