"""Passwords, keys and tokens: by their own shape where they have one, else by the word that introduces them.

A value behind "token" or "secret" counts only when it looks random, since kernel text speaks of tokens, keys and
secrets all the time; behind "password=" anything counts that is not a placeholder or code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from kslm.redact.pseudonyms import Detector, Span

# Shapes of well-known issuers' tokens, each with the literal that must be there.
_SHAPES = tuple(
    (literal, re.compile(pattern))
    for literal, pattern in (
        ("IA", r"(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])"),
        ("gh", r"gh[pousr]_[0-9A-Za-z]{36,255}"),
        ("git", r"github_pat_[0-9A-Za-z_]{22,255}"),
        ("glpat-", r"glpat-[0-9A-Za-z_-]{20,64}"),
        ("xox", r"xox[abeoprs]-[0-9A-Za-z-]{10,255}"),
        ("AIza", r"AIza[0-9A-Za-z_-]{35}"),
        ("eyJ", r"eyJ[0-9A-Za-z_-]{8,4096}\.eyJ[0-9A-Za-z_-]{8,8192}\.[0-9A-Za-z_-]{0,2048}"),
        ("dapi", r"dapi[0-9a-f]{32}(?![0-9A-Za-z])"),
        ("hf_", r"hf_[0-9A-Za-z]{30,64}"),
        ("sk-", r"sk-(?<![0-9A-Za-z]sk-)[0-9A-Za-z_-]{0,16}[0-9A-Za-z]{20,128}"),
        ("SHA256:", r"SHA256:[0-9A-Za-z+/]{43}(?![0-9A-Za-z+/])"),
        ("AAAA", r"AAAA[BCE][0-9A-Za-z+/]{60,4096}={0,2}(?: [\w.-]{1,64}@[\w.-]{1,64})?"),
        ("PRIVATE KEY", r"PRIVATE KEY(?: BLOCK)?-----[^-]{1,16384}(?:-----END[ A-Z]{1,40}-----)?"),
    )
)
_VALUE = r"[\"']?[ \t]{0,2}[=:][ \t]{0,2}[\"']?"
_PASSWORDS = tuple(
    (literal, re.compile(pattern))
    for literal, pattern in (
        (
            "pass",
            rf"pass(?:(?:w(?:or)?d|phrase)(?:{_VALUE}|(?<=--password)[ =]|(?<=--passwd)[ =])|=)"
            r"([^\s\"'<>,;]{1,256})",
        ),
        ('psk="', r"psk=\"([^\"\n]{8,63})(?=\")"),
        ("bind", r"bind_?pw[ =:]{1,3}([^\s\"'<>,;]{4,256})"),
        ("key = ", r"(?:private|preshared)key = ([\w+/]{43}=)"),
        ("psk", rf"psk{_VALUE}([^\s\"'<>,;]{{8,256}})"),
    )
)
_RANDOM = tuple(
    (literal, re.compile(pattern + r"([\w+/=.~-]{8,4096})"))
    for literal, pattern in (
        ("token", rf"token{_VALUE}"),
        ("secret", rf"secret(?:[_-]?(?:access[_-]?)?key)?{_VALUE}"),
        ("api", rf"api[_-]?key{_VALUE}"),
        ("access", rf"access[_-]?key(?:[_-]?id)?{_VALUE}"),
        ("bearer", r"bearer[ \t]{1,2}"),
        ("authorization", r"authorization: ?basic[ \t]{1,2}"),
    )
)
_IN_URL = re.compile(r"://([^\s:/@<>]{1,64}):([^\s/@<>]{1,256})@")
_NOT_A_PASSWORD = re.compile(
    r"(?:[0-9]{1,2}|null|none|no|yes|true|false|[01]|on|off|unset|n/a|empty|required|[*x.]{1,64}|[%$&{\[(\\].{0,256}|.{0,256}[()].{0,256})",
    re.IGNORECASE,
)


def _shaped(pattern: re.Pattern[str], text: str, _lowered: str) -> list[Span]:
    return [Span(*match.span(), "secret") for match in pattern.finditer(text)]


def _keyed(pattern: re.Pattern[str], accept: Callable[[str, str], bool], text: str, lowered: str) -> Iterator[Span]:
    for match in pattern.finditer(lowered):
        start, end = match.span(1)
        if accept(text[start:end], lowered[match.start() : start]) and text[max(0, match.start() - 1)] != "@":
            yield Span(start, end, "secret")


def _in_urls(text: str, _lowered: str) -> Iterator[Span]:
    if "@" in text:
        for match in _IN_URL.finditer(text):
            yield Span(*match.span(1), "user")
            yield Span(*match.span(2), "secret")


def _is_password(value: str, key: str) -> bool:
    if _NOT_A_PASSWORD.fullmatch(value):
        return False
    # "Password: a word" is prose; "password=word" is a setting.
    return ":" not in key or looks_random(value)


def looks_random(value: str) -> bool:
    """Whether a value looks generated: digits among letters, and not a number or an identifier."""
    digits = sum(character.isdigit() for character in value)
    letters = sum(character.isalpha() for character in value)
    if (
        len(value) < 8
        or digits < (2 if len(value) < 32 else 1)
        or letters < 2
        or re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}[.,]?", value)
    ):
        return False
    mixed_case = value.lower() != value != value.upper()
    if len(value) >= 32 and mixed_case and "_" not in value:
        return True
    return len(set(value.lower())) >= 6 and (digits >= 4 or (mixed_case and "_" not in value))


def _is_random(value: str, _key: str) -> bool:
    return looks_random(value)


DETECTORS = (
    *(Detector(literal, True, partial(_shaped, pattern)) for literal, pattern in _SHAPES),
    *(Detector(literal, False, partial(_keyed, pattern, _is_password)) for literal, pattern in _PASSWORDS),
    *(Detector(literal, False, partial(_keyed, pattern, _is_random)) for literal, pattern in _RANDOM),
    Detector("://", True, _in_urls),
)
