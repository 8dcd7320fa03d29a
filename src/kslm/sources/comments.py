"""Comments of C, header and assembler files: what the kernel's authors say about it, without the code.

Comment openers are rare and quotes are not, so the text is searched for openers alone, and quoted strings are stepped
over only on the line before one. Nothing is scanned twice, whatever the input: an unterminated comment ends with the
file, an unterminated string with its line. That is exact enough for kernel sources and needs no compiler or grammar.

By kind: kernel-doc is kept whole; blocks and one-line comments of at least two words are kept as text. Left out are
SPDX lines, the licence and copyright paragraphs and the credits of a file's header (its licence is known from
`kernel_tree.spdx_of`), a file's own name, banner lines and box frames, repetitions within the file (register dumps),
and commented-out code where it is plainly that: most lines of a block, or all of a one-line comment, are statements.

Narrow: comment characters that only one assembler knows (`@`, `!`, `;`, `#`) are not comments here; code is not looked
at, so a trailing comment loses the statement it stood beside; a comment opener inside a string continued over lines by
a backslash is taken for a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPENER = re.compile(r"/[*/]")
_QUOTE = re.compile("[\"']")
_STRING = re.compile(r""""(?:[^"\\\n]++|\\.)*+"?""", re.DOTALL)
_CHARACTER = re.compile(r"'(?:[^'\\\n]|\\.){1,10}+'", re.DOTALL)
_LINE_COMMENTS = re.compile(r"//[^\n]*+(?:\n[ \t]*+//[^\n]*+)*+")
_MARGIN = re.compile(r"\n[ \t]*+\**+[ \t]?+")
_RIGHT_FRAME = re.compile(r"(?<![ \t])[ \t]++\*++[ \t]*+(?=\n)")
_LINE_MARGIN = re.compile(r"\n[ \t]*+//+ ?")
_BANNER = re.compile(r"\n[ \t]*+([*=#/_~+-])\1{3,}+[*/ \t]*+(?=\n|\Z)")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*+\n)++")
_WORD = re.compile(r"[A-Za-z]{3}")
_LEGAL = ("copyright", "licens", "licenc", "redistribut", "warrant", "(c) 19", "(c) 20", "all rights reserved")
_LEGAL_PARAGRAPH = re.compile(
    r"(?i)copyright|\(c\) (?:19|20)\d\d|licen[sc]|redistribut|warrant[iy]|all rights reserved"
    r"|permission|liab(?:le|ility)|free software|substantial portions|endorse or promote|public domain"
)
# Kernel-doc speaks of permissions and licences of its own; only a header in its disguise is taken apart.
_LEGAL_HEADER = ("copyright", "redistribut", "warrant", "(c) 19", "(c) 20")
_CREDIT = re.compile(
    r"(?im)^(?:[ \t]*+(?:authors?|written by|maintainers?)\b.*"
    r"|[^@\n]*+(?<=[\w.+-])@[\w-]++\.\w.*|.{0,80}?<[\w.+-]++ at [\w.-]++>.*)$"
)
_FILE_NAME = re.compile(r"\s*+[\w./-]+\.[chS][ \t]*+(?:\n|\Z)")
_STATEMENT = re.compile(
    r"""[ \t]*+(?:
        \#[ \t]*+(?:define|undef|include|if|ifdef|ifndef|elif|else|endif)\b.*
      | (?:return\b|goto\ \w+|break|continue).*;
      | [*&(]*+[\w.>\[\]()-]++[ \t]*+(?:<<|>>|[-+*/|&^%])?=(?!=).*;
      | [\w.>-]++[ \t]*+\(.*;
      | (?:(?:static|const|struct|enum|union|unsigned|signed|volatile|extern)\ +)*+
        [a-z_]\w*+[ \t*]++\w+(?:\[.*\])?[ \t]*+;
      | (?:\}[ \t]*+)?(?:if|else|for|while|switch|do)\b.*\{
      | (?:if|for|while|switch)[ \t]*+\(.*\)
      | [{}][ \t;,]*+
      | (?:case\b.{1,60}|default[ \t]*+):
    )[ \t]*+""",
    re.VERBOSE,
)
_MOSTLY_CODE = 0.6


