"""Comments of C, header and assembler files: what the kernel's authors say about it, and what they say it about.

Comment openers are rare and quotes are not, so the text is searched for openers alone, and quoted strings are stepped
over only on the line before one. Nothing is scanned twice, whatever the input: an unterminated comment ends with the
file, an unterminated string with its line. That is exact enough for kernel sources and needs no compiler or grammar.

By kind: kernel-doc is kept whole, blocks and one-line comments of at least two words as text. What they describe goes
with them (`comment_code`): a comment at a line's end follows its statement, `u32 flags: state bits`; a block is
followed by the head of the definition below it; so is a one-line comment, which if it is a mere label is followed by
whatever statement stands below it, control flow excepted. Left out are SPDX lines, the licence and copyright paragraphs
and the credits of a file's header (its licence is known from `tree.spdx_of`) with the words that led up to them, field
names without a field, a file's own name, banner lines and box frames, repetitions within the file (register dumps),
comments beside an #include, an #endif or a closing brace and between a call's arguments, and commented-out code where
it is plainly that: most lines of a block, or all of a one-line comment, are statements.

Narrow: comment characters that only one assembler knows (`@`, `!`, `;`, `#`) are not comments here; a comment opener
inside a string continued over lines by a backslash is taken for a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kslm.sources.kernel import comment_code

_OPENER = re.compile(r"/[*/]")
_QUOTE = re.compile("[\"']")
_STRING = re.compile(r""""(?:[^"\\\n]++|\\.)*+"?""", re.DOTALL)
_CHARACTER = re.compile(r"'(?:[^'\\\n]|\\.){1,10}+'", re.DOTALL)
_LINE_COMMENTS = re.compile(r"//[^\n]*+(?:\n[ \t]*+//[^\n]*+)*+")
_MARGIN = re.compile(r"\n[ \t]*+\**+[ \t]?+")
_RIGHT_FRAME = re.compile(r"(?<![ \t])[ \t]++\*++[ \t]*+(?=\n)")
_LINE_MARGIN = re.compile(r"\n[ \t]*+//+ ?")
_BANNER = re.compile(r"\n[ \t]*+-?([*=#/_~+-])\1{3,}+[*/ \t]*+(?=\n|\Z)")
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
_RULERS = ("--", "==", "~~")
_SAYS_NOTHING = re.compile(
    r"(?i)[-\s]*+(?:(?:intentional(?:ly)? )?falls?[ -]?thr(?:ough|u)\b.{0,20}|do nothing|nothing to do|not reached"
    r"|not used|end of \w+|terminating entry|to do|for now|all done|\w+ only|see above|see below)\W*+"
)
_FIELD = r"[A-Z][\w/&-]{0,20}(?: [\w/&-]{1,20}){0,2}[ \t]*+:"
_EMPTY_FIELD = re.compile(rf"(?m)^([ \t]*+){_FIELD}[ \t-]*+\n(?=\s*+\Z|(?:[ \t]*+\n)*+\1{_FIELD})")
_LOOSE = re.compile(r"(?im)^[^\n]*\b(?:by|from|authors?|contributors?|thanks to)[ \t]*+:?[ \t]*+\n(?=\s*+\Z|[ \t]*+\n)")
_LEADS_UP = re.compile(r"(?i)(?:\A|\n)[^\n]*(?::|\b(?:from|by|on|of|and|or|under|with|to|the|is|are|in)\b)\s*+\Z")
LABEL = 45
"""Characters below which a comment that is no sentence is a label: it names something, and says little without it."""


def extract(text: str) -> str:
    """The comments of one source file, in order, each with the code it describes where that is told by its place.

    One-line comments stand on lines of their own; a comment of several lines has a blank line before and after it.
    Returns an empty string when nothing is worth keeping.
    """
    comments: list[str] = []
    seen: set[str] = set()
    for line_start, start, end in _spans(text):
        comment = text[start:end]
        before = text[line_start:start].strip()
        is_block = "\n" in comment
        body = _block(comment) if is_block else _line(comment)
        if not body or body in seen or not (is_block or _is_worthwhile(body)):
            continue
        with_code = _with_head(body, before, text, end) if is_block else _with_line(body, before, text, end)
        if with_code and with_code not in seen:
            comments.append(with_code)
            seen.add(with_code)
        if not before:
            seen.add(body)
    return _BLANK_LINES.sub("\n\n", "\n".join(comments)).strip("\n")


def _beside(before: str, comment: str) -> str:
    """A comment with the statement it stands behind; empty where that says what the comment is not worth."""
    code = comment_code.statement(before)
    if code is None:
        return ""
    return f"{code}: {comment}" if code else comment


def _with_head(comment: str, before: str, text: str, end: int) -> str:
    """A comment of several lines with the statement before it, or the head of the definition below it."""
    if before:
        return _beside(before, " ".join(comment.split()))
    head = comment_code.head(text, end)
    return f"\n{comment}\n{head}\n" if head and head not in comment else f"\n{comment}\n"


