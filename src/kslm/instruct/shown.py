"""A message's printf format as a log shows it, with example values, where it makes a line that one would ask about.

Numbers follow from the format by a hash. What stands before the message proper (`%s: `, a function or a device) and
what is told after its end (`: %s`) is cut. A format is refused if words are filled in elsewhere (%s, and most of %p),
as nothing said there would be true, if most of it is numbers, and if it is a piece: it goes on after an opening
bracket, a colon or a word such as "of", or has fewer than FEWEST_WORDS words.
"""

from __future__ import annotations

import re

import xxhash

FEWEST_WORDS = 4
"""Words that a message needs to be told from others."""
LONGEST = 160
"""Characters of a message that are asked about."""
_MOST_VALUES = 3
_LETTERS = 0.6

_BEFORE = re.compile(r"(?:[\[(]?(?:%[-0-9.*]*[sd]|%p\w*)(?:\(\))?[\])]?(?:\s*[:>-]+|(?<=\])|(?<=\)))\s*)+")
_AFTER = re.compile(r"(?:\s*[:(\[]|\s-(?=\s))\s*[\"'`(]?%(?:[-0-9.*]*s|p(?!e\b)[A-Za-z0-9]*)[\"'`)\].!]*\Z")
_CONVERSION = re.compile(r"%([-+ #0]*)([0-9]*)(?:\.[0-9]+)?(hh|ll|[hlLqjzt])?(pe|[diuxXc%])(?![A-Za-z0-9])")
_ANY_CONVERSION = re.compile(r"%[-+ #0-9.*]*(?:hh|ll|[hlLqjzt])?(?:p[A-Za-z0-9]*|[a-zA-Z%])")
_ERROR = re.compile(r"(?i)\b(?:err|errno|error|code|ret|rc|res|retval|failed|failure|returned|returns)(?: with)?\W*\Z")
_FAILS = re.compile(r"(?i)\b(?:fail|err|can'?t|cannot|unable|could not|couldn'?t|invalid)")
_TELLS = re.compile(r"(?:: |[(]|, |- )\Z")
_ERRORS = (-5, -11, -12, -16, -19, -22, -110)
_CHOICES: dict[str, tuple[object, ...]] = {
    "%": ("%",),
    "c": ("A", "B", "C", "D"),
    "pe": ("-EIO", "-ENOMEM", "-EBUSY", "-ENODEV", "-EINVAL", "-ETIMEDOUT"),
}
_SIZES = (64, 512, 1024, 4096)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]+")
_GOES_ON = re.compile(
    r"(?i)(?:[:=,(\[{<+/&|-]|\b(?:a|an|and|are|as|at|by|for|from|in|into|is|of|on|or|the|than|to|with|was|0x))\Z"
)
_SKELETON = re.compile(r"[a-z0-9_]+|%")
_PRIVATE = re.compile(r"@|%0?1[0-9]ll?[xX]")
"""What would look like somebody's: an address, a device's own number."""
_PAIRS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"))
_BEGINS = re.compile(r"(?!(?:and|or|but|of|to|than|which|that)\b)[A-Za-z0-9\[(<\"'*]")


def shown(format_: str) -> str | None:
    """The message, or None where the format is none that one would ask about."""
    if format_.count(" ") < FEWEST_WORDS - 1:
        return None
    body = _proper(format_)
    if _PRIVATE.search(body) or not _is_clause(_ANY_CONVERSION.sub("9", body)):
        return None
    conversions = list(_ANY_CONVERSION.finditer(body)) if "%" in body else []
    known = list(_CONVERSION.finditer(body)) if conversions else []
    values = [match for match in known if match[4] != "%"]
    if len(known) != len(conversions) or len(values) > _MOST_VALUES or body.count("%") > 2 * len(known):
        return None
    return _filled(body, known)


def skeleton(format_: str) -> str:
    """What formats that one would not tell apart in a log have in common: the words, whatever is between."""
    return " ".join(_SKELETON.findall(_ANY_CONVERSION.sub("%", _proper(format_)).lower()))


def _proper(format_: str) -> str:
    """The message without what stands before it, and is told after it."""
    if "%" not in format_:
        return format_
    before = _BEFORE.match(format_)
    return _AFTER.sub("", format_[before.end() :] if before else format_)


def _is_clause(text: str) -> bool:
    words = len(_WORD.findall(text))
    letters = sum(map(len, _WORD.findall(text)))
    return (
        words >= FEWEST_WORDS
        and len(text) <= LONGEST
        and letters >= _LETTERS * len(text.replace(" ", ""))
        and bool(_BEGINS.match(text))
        and not _GOES_ON.search(text)
        and all(text.count(opening) == text.count(closing) for opening, closing in _PAIRS)
        and text.count('"') % 2 == 0
    )


def _filled(body: str, conversions: list[re.Match[str]]) -> str:
    parts, done = [], 0
    for number, match in enumerate(conversions):
        parts += [body[done : match.start()], _value(match, body, number)]
        done = match.end()
    return "".join([*parts, body[done:]])


def _value(match: re.Match[str], body: str, number: int) -> str:
    """An example for a conversion."""
    chance = xxhash.xxh3_64_intdigest(body.encode(), seed=number)
    kind = match[4]
    if kind in "xX":
        return _hexadecimal(match, chance)
    choices: tuple[object, ...] = _CHOICES.get(kind, ())
    before, after = body[: match.start()], body[match.end() :].strip(" .)!")
    if match[3] == "z":
        choices = _SIZES
    elif kind in "di" and (_ERROR.search(before) or (_FAILS.search(before) and _TELLS.search(before) and not after)):
        choices = _ERRORS
    return str(choices[chance % len(choices)] if choices else 1 + chance % 31)


def _hexadecimal(match: re.Match[str], chance: int) -> str:
    flags, width, kind = match[1], match[2], match[4]
    digits = min(int(width), 16) if width and "0" in flags else 1 + chance % 4
    value = format(chance % 16**digits or 1, f"0{digits}{kind}" if "0" in flags else kind)
    return f"0x{value}" if "#" in flags else value
