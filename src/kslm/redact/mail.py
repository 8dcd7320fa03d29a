"""E-mail addresses, and `user@host` where a person or a shell writes it.

Device-tree nodes (`i2c@7e804000`), symbol versions (`memcpy@GLIBC_2.14`) and systemd instances (`getty@tty1.service`)
share the `@` and stay, as do the placeholders of manuals (`ssh user@host`). In published text only e-mail addresses go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from kslm.redact.frames import NAME, is_host, is_name, is_person, is_user
from kslm.redact.pseudonyms import Detector, Span

_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![\w@])")
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.]\w)")
_BARE_HOST = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,63}(?![\w@,])")
_LOCAL = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"
_FILE_AND_UNIT_ENDINGS = """service socket target mount automount timer slice scope path device swap
    dts dtsi txt conf yaml rst html ko plt"""
_NOT_TOP_LEVEL = frozenset(_FILE_AND_UNIT_ENDINGS.split())
# The owners of algorithms of SSH (chacha20-poly1305@openssh.com).
_OF_ALGORITHMS = frozenset(("openssh.com", "libssh.org", "lysator.liu.se"))
_HEX_WORD = re.compile(r"[0-9a-f]+|tty\w*|unit-?address|address|addr|offset|base|reg", re.IGNORECASE)
_SHELL_BEFORE = re.compile(r"\b(?:ssh|scp|sftp|rsync|mosh|by|from|for|as|login|user|mailto:)[ \t]{1,2}$", re.IGNORECASE)
_SPELT_AT = re.compile(r"[(\[]at[)\]][ ]?[a-z0-9-]{1,63}(?:(?:\.|[ ]?[(\[{<]dot[)\]}>][ ]?| dot )[a-z0-9-]{1,63}){1,4}")
_SPELT_DOT = re.compile(r" at [a-z0-9-]{1,63}(?:(?: dot |[ ]?[(\[{<]dot[)\]}>][ ]?)[a-z0-9-]{1,63}){1,4}")
_ACCOUNT = re.compile(
    rf"(?P<user>{NAME})@(?P<host>[a-z][a-z0-9-]{{2,62}})(?=[\s:'\"),;\]>]|$)(?! [a-z]{{3,9}}: )",
    re.MULTILINE,
)
_BARE_ACCOUNT = re.compile(rb"@[A-Za-z]")
# What stands behind the @ of an account where authentication has realms: Proxmox, PAM.
_REALMS = frozenset(("pam", "pve", "pbs", "pmg"))


def _at_signs(text: str, _lowered: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        window = text[max(0, at - 64) : at]
        local = window[len(window.rstrip(_LOCAL)) :].lstrip(".-%+")
        if local:
            yield from _address(text, at, local)
        at = text.find("@", at + 1)


def _address(text: str, at: int, local: str) -> Iterator[Span]:
    start = at - len(local)
    domain = _DOMAIN.match(text, at + 1, at + 256)
    if domain is not None:
        if (
            domain[0].rpartition(".")[2].lower() not in _NOT_TOP_LEVEL
            and local != "git"
            and domain[0] not in _OF_ALGORITHMS
        ):
            end = domain.end()
            bracketed = text[start - 1 : start] == "<" and text[end : end + 1] == ">"
            yield Span(start - bracketed, end + bracketed, "email", text[start:end])
            named = start - 2 - len(local)  # karl <karl@...>
            if bracketed and text[max(0, named) : start - 1] == f"{local} " and is_person(local):
                yield Span(named, start - 2, "user", "", not text[named - 1 : named].isalnum())
        return
    of_address = _ADDRESS.match(text, at + 1)
    if of_address or (text[at + 1 : at + 2].isdigit() and _SHELL_BEFORE.search(text, max(0, start - 12), start)):
        if is_user(local):
            yield Span(start, at, "user")
        return
    host = _BARE_HOST.match(text, at + 1, at + 66)
    if host is None or _HEX_WORD.fullmatch(host[0]):
        return
    if host[0] in _REALMS:
        if is_user(local):
            yield Span(start, at, "user", "", True)
        return
    before, after = text[max(0, start - 12) : start], text[host.end() : host.end() + 2]
    in_brackets = before[-1:] in ("(", "[", "<") and after[:1] in (")", "]", ">", " ", ":")
    at_prompt = after in (":~", ":/", ":$", ":#")
    if in_brackets or at_prompt or (local == "root" and after[:1] != ".") or _SHELL_BEFORE.search(before):
        if is_user(local):
            yield Span(start, at, "user", "", True)
        if is_host(host[0]):
            yield Span(*host.span(), "host", "", not in_brackets)


def _accounts(text: str, lowered: str) -> Iterator[Span]:
    """`user@host` anywhere in a machine's own text, where both look like somebody's names."""
    for match in _ACCOUNT.finditer(lowered):
        start, end = match.span("host")
        if is_person(match["user"]) and is_name(match["host"]):
            yield Span(*match.span("user"), "user", "", True)
            yield Span(start, end, "host", text[start:end], True)


def _spelt_addresses(pattern: re.Pattern[str], _text: str, lowered: str) -> Iterator[Span]:
    """Addresses that hide from robots: joe (at) example.org, joe at example dot org."""
    for match in pattern.finditer(lowered):
        window = lowered[max(0, match.start() - 65) : match.start()]
        window = window.removesuffix(" ") if pattern is _SPELT_AT else window
        local = window[len(window.rstrip(_LOCAL)) :]
        if local.strip(".-%+_"):
            start = match.start() - len(local) - (lowered[match.start() - 1] == " ")
            yield Span(start, match.end(), "email")


def _addresses(text: str, lowered: str) -> Iterator[Span]:
    for span in _at_signs(text, lowered):
        if span.kind == "email" and is_user(span.value.partition("@")[0].partition("+")[0]):
            yield span


_SPELT = (
    # Where both spellings are, both find the same, and of two alike one counts.
    Detector("(at)", False, partial(_spelt_addresses, _SPELT_AT)),
    Detector("[at]", False, partial(_spelt_addresses, _SPELT_AT)),
    Detector("dot", False, partial(_spelt_addresses, _SPELT_DOT)),
)
PUBLISHED = (Detector("@", True, _addresses), *_SPELT)
MACHINE = (Detector("@", True, _at_signs), Detector("@", True, _accounts, _BARE_ACCOUNT), *_SPELT)
