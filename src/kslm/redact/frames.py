"""Places known to hold a name or a number, as regular expressions whose groups say what the place holds.

A frame is (literal, pattern), or (literal, pattern, bare) as of kslm.redact.pseudonyms.Detector: the literal must be in
the text, and patterns, which run on lower-cased text, nearly all begin with it, because the engine finds a leading
literal as fast as `in` does. A group's name says what is there and how far the place can be trusted:

    user, host      surely one; replaced wherever else it occurs in the same machine's text
    guest           a user's name that somebody tried, so not one to be looked for elsewhere
    person, name    a user's or host's name, unless it is a word of the trade
    peer            a host's name if it looks like one: with a digit, a hyphen or a domain
    serial, label, uuid, secret
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from kslm.redact.pseudonyms import Detector, Span
from kslm.redact.words import is_ordinary

Frame = tuple[str, str] | tuple[str, str, bytes]
Accept = Callable[[str, str], bool]

NAME = r"[a-z_][a-z0-9_.-]{0,30}[a-z0-9_$]|[a-z]"
HOST = r"[a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?"
_KIND = {"guest": "user", "person": "user", "name": "host", "peer": "host", "label": "serial", "link": "serial"}
_CARRIED = frozenset(("user", "host", "name"))
# What begins a name written from its domain on: D-Bus, iSCSI, packages of programs.
_DOMAINS_FIRST = "com org net edu gov io dev ru sun java javax sys android vendor persist ro init iqn nqn"
REVERSED = frozenset(_DOMAINS_FIRST.split())
# What kernel and network say where a host would stand.
_NO_HOST = frozenset(("localhost", "unknown", "localhost.localdomain", "none", "null", "host", "hostname"))
# Examples in manuals.
_NO_USER = frozenset(("user", "username", "you", "me", "name", "login", "someone", "somebody", "youruser"))
_ENDINGS = """service socket target mount automount timer slice scope path device swap link network dts dtsi txt conf
    yaml yml json xml rst html ko plt c h cc cpp py go rs js java pl rb sh so img iso bin fw log pid sock db deb rpm
    gz xz zst zip pem crt key cfg ini desktop"""
FILE_ENDINGS = frozenset(_ENDINGS.split())
# Accounts that belong to a distribution, not to a person.
_ACCOUNTS = """root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats nobody sshd
    messagebus systemd-network systemd-resolve systemd-timesync systemd-journal polkitd dbus avahi rtkit chrony ntp
    _apt postfix postgres mysql nginx apache http ftp git adm operator halt shutdown gdm lightdm sddm cups colord tss
    uuidd adm audio cdrom dialout dip disk docker input kvm lpadmin netdev plugdev render sambashare scanner staff tty
    usb usb0 usb1 utmp video dovecot named bind redis rabbitmq zabbix nagios tomcat squid saned geoclue gnome-keyring
    syslog tcpdump landscape pollinate statd rpc rpcuser dnsmasq libvirt-qemu kvm qemu sudo wheel users unknown
    debian-tor _chrony _rpc wwwrun apache2 sssd pulse usbmux nfsnobody debian-exim vboxadd haproxy rabbit
    ejabberd couchdb emqx kafka oauth2 x-access-token gitlab-ci-token"""
_SYSTEM_USERS = frozenset(_ACCOUNTS.split())


def is_system_account(name: str) -> bool:
    """Whether a user name is a distribution's own (root, daemon, systemd-...), not a person's."""
    return name.lower() in _SYSTEM_USERS or name.startswith("systemd-")


def detectors(frames: Iterable[Frame], accept: dict[str, Accept]) -> tuple[Detector, ...]:
    """One detector per literal, its patterns together, in the order of first mention."""
    by_literal: dict[tuple[str, bytes], list[re.Pattern[str]]] = {}
    for literal, pattern, *bare in frames:
        by_literal.setdefault((literal, bare[0] if bare else b""), []).append(re.compile(pattern, re.MULTILINE))
    return tuple(
        Detector(
            literal,
            False,
            partial(_framed, patterns, accept),
            re.compile(bare, re.IGNORECASE | re.MULTILINE) if bare else None,
        )
        for (literal, bare), patterns in by_literal.items()
    )


def _framed(patterns: Sequence[re.Pattern[str]], accept: dict[str, Accept], text: str, lowered: str) -> Iterator[Span]:
    for pattern in patterns:
        for match in pattern.finditer(lowered):
            group = match.lastgroup or "user"
            start, end = match.span(group)
            if accept[group](text[start:end], text[max(0, match.start() - 1) : start]):
                yield Span(start, end, _KIND.get(group, group), "", group in _CARRIED)


def is_user(value: str, _before: str = "") -> bool:
    """Whether a name in a place of users is a person's."""
    return not is_system_account(value) and value.lower() not in _NO_USER


def is_person(value: str, _before: str = "") -> bool:
    """The same where ordinary words may stand as well."""
    return is_user(value) and not is_ordinary(value) and not ("." in value and _is_file(value))


def is_host(value: str, _before: str = "") -> bool:
    """Whether a name in a place of hosts is one machine's."""
    name = value.rstrip(".").lower()
    return any(map(str.isalpha, name)) and name not in _NO_HOST


def is_name(value: str, _before: str = "") -> bool:
    """The same where ordinary words and devices may stand as well."""
    return is_host(value) and not is_ordinary(value)


def is_peer(value: str, _before: str = "") -> bool:
    """Whether a name looks like a host's by itself: a digit, a hyphen or a domain, and no device."""
    lettered = any(map(str.isalpha, value))
    if not lettered or value.isalpha() or "_" in value or value.partition(".")[0].lower() in REVERSED:
        return False
    is_phrase = not any(map(str.isdigit, value)) and "." not in value and all(map(is_ordinary, value.split("-")))
    return is_name(value) and not is_phrase and not _is_file(value)


def _is_file(value: str) -> bool:
    return value.rpartition(".")[2].lower() in FILE_ENDINGS


# Whom examples are about.
_EXAMPLES = """joe alice bob carol foo bar baz john jane jdoe johndoe doe fred foobar myname myuser someuser yourname
    user1 user2 testuser guest me bill jim tux pi vagrant ubuntu build builder"""
_EXAMPLE_USERS = frozenset(_EXAMPLES.split())


def is_somebody(value: str, _before: str = "") -> bool:
    """Whether the name of a home folder in published text is a person's and no example's."""
    ending = value.rpartition(".")[2]
    is_file = "." in value and (is_ordinary(ending) or _is_file(value))
    return is_person(value) and value.lower() not in _EXAMPLE_USERS and not is_file


HOSTS: dict[str, Accept] = {"host": is_host, "name": is_name, "peer": is_peer}