def _with_line(comment: str, before: str, text: str, end: int) -> str:
    """A comment of one line with its statement: that before it, that behind it, or that on the next line."""
    after, below = comment_code.neighbours(text, end)
    if before:
        return "" if after else _beside(before, comment)
    code = comment_code.statement(after or below)
    if code is None:
        return "" if "include" in below else comment
    is_label = len(comment) < LABEL and comment[-1] not in ".!?:;,"
    if not (after or is_label or comment_code.is_definition(below)):
        return comment
    if not code and not after and comment_code.is_definition(below):
        code = comment_code.head(text, end)
    return f"{comment.rstrip(' .:')}: {code}" if code and not comment_code.is_control(code) else comment


def without_header(text: str) -> str:
    """A source file without the SPDX line and the legal notices that it begins with; the code itself is untouched."""
    position = 0
    for _, start, end in _spans(text):
        if text[position:start].strip() or not is_legal(text[start:end]):
            break
        position = end
    return text[position:].strip("\n")


def _spans(text: str) -> Iterator[tuple[int, int, int]]:
    """Where each comment's line, or what is left of it behind another comment, begins, and where the comment begins and
    ends, marks included; lines of // that follow one another are one comment.
    """
    position = line = 0
    while opener := _OPENER.search(text, position):
        start = opener.start()
        line = text.rfind("\n", position, start) + 1 or line
        quoted_end = _end_of_quotes(text, position if position > line else line, start)
        if quoted_end > start:
            position = quoted_end
            continue
        if text[start + 1] == "*":
            end = text.find("*/", start + 2)
            position = len(text) if end < 0 else end + 2
        else:
            lines = _LINE_COMMENTS.match(text, start)
            position = lines.end() if lines else start + 2
        yield line, start, position
        line = position


def _end_of_quotes(text: str, position: int, start: int) -> int:
    """Where the last quoted string beginning in text[position:start] ends; beyond `start` if that lies inside it."""
    while quote := _QUOTE.search(text, position, start):
        # An apostrophe that closes nothing nearby is prose (assembler, #error), so it opens nothing either.
        quoted = (_STRING if quote[0] == '"' else _CHARACTER).match(text, quote.start())
        position = quoted.end() if quoted else quote.end()
    return position


def _is_worthwhile(line: str) -> bool:
    """Two words or more, one of them of three letters, and neither a legal notice, a set phrase nor code."""
    return (
        len(line.split(None, 1)) == 2
        and _WORD.search(line) is not None
        and not is_legal(line)
        and not _SAYS_NOTHING.fullmatch(line)
        and not ((line[-1] in ";{" or line[0] == "#") and _STATEMENT.fullmatch(line))
        and not ("@" in line and _CREDIT.fullmatch(line))
    )


def is_legal(text: str, words: tuple[str, ...] = _LEGAL) -> bool:
    """Whether a comment is, or begins with, a notice of copyright or licence."""
    lowered = text.lower()
    for word in words:  # noqa: SIM110 (a generator costs more than the searches)
        if word in lowered:
            return True
    return False


def _is_code(body: str) -> bool:
    """Whether statements make up most lines of a comment."""
    if ";" not in body and "#" not in body:
        return False
    lines = [line for line in body.split("\n") if line.strip()]
    return sum(_STATEMENT.fullmatch(line) is not None for line in lines) > _MOSTLY_CODE * len(lines)


def _line(comment: str) -> str:
    body = comment.strip("/* \t")
    if body.endswith(_RULERS):
        body = body.strip(body[-1] + " \t")
    return body.removeprefix("! ")


def _block(comment: str) -> str:
    if comment.startswith("//"):
        body = _LINE_MARGIN.sub("\n", "\n" + comment)
    else:
        body = _MARGIN.sub("\n", "\n" + comment[3 if comment[2] == "!" else 2 :].removesuffix("*/"))
    is_kernel_doc = comment.startswith("/**") and comment[3] != "*"
    if not is_kernel_doc:
        body = _BANNER.sub("", _RIGHT_FRAME.sub("", body) if "*\n" in body else body)
        body = _FILE_NAME.sub("", body, count=1) if _FILE_NAME.match(body) else body
        body = _LOOSE.sub("", _CREDIT.sub("", body) + "\n") if "@" in body or "uthor" in body else body
        if _is_code(body):
            return ""
    if is_legal(body, _LEGAL_HEADER if is_kernel_doc else _LEGAL):
        body = _without_notices(re.split(r"\n[ \t]*\n", body))
    if not is_kernel_doc and ":" in body:
        body = _EMPTY_FIELD.sub("", body.rstrip() + "\n")
    body = body.strip()
    return body if _WORD.search(body) and len(body.split(None, 1)) == 2 else ""


def _without_notices(paragraphs: list[str]) -> str:
    """Paragraphs but for the legal ones, and for a line before one of them that only leads up to it."""
    remaining: list[str] = []
    for part in paragraphs:
        if not _LEGAL_PARAGRAPH.search(part):
            remaining.append(part)
        elif remaining:
            remaining[-1] = _LEADS_UP.sub("", remaining[-1])
    return "\n\n".join(filter(None, remaining))
