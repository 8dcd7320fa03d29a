"""People and machines by name: e-mail addresses, user names, home folders, host names, serial numbers.

A name has no shape of its own, so it is taken only from places known to hold one: the messages of sshd, login, sudo,
su, cron, useradd and systemd-logind, `key=value` pairs, paths below a home folder, and `user@host` where a person or a
shell writes it. Device-tree nodes (`i2c@7e804000`) and systemd instances (`getty@tty1.service`) share the `@` and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from kslm.redact.pseudonyms import Detector, Span

_NAME = r"[a-z_][a-z0-9_.-]{0,30}[a-z0-9_$]|[a-z]"
_SERIAL = r"(?P<serial>[a-z0-9][\w.:-]{3,63})(?![\w/])"
# /home below another folder is some project's, unless that folder is one that holds people's homes.
_TOP_LEVEL_HOME = r"(?:(?<![\w.>-]/home/)|(?<=/var/home/)|(?<=/usr/home/)|(?<=/export/home/)|(?<=/nfs/home/))"
_SHORT_UUID = "[0-9a-f]{4}-[0-9a-f]{4}|[0-9a-f]{8}-[0-9a-f]{2}|[0-9a-f]{16}|[0-9a-f]{32}"
_HOST = r"[a-z0-9][a-z0-9.-]{0,252}"
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![\w@])")
_BARE_HOST = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,63}(?![\w@,])")
_LOCAL = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-"
_FILE_AND_UNIT_ENDINGS = """service socket target mount automount timer slice scope path device swap
    dts dtsi txt conf yaml rst html ko plt"""
_NOT_TOP_LEVEL = frozenset(_FILE_AND_UNIT_ENDINGS.split())
_HEX_WORD = re.compile(r"[0-9a-f]+|tty\w*|unit-?address|address|addr|offset|base|reg", re.IGNORECASE)
_SHELL_BEFORE = re.compile(r"\b(?:ssh|scp|sftp|rsync|mosh|by|from|for|as|login|user|mailto:)[ \t]{1,2}$", re.IGNORECASE)
_SPELT_AT = re.compile(r"[(\[]at[)\]][ ]?[a-z0-9-]{1,63}(?:(?:\.|[ ]?[(\[{<]dot[)\]}>][ ]?| dot )[a-z0-9-]{1,63}){1,4}")
_SPELT_DOT = re.compile(r" at [a-z0-9-]{1,63}(?:(?: dot |[ ]?[(\[{<]dot[)\]}>][ ]?)[a-z0-9-]{1,63}){1,4}")
# Accounts that belong to a distribution, not to a person.
_ACCOUNTS = """root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody sshd
    messagebus systemd-network systemd-resolve systemd-timesync systemd-journal polkitd dbus avahi rtkit chrony ntp _apt
    postfix postgres mysql nginx apache http ftp git adm operator halt shutdown gdm lightdm sddm cups colord tss uuidd
    adm audio cdrom dialout dip disk docker input kvm lpadmin netdev plugdev render sambashare scanner staff tty
    usb usb0 usb1 utmp video
    syslog tcpdump landscape pollinate statd rpc rpcuser dnsmasq libvirt-qemu kvm qemu sudo wheel users unknown"""
_SYSTEM_USERS = frozenset(_ACCOUNTS.split())
_USER_STRONG_BEFORE = re.compile(
    r"(?:session (?:opened|closed) for|session \S{1,12} (?:of|for)|authenticating|disconnected from|closed by|reset by"
    r"|invalid|illegal|invalid or illegal|(?:password|login|authentication|access|failure|changed|key) for)$"
)
_USER_STRONG_AFTER = re.compile(
    r" from (?:\S{0,60}[0-9.:]|<)| by \(?uid|\(uid|\(by| by [a-z0-9_-]{1,32}\(uid| logged (?:in|out|on|off)"
    r"| on (?:tty|pts)| [0-9]{1,3}\.[0-9]| <ipv|, uid"
)
_USER_WORD = re.compile(rf" user (?P<user>{_NAME})(?=[\s.,;:()\[\]]|$)")

# (word that must be there, pattern); groups are named by kind. Patterns run on lower-cased text, and nearly all begin
# with a literal, which the engine finds as fast as `in` does; lines with the same word stand together.
_KEYED = tuple(
    (literal, re.compile(pattern, re.MULTILINE))
    for literal, pattern in (
        ("user", rf"user(?<!_user)(?:name|id)?=[\"'<]?(?P<user>{_NAME})(?![\w%(])"),
        ("user ", rf"opened for user \S{{1,32}} by (?P<user>{_NAME})\(uid"),
        ("user ", rf"^user (?P<user>{_NAME}) from \S{{1,64}} not allowed"),
        ("unix-user:", rf"unix-user:(?P<user>{_NAME})"),
        ("name=", rf"logname=(?P<user>{_NAME})(?![\w%(])"),
        ("acct=", rf"acct=[\"']?(?P<user>{_NAME})(?![\w%(])"),
        ("ed ", r"ed (?:(?:(?<=accepted )|(?<=failed ))[a-z/_-]{1,40} for (?:invalid user |illegal user )?"
         rf"(?=\S{{1,64}} from )|(?<=failed )login [^\n]{{1,80}}? for |(?<=password changed )for )"
         rf"(?P<user>{_NAME})(?=[,\s]|$)"),
        ("ed ", r"ed (?:(?<=exceeded )|(?<=postponed )[a-z/-]{1,32} )for (?:invalid user )?"
         rf"(?P<user>{_NAME})(?= from )"),
        ("name=", rf": name=(?P<user>{_NAME})(?=,)"),
        (" ; tty=", rf"(?:^|sudo: )[ \t]{{0,8}}(?P<user>{_NAME}) : (?=[^;\n]{{1,64}} ; tty=)"),
        (" : tty=", rf"(?:^|sudo: )[ \t]{{0,8}}(?P<user>{_NAME}) : (?=tty=)"),
        ("(to ", rf"\(to (?P<user>{_NAME})\) [\w.-]{{1,32}} on "),
        ("(to ", rf"\(to [\w.$-]{{1,32}}\) (?P<user>{_NAME}) on "),
        ("login on ", rf"login on \S{{1,32}} by (?P<user>{_NAME})"),
        (") cmd (", rf"\((?P<user>{_NAME})\) cmd \("),
        ("group '", rf"add '(?P<user>{_NAME})' to (?:shadow )?group '"),
        ("/home/", rf"/home/{_TOP_LEVEL_HOME}(?P<user>{_NAME})(?![\w%*$])"),
        ("/media/", rf"(?<![\w.])/media/(?P<user>{_NAME})/"),
        ("id=", rf"(?<=[ug])id=[0-9]{{1,10}}\((?P<user>{_NAME})\)"),
        ("groups=", rf"groups=[0-9]{{1,10}}\((?P<user>{_NAME})\)"),
        ("] ok login", rf"\[(?P<user>{_NAME})\] ok login"),
        ("] fail login", rf"\[(?P<user>{_NAME})\] fail login"),
        ('] "', rf"^\S{{2,64}} \S{{1,64}} (?P<user>{_NAME}) \[[0-9]{{2}}/[a-z]{{3}}/[0-9]{{4}}:"),
        ("pts/", rf"^(?P<user>{_NAME}) {{1,32}}pts/[0-9]"),
        (" ?  ", rf"^(?P<user>{_NAME})\+? {{1,32}}[0-9]{{1,8}} (?: {{0,8}}[0-9.]{{1,5}} ){{2}}[0-9 ]{{1,32}}\?  "),
        ("rw", rf"rw[-rwxst]{{7}}[+.@]? {{1,8}}[0-9]{{1,6}} (?P<user>{_NAME}) "),
        ("rw", rf"rw[-rwxst]{{7}}[+.@]? {{1,8}}[0-9]{{1,6}} [\w.-]{{1,32}} {{1,8}}(?P<user>{_NAME}) "),
        ("users", r":\\users\\(?P<user>[a-z0-9_.-]{1,64})"),
        ("rhost=", rf"rhost=(?P<host>{_HOST})"),
        ("hostname", rf"hostname(?:=|(?<=ic hostname): |(?:(?<=set hostname)| set) to )[<']?(?P<host>{_HOST})[>']?"),
        ("getaddrinfo for ", rf"getaddrinfo for (?P<host>{_HOST}) \["),
        ("connect from ", rf"connect from (?P<host>{_HOST})\["),
        ("local to host ", rf"local to host (?P<host>{_HOST})"),
        ("host-record=", rf"host-record=(?P<host>{_HOST})"),
        (" ip=", rf" ip=[^:\s]{{0,24}}:[^:\s]{{0,24}}:[^:\s]{{0,24}}:[^:\s]{{0,24}}:(?P<host>{_HOST}):"),
        ("name=", rf"nodename=(?P<host>{_HOST})"),
        (" port ", rf" from (?P<host>{_HOST}) port [0-9]"),
        ("serial", rf"serial(?:[ _-]?(?:number|num|nr|no)\.?|_short)?[ \t]{{0,3}}[:=]\s{{0,20}}[\"']?{_SERIAL}"),
        ("s/n", rf"s/n[:=#. ]{{1,3}}{_SERIAL}"),
        ("serial", r"iserial[ \t]{1,40}[0-9]{1,3} (?P<serial>\S{4,64})"),
        ("serial", r"serial(?: no\.?[:=]?| number[:=]?|(?<=, serial)) (?P<label>/?[a-z0-9][a-z0-9/-]{5,32})(?![\w.])"),
        ("vmware-", r"vmware-(?P<serial>[0-9a-f]{2}(?:[ -][0-9a-f]{2}){2,15})"),
        ("wwn", r"wwn[ :=]{1,3}0x(?P<serial>[0-9a-f]{16})(?!\w)"),
        (":0", r"usb-(?<!\wusb-)(?P<serial>[\w.]{1,48}_[0-9a-z]{8,32})-[0-9]:[0-9]"),
        ("by-id/", r"by-id/(?P<serial>[\w.:+-]{8,128})"),
        ("uuid=", rf"uuid=[\"']?(?P<uuid>{_SHORT_UUID})(?![\w-])"),
        ("machine", r"machine[ _-]id[=:\" ]{1,3}(?P<uuid>[0-9a-f]{32})(?!\w)"),
        ("boot", r"boot(?:[ _-]id)?[=:\" ]{1,3}(?P<uuid>[0-9a-f]{32})(?!\w)"),
    )
)  # fmt: skip
# On a Mac; in lower case it would be a folder of a web site as well.
_MAC_HOME = re.compile(r"/Users/(?<![\w.-]/Users/)([A-Za-z0-9_.-]{1,64})")
_BY_WORD = {word: [pattern for other, pattern in _KEYED if other == word] for word, _ in _KEYED}
_UART = re.compile(r"(?:8250|16[4-9]50)\w{0,2}|tty\w+", re.IGNORECASE)


def _keyed(patterns: Sequence[re.Pattern[str]], text: str, lowered: str) -> Iterator[Span]:
    for pattern in patterns:
        for match in pattern.finditer(lowered):
            kind = match.lastgroup or "user"
            start, end = match.span(kind)
            if _ACCEPT[kind](text[start:end], text[max(0, match.start() - 1) : start]):
                yield Span(start, end, "serial" if kind == "label" else kind)


def _mac_homes(text: str, _lowered: str) -> list[Span]:
    return [Span(*match.span(1), "user") for match in _MAC_HOME.finditer(text)]


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
        if domain[0].rpartition(".")[2].lower() not in _NOT_TOP_LEVEL and local != "git":
            end = domain.end()
            bracketed = text[start - 1 : start] == "<" and text[end : end + 1] == ">"
            yield Span(start - bracketed, end + bracketed, "email", text[start:end])
        return
    if text[at + 1 : at + 2].isdigit() and _SHELL_BEFORE.search(text, max(0, start - 12), start):
        if not is_system_account(local):
            yield Span(start, at, "user")
        return
    host = _BARE_HOST.match(text, at + 1, at + 66)
    if host is None or _HEX_WORD.fullmatch(host[0]):
        return
    before, after = text[max(0, start - 12) : start], text[host.end() : host.end() + 2]
    in_brackets = before[-1:] in ("(", "[", "<") and after[:1] in (")", "]", ">", " ", ":")
    at_prompt = after in (":~", ":/", ":$", ":#")
    if in_brackets or at_prompt or (local == "root" and after[:1] != ".") or _SHELL_BEFORE.search(before):
        if not is_system_account(local):
            yield Span(start, at, "user")
        yield Span(*host.span(), "host")


def _spelt_addresses(pattern: re.Pattern[str], _text: str, lowered: str) -> Iterator[Span]:
    """Addresses that hide from robots: joe (at) example.org, joe at example dot org."""
    for match in pattern.finditer(lowered):
        window = lowered[max(0, match.start() - 65) : match.start()]
        window = window.removesuffix(" ") if pattern is _SPELT_AT else window
        local = window[len(window.rstrip(_LOCAL)) :]
        if local.strip(".-%+_"):
            start = match.start() - len(local) - (lowered[match.start() - 1] == " ")
            yield Span(start, match.end(), "email")


def _user_words(text: str, lowered: str) -> Iterator[Span]:
    for match in _USER_WORD.finditer(lowered):
        if _USER_STRONG_BEFORE.search(lowered[max(0, match.start() - 40) : match.start()]) or _USER_STRONG_AFTER.match(
            lowered, match.end(), match.end() + 80
        ):
            end = match.end() - (lowered[match.end() - 1] in ".-")
            if _is_user(text[match.start("user") : end], ""):
                yield Span(match.start("user"), end, "user")


def is_system_account(name: str) -> bool:
    """Whether a user name is a distribution's own (root, daemon, systemd-...), not a person's."""
    return name.lower() in _SYSTEM_USERS or name.startswith("systemd-")


def _is_user(value: str, _before: str) -> bool:
    return not is_system_account(value) and value.lower() not in _PROSE


def _is_host(value: str, _before: str) -> bool:
    name = value.rstrip(".").lower()
    return any(character.isalpha() for character in name) and name not in (
        "localhost",
        "unknown",
        "localhost.localdomain",
    )


def _is_serial(value: str, before: str) -> bool:
    digits = sum(character.isdigit() for character in value)
    return digits >= 2 and not (digits == len(value) < 5) and not _UART.fullmatch(value) and not before.startswith("@")


def _is_label(value: str, _before: str) -> bool:
    """A serial number without a colon before it: what a maker prints on a label, and no word or device name."""
    digits = sum(character.isdigit() for character in value)
    return (
        digits >= 2 and value.upper() == value and digits < len(value.replace("/", "")) and not _UART.fullmatch(value)
    )


def _always(_value: str, _before: str) -> bool:
    return True


# Words that follow "user" in prose about a kernel.
_NOUNS = """space mode process processes page pages mapping mappings input data memory buffer buffers address addresses
    pointer pointers id ids request requests program programs thread threads task tasks interface code context name
    names user username login session application applications library from to is has may can and or for of in on by the
    a"""
_PROSE = frozenset(_NOUNS.split())
_ACCEPT = {"user": _is_user, "host": _is_host, "serial": _is_serial, "label": _is_label, "uuid": _always}

DETECTORS = (
    Detector("@", True, _at_signs),
    # Where both spellings are, both find the same, and of two alike one counts.
    Detector("(at)", False, partial(_spelt_addresses, _SPELT_AT)),
    Detector("[at]", False, partial(_spelt_addresses, _SPELT_AT)),
    Detector("dot", False, partial(_spelt_addresses, _SPELT_DOT)),
    Detector(" user ", False, _user_words),
    Detector("/Users/", True, _mac_homes),
    *(Detector(literal, False, partial(_keyed, patterns)) for literal, patterns in _BY_WORD.items()),
)
