"""Comments of C, header and assembler files: what the kernel's authors say about it, without the code.

Comment openers are rare and quotes are not, so the text is searched for openers alone, and quoted strings are stepped
over only on the line before one. Nothing is scanned twice, whatever the input: an unterminated comment ends with the
file, an unterminated string with its line. That is exact enough for kernel sources and needs no compiler or grammar.

Kept: kernel-doc as it is, blocks, and one-line comments of at least two words. Left out: SPDX lines, the licence and
copyright paragraphs of a file's header (its licence is known from `kernel_tree.spdx_of`), banner lines, and repetitions
of a one-line comment within the file (register dumps).

Narrow: comment characters that only one assembler knows (`@`, `!`, `;`, `#`) are not comments here; commented-out code
is kept; code is not looked at, so a trailing comment loses the statement it stood beside; a comment opener inside a
string continued over lines by a backslash is taken for a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPENER = re.compile(r"/[*/]")
_QUOTE = re.compile("[\"']")
_STRING = re.compile(r""""(?:[^"\\\n]++|\\.)*+"?""", re.DOTALL)
_CHARACTER = re.compile(r"'(?:[^'\\\n]|\\.){1,10}+'", re.DOTALL)
_LINE_COMMENTS = re.compile(r"//[^\n]*+(?:\n[ \t]*+//[^\n]*+)*+")
_MARGIN = re.compile(r"\n[ \t]*+\*?+[ \t]?+")
_LINE_MARGIN = re.compile(r"\n[ \t]*+//+ ?")
_BANNER = re.compile(r"\n[ \t]*+([*=#/_~+-])\1{3,}+[*/ \t]*+(?=\n|\Z)")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*+\n)++")
_WORD = re.compile(r"[A-Za-z]{3}")
_LEGAL = ("copyright", "licens", "licenc", "redistribut", "warrant", "(c) 19", "(c) 20", "all rights reserved")
_LEGAL_PARAGRAPH = re.compile(
    r"(?i)copyright|\(c\) (?:19|20)\d\d|licen[sc]|redistribut|warrant[iy]|all rights reserved"
    r"|permission|liab(?:le|ility)|free software|substantial portions|endorse or promote|public domain"
)


def extract(text: str) -> str:
    """The comments of one source file, in order.

    One-line comments stand on lines of their own; a comment of several lines has a blank line before and after it.
    Returns an empty string when nothing is worth keeping.
    """
    kept: list[str] = []
    seen: set[str] = set()
    for comment in _comments(text):
        if "\n" in comment:
            body = _block(comment)
            if body:
                kept.append(f"\n{body}\n")
            continue
        line = comment.strip("/* \t")
        if line not in seen and _is_worthwhile(line):
            kept.append(line)
        seen.add(line)
    return _BLANK_LINES.sub("\n\n", "\n".join(kept)).strip("\n")


def _comments(text: str) -> Iterator[str]:
    """Each comment with its marks; lines of // that follow one another are one comment."""
    position = 0
    while opener := _OPENER.search(text, position):
        start = opener.start()
        quoted_end = _end_of_quotes(text, max(position, text.rfind("\n", position, start) + 1), start)
        if quoted_end > start:
            position = quoted_end
            continue
        if text[start + 1] == "*":
            end = text.find("*/", start + 2)
            position = len(text) if end < 0 else end + 2
        else:
            lines = _LINE_COMMENTS.match(text, start)
            position = lines.end() if lines else start + 2
        yield text[start:position]


def _end_of_quotes(text: str, position: int, start: int) -> int:
    """Where the last quoted string beginning in text[position:start] ends; beyond `start` if that lies inside it."""
    while quote := _QUOTE.search(text, position, start):
        # An apostrophe that closes nothing nearby is prose (assembler, #error), so it opens nothing either.
        quoted = (_STRING if quote[0] == '"' else _CHARACTER).match(text, quote.start())
        position = quoted.end() if quoted else quote.end()
    return position


def _is_worthwhile(line: str) -> bool:
    """Two words or more, one of them of three letters, and not a legal notice."""
    return len(line.split(None, 1)) == 2 and _WORD.search(line) is not None and not _is_legal(line)


def _is_legal(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in _LEGAL)


def _block(comment: str) -> str:
    """Text of a comment of several lines."""
    if comment.startswith("//"):
        body = _LINE_MARGIN.sub("\n", "\n" + comment)
    else:
        body = _MARGIN.sub("\n", "\n" + comment[2:].removesuffix("*/"))
    is_kernel_doc = comment.startswith("/**") and comment[3] != "*"
    if not is_kernel_doc:
        body = _BANNER.sub("", body)
    if _is_legal(body):
        paragraphs = re.split(r"\n[ \t]*\n", body)
        body = "\n\n".join(part for part in paragraphs if not _LEGAL_PARAGRAPH.search(part))
    body = body.strip()
    return body if _WORD.search(body) and len(body.split(None, 1)) == 2 else ""
