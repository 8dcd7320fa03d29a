r"""Kernel log messages as the sources have them: the format strings of pr_err, dev_warn and so on.

They are what a kernel log consists of, without anybody's log: no host, no user, no serial number. A call is known by
its name: a severity, after an underscore or alone, with suffixes such as _once or _ratelimited (`pr_err`, `DRM_ERROR`,
`ath_dbg`, `printk`). The format is its first string literal, with literals next to it joined and C escapes
undone; conversions (%d, %pOF) stay as they are. Parentheses are frequent and names are not, so text is searched for a
parenthesis after the last letters of such a name; that is many times faster than looking for the names.

Narrow: the level of a call without one in its name is that of its KERN_ argument, and the kernel's default (warn) where
it has none; what pr_fmt or a macro puts before the format is not known; a format beginning with a macro loses it; calls
whose arguments before the format nest parentheses twice are passed over, pieces of lines (pr_cont) too, and a call in a
comment counts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple

_TAILS = (
    *("err(", "ror(", "ERR(", "ROR(", "arn(", "ing(", "ARN(", "nfo(", "NFO(", "dbg(", "bug(", "BUG(", "DBG(", "ntk("),
    *("tk (", "ice(", "rit(", "ert(", "erg(", "nic(", "ted(", "nce(", "obe(", "kms(", "RST("),
)
_CALL = re.compile(
    rf"""\((?<={"|".join(re.escape(tail) for tail in _TAILS)})
    ([^"();{{}}]*+(?:\([^"();{{}}]*+\)[^"();{{}}]*+){{0,6}}+)      # arguments before the format
    ((?:"(?:[^"\\\n]++|\\.)*+"(?:\s|\\\n)*+(?:PRI\w++\s*+)?+)++)   # the format
    """,
    re.VERBOSE,
)
_NAME_CHARS = 40
_NAME = re.compile(
    r"(?i)(?:\b|_)(emerg|alert|crit|error|err|warning|warn|notice|info|debug|dbg|panic|printk)"
    r"(?:_(?:once|ratelimited|probe|kms|first|rst))*+ ?\Z"
)
_LEVEL = re.compile(r"KERN_([A-Z]{3,7})\b")
_LEVELS = {
    **{"error": "err", "warning": "warn", "dbg": "debug", "panic": "emerg", "printk": "warn"},
    **{name: name for name in ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")},
}
_LITERAL = re.compile(r'"((?:[^"\\\n]++|\\.)*+)"|PRI\w*([diuxXo])\w*')
_ESCAPE = re.compile(r"\\(?:([\"'\\?])|x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_CONVERSION = re.compile(r"%[-+ #0-9.*]*+(?:hh|ll|[hlLzt])?(?:p[A-Za-z]*|[a-zA-Z%])")
_WORD = re.compile(r"[A-Za-z]{3}")


class Template(NamedTuple):
    """One message: its level (emerg, alert, crit, err, warn, notice, info or debug) and its printf format."""

    level: str
    format: str


@lru_cache(1)  # a file's messages are wanted as text and for questions, one after the other
def templates(text: str) -> tuple[Template, ...]:
    """The messages of one C file, each once, in order: those with three letters in a row beside their conversions."""
    found: dict[Template, None] = {}
    for call in _CALL.finditer(text):
        start = call.start()
        name = _NAME.search(text, max(0, start - _NAME_CHARS), start)
        level = _level(name[1].lower(), call[1]) if name else None
        if level is None:
            continue
        template = Template(level, _joined(call[2]))
        if template not in found and _WORD.search(_CONVERSION.sub("", template.format)):
            found[template] = None
    return tuple(found)


def extract(text: str, path: str) -> str:
    """The messages of a file, a line each: `err e1000e/netdev: Failed to initialize`; "" where it has none."""
    place = PurePosixPath(path)
    where = f"{place.parent.name}/{place.stem}" if place.parent.name else place.stem
    return "\n".join([f"{level} {where}: {format_}" for level, format_ in templates(text)])


def _level(name: str, arguments: str) -> str | None:
    """None for a piece of a line, and for what only looks like a level."""
    stated = _LEVEL.search(arguments)
    return _LEVELS.get(stated[1].lower()) if stated else _LEVELS[name]


def _joined(literals: str) -> str:
    """The string that adjacent literals make, in one line, without the blanks and colons around it."""
    body = "".join([found[1] if found[2] is None else found[2] for found in _LITERAL.finditer(literals)])
    if "\\" in body:
        body = _ESCAPE.sub(lambda escape: escape[1] or " ", body)
    return " ".join(body.split()).strip(": ")