def extract(text: str) -> str:
    """The comments of one source file, in order.

    One-line comments stand on lines of their own; a comment of several lines has a blank line before and after it.
    Returns an empty string when nothing is worth keeping.
    """
    kept: list[str] = []
    seen: set[str] = set()
    for start, end in _spans(text):
        comment = text[start:end]
        if "\n" in comment:
            body = _block(comment)
            if body and body not in seen:
                kept.append(f"\n{body}\n")
            seen.add(body)
            continue
        line = comment.strip("/* \t")
        if line not in seen and _is_worthwhile(line):
            kept.append(line)
        seen.add(line)
    return _BLANK_LINES.sub("\n\n", "\n".join(kept)).strip("\n")


def without_header(text: str) -> str:
    """A source file without the SPDX line and the legal notices that it begins with; the code itself is untouched."""
    position = 0
    for start, end in _spans(text):
        if text[position:start].strip() or not is_legal(text[start:end]):
            break
        position = end
    return text[position:].strip("\n")


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each comment begins and ends, marks included; lines of // that follow one another are one comment."""
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
        yield start, position


def _end_of_quotes(text: str, position: int, start: int) -> int:
    """Where the last quoted string beginning in text[position:start] ends; beyond `start` if that lies inside it."""
    while quote := _QUOTE.search(text, position, start):
        # An apostrophe that closes nothing nearby is prose (assembler, #error), so it opens nothing either.
        quoted = (_STRING if quote[0] == '"' else _CHARACTER).match(text, quote.start())
        position = quoted.end() if quoted else quote.end()
    return position


def _is_worthwhile(line: str) -> bool:
    """Two words or more, one of them of three letters, and neither a legal notice nor code."""
    return (
        len(line.split(None, 1)) == 2
        and _WORD.search(line) is not None
        and not is_legal(line)
        and not ((line[-1] in ";{" or line[0] == "#") and _STATEMENT.fullmatch(line))
        and not ("@" in line and _CREDIT.fullmatch(line))
    )


def is_legal(text: str, words: tuple[str, ...] = _LEGAL) -> bool:
    """Whether a comment is, or begins with, a notice of copyright or licence."""
    lowered = text.lower()
    return any(word in lowered for word in words)


def _is_code(body: str) -> bool:
    """Whether statements make up most lines of a comment."""
    if ";" not in body and "#" not in body:
        return False
    lines = [line for line in body.split("\n") if line.strip()]
    return sum(_STATEMENT.fullmatch(line) is not None for line in lines) > _MOSTLY_CODE * len(lines)


def _block(comment: str) -> str:
    """Text of a comment of several lines."""
    if comment.startswith("//"):
        body = _LINE_MARGIN.sub("\n", "\n" + comment)
    else:
        body = _MARGIN.sub("\n", "\n" + comment[2:].removesuffix("*/"))
    is_kernel_doc = comment.startswith("/**") and comment[3] != "*"
    if not is_kernel_doc:
        body = _BANNER.sub("", _RIGHT_FRAME.sub("", body) if "*\n" in body else body)
        body = _FILE_NAME.sub("", body, count=1) if _FILE_NAME.match(body) else body
        body = _CREDIT.sub("", body) if "@" in body or "uthor" in body else body
        if _is_code(body):
            return ""
    if is_legal(body, _LEGAL_HEADER if is_kernel_doc else _LEGAL):
        paragraphs = re.split(r"\n[ \t]*\n", body)
        body = "\n\n".join(part for part in paragraphs if not _LEGAL_PARAGRAPH.search(part))
    body = body.strip()
    return body if _WORD.search(body) and len(body.split(None, 1)) == 2 else ""
