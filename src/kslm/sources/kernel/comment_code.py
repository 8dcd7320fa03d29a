"""The code a comment of a C file describes, as one line that can stand beside it.

Told by place alone: the statement that a comment stands behind, or the line or definition directly below it. Blanks are
joined to one, the marks that end a statement and the backslash that continues a macro are left out:

    #define TZIC_INTCNTL 0x0000   TZIC_INTCNTL 0x0000
    u32     flags;                u32 flags
    static int f(int a,           static int f(int a, int b)
                 int b)
    {

Limits: a statement over several lines is known by the one line that touches the comment; a definition longer than 400
characters, without a name, or with a function among its parameters' parameters, has no head.
"""

from __future__ import annotations

import re

LONGEST = 120
"""Characters of a statement; a longer line is data, or no code."""

_NAME = re.compile(r"\b[A-Za-z_]")
_DEFINE = re.compile(r"#[ \t]*+define[ \t]++")
_MACROS = re.compile(r"(?:#[ \t]*+define[ \t]++\w++[ \t]++[^\n/\\]{1,60}+\n){2,12}+")
ROOM = LONGEST - len("#define , ...")
_CUT = ", ..."
_CONTROL = re.compile(r"(?:else|if|for|while|switch|do)\b")
_SILENT = re.compile(r"#[ \t]*+(?:include|endif|else|undef)\b|[})\];,]++(?![ \t]*+[\w.])")
_TYPED = (
    r"(?!(?:return|goto|else|case|break|continue|if|for|while|switch|do)\b)"
    r"[A-Za-z_]\w*+(?:[ \t]*+\*++[ \t]*+\w++|[ \t]++\**+\w++)++"
)
_DEFINITION = re.compile(
    r"#[ \t]*+define\b|(?:struct|union|enum)\b[^(;=]*+\{|[A-Z_][A-Z_0-9]++[ \t]*+[=,]"
    rf"|{_TYPED}[\[\]\w \t:]*+[;=(]"
)
_MACRO_HEAD = re.compile(r"#[ \t]*+define[ \t]++(?!pr_fmt)\w++(?:\(|[ \t]++\S)")
_HEAD = re.compile(
    r"""[ \t]*+\n
    ( [A-Za-z_][\w \t*]*+ (?:\n[A-Za-z_]\w*+[ \t]*+)?
      (?: \( (?:[^(){};"#/]|\([^(){};"#/]*+\)){0,400}+ \) )?+
      [^\n(){};=:"/]*+
    | [ \t]++ TYPED (?:\[[^\]\n]*+\])*+ (?:[ \t]*+:[ \t]*+\w++)?
    )
    \s*+ [;{=]""".replace("TYPED", _TYPED),
    re.VERBOSE,
)


def statement(code: str) -> str | None:
    """A line of code as it goes beside its comment.

    Returns an empty string for one that names nothing (data, brackets) or goes on in another line, as its parentheses
    tell, and None for one whose comment is not worth having: an #include, an #endif, a closing bracket, which comments
    only repeat.
    """
    if _SILENT.match(code):
        return None
    if len(code) > LONGEST or code[:1] in (":", '"') or not _NAME.search(code) or code.count("(") != code.count(")"):
        return ""
    if code[0] == "#" and (define := _DEFINE.match(code)):
        code = code[define.end() :]
    return " ".join(code.split()).lstrip("} ").rstrip(" ,;:{\\").removesuffix(" =")


def neighbours(text: str, end: int) -> tuple[str, str]:
    """What stands behind a comment that ends at `end`, on its line, and what stands on the next line.

    Each is empty where it is too long, or brackets alone; the next line also where it has a comment of its own, for
    then this one speaks of more than that line. Of macros in a row it is all, a comma between, as far as they fit;
    an ellipsis says that there are more.
    """
    line_end = _line_end(text, end)
    if line_end < 0:
        return "", ""
    after = _code(text[end:line_end])
    below = ""
    if text[line_end + 1 : line_end + 2] == "#" and (macros := _MACROS.match(text, line_end + 1)):
        listed = ", ".join(" ".join(macro.split()) for macro in _DEFINE.split(macros[0])[1:])
        if len(listed) >= ROOM or _DEFINE.match(text, macros.end()):
            listed = listed if len(listed) < ROOM else listed[:ROOM].rpartition(", ")[0]
            listed += _CUT if listed else ""
        below = f"#define {listed}"
    elif (next_end := _line_end(text, line_end + 1)) >= 0:
        below = text[line_end + 1 : next_end].strip()
        below = "" if "/*" in below or "//" in below else below
    return after if _NAME.search(after) else "", below


def _line_end(text: str, position: int) -> int:
    """Where the line that `position` is on ends; -1 when that is far."""
    end = text.find("\n", position, position + LONGEST)
    return len(text) if end < 0 and len(text) - position <= LONGEST else end


def _code(line: str) -> str:
    for mark in ("/*", "//"):
        if mark in line:
            line = line[: line.index(mark)]
    return line.strip()


def is_definition(line: str) -> bool:
    """Whether a line defines a macro, a type, a field, a variable, an enumerator or a function."""
    return _DEFINITION.match(line) is not None


def is_control(line: str) -> bool:
    """Whether a line begins a condition or a loop: what is said before it is said of all that it governs."""
    return _CONTROL.match(line) is not None


def head(text: str, end: int) -> str:
    """The head of the definition directly below a comment that ends at `end`; empty where there is none."""
    if text[end : end + 2] == "\n#":
        below = neighbours(text, end)[1]
        return statement(below) or "" if _MACRO_HEAD.match(below) else ""
    definition = _HEAD.match(text, end)
    words = definition[1].split() if definition else []
    return "" if words[-1:] in (["struct"], ["union"], ["enum"]) else " ".join(words)
