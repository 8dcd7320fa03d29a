"""Addresses of networks and hardware: IPv4, IPv6, MAC, UUID, and host names that spell an address.

Each pattern begins with the punctuation that its kind cannot do without, because the regular-expression engine finds a
leading literal at memory speed; what stands before it is then checked by hand.
"""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Iterator
from importlib.resources import files

from kslm.redact.pseudonyms import Detector, Span

_DOTS = re.compile(r"\.(?<!\.\.)([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9A-Za-z_])")
_FIRST_OCTET = re.compile(r"(?:^|(?<=[^\w.-])|(?<=[0-9]-)|(?<=\.\.))([0-9]{1,3})\Z")
_COLONS = re.compile(r":[0-9A-Fa-f:]{2,}")
# As mdadm writes the identifier of an array.
_RAID = re.compile(r"[0-9A-Fa-f]{8}(?::[0-9A-Fa-f]{8}){3}")
_HEX_TAIL = re.compile(r"(?:^|(?<=[^\w:.]))([0-9A-Fa-f]{0,4})\Z")
_DASHES = re.compile(
    r"-(?:[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?!\w)"
    r"|(?:[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){4}-[0-9A-Za-z]{6}"
    r"|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){4}"
    r"|[0-9]{1,3}(?:-[0-9]{1,3}){2,3}(?:\.[A-Za-z0-9-]{1,63}){0,8})(?![\w-]))"
)
_INTERFACE = re.compile(r"(?:en|wl)x([0-9a-f]{12})(?![0-9A-Za-z])")
# A first octet that a sentence about versions, specifications or packages leads to.
_VERSION_BEFORE = re.compile(
    r"(?:\b(?:version|vers?|v|release|rel|rev|revision|firmware|fw|build|section|sections|sect?|chapter|clause|figure"
    r"|fig|table|spec|specification|acpi|api|abi|driver|bios|uefi|microcode|nvm|oid|part|paragraph|appendix|standard"
    r"|upgrade|libc|std|802\.[0-9]{1,2}[a-z-]{0,3}[0-9]{0,4})|§|:(?:amd64|arm64|armhf|i386|all))"
    r"[\s:.,=#(v\"'-]*$",
    re.IGNORECASE,
)
_ADDRESS_BEFORE = re.compile(
    r"(?:\b(?:ip|ipv4|inet|from|to|addr|address|src|dst|saddr|daddr|host|rhost|server|nameserver|dns|gateway|gw|via"
    r"|route|client|peer|remote|local|router|ping|dhcp\w*|bound|lease|listen\w*|on|with|by|for|tcp|udp|nfsroot)"
    r"[\s:=\[(\"']*|://|@)$",
    re.IGNORECASE,
)
# A product called server, and the address that manuals make up.
_PRODUCT_BEFORE = re.compile(r"(?:\b(?![A-Z]{2,5} )[A-Z][\w.]*|[a-z]) Server \(?v?$|\b[A-Z]\w*[a-z]\w*/$")
_MADE_UP = ("1", "2", "3", "4")
_NETWORK_AFTER = re.compile(r"/(?:[0-9]|[12][0-9])(?![0-9])|/[0-9]{1,3}\.")
# Public resolvers, which manuals name.
_PUBLIC_RESOLVERS = """1.1.1.1 1.0.0.1 8.8.8.8 8.8.4.4 9.9.9.9 9.9.9.10 9.9.9.11 149.112.112.112 208.67.222.222
    208.67.220.220 4.2.2.1 4.2.2.2 2606:4700:4700::1111 2606:4700:4700::1001 2001:4860:4860::8888 2001:4860:4860::8844
    2620:fe::fe"""
_RESOLVERS = frozenset(_PUBLIC_RESOLVERS.split())
_ADDRESS_AFTER = re.compile(r":[0-9]{2,5}\b|/[0-9]{1,2}\b|[ #]port\b|[ ]?->")
_PACKAGE_AFTER = re.compile(r"[+~]|-[0-9A-Za-z](?![0-9]{0,2}\.[0-9])|\.[0-9]")
_LARGEST_SECTION = 30
_PUBLISHED = frozenset(
    re.findall(r"^[0-9a-f-]{36}", files("kslm.redact").joinpath("guids.txt").read_text("utf-8"), re.MULTILINE)
)
# UUIDs made from a short number: Bluetooth's services, COM's classes.
_BASES = frozenset(("0000-1000-8000-00805f9b34fb", "0000-0000-c000-000000000046"))
# Kinds of things and interfaces of firmware have UUIDs that are the same everywhere.
_TYPE_BEFORE = re.compile(
    r"(?:type(?:[ _-]?(?:uuid|guid|id))?|guid code|_(?:dsm|osc|dsd)(?: evaluated with| (?:uu|gu)id)?|wmi(?: guid"
    r"| block)?"
    r"|vendor guid|efi_\w{1,60}_guid|efivars/\w{1,60}-)[\s=:\"'({\[]{0,4}$",
    re.IGNORECASE,
)
_TYPE_AFTER = re.compile(r"[\"')}\]]{0,2}(?: \((?:efi|linux|microsoft|bios)\b)", re.IGNORECASE)
_COUNTING = "0123456789abcdef0123456789abcdef"
_OCTETS = frozenset(str(number) for number in range(256))


def _ipv4(text: str, _lowered: str) -> Iterator[Span]:
    for match in _DOTS.finditer(text):
        point, end = match.span()
        first = _FIRST_OCTET.search(text[max(0, point - 8) : point])
        if first is None:
            continue
        octets = (first[1], *match.groups())
        start = point - len(first[1])
        if _is_host_address(octets) and not _is_version(text, start, end, octets):
            yield Span(start, end, "ipv4")


def _is_host_address(octets: tuple[str, ...]) -> bool:
    """Whether these are an address of one machine: no leading zeros, not loopback, netmask, broadcast or multicast."""
    return _OCTETS.issuperset(octets) and 0 < int(octets[0]) < 224 and octets[0] != "127" and octets != _MADE_UP


def _is_version(text: str, start: int, end: int, octets: tuple[str, ...]) -> bool:
    before = text[max(0, start - 24) : start]
    if before.endswith(("IP ", " > ")) and text[end : end + 1] == ".":  # a packet dump: address.port > address.port
        return False
    if _PACKAGE_AFTER.match(text, end, end + 8) or _VERSION_BEFORE.search(before) or _PRODUCT_BEFORE.search(before):
        return True
    if octets[0] == "10" or any(int(octet) > _LARGEST_SECTION for octet in octets):
        return False
    return not (_ADDRESS_AFTER.match(text, end, end + 8) or _ADDRESS_BEFORE.search(before))


def _colon_groups(text: str, _lowered: str) -> Iterator[Span]:
    """MAC and IPv6 addresses; times, PCI addresses, scopes and hex dumps have another number or width of groups."""
    for match in _COLONS.finditer(text):
        colon, end = match.span()
        if end - colon > 60 or (end < len(text) and (text[end].isalnum() or text[end] == "_")):
            continue
        if (
            end - colon == 27
            and _RAID.fullmatch(text, max(0, colon - 8), end)
            and not text[colon - 9 : colon - 8].isalnum()
        ):
            yield Span(colon - 8, end, "uuid")
            continue
        head = _HEX_TAIL.search(text[max(0, colon - 5) : colon])
        if head is None:
            continue
        start = colon - len(head[1])
        if text[end - 1] == ":" and text[end - 2] != ":":
            end -= 1
        groups = text[start:end].split(":")
        # An address and a port.
        if groups[-1].isdigit() and (len(groups[-1]) == 5 or (len(groups) == 9 and "" not in groups)):
            end -= len(groups.pop()) + 1
        if len(groups) in (6, 8, 14) and all(len(group) == 2 for group in groups):
            if _is_mac(groups, text[max(0, start - 4) : start]):
                yield Span(start, end, "mac")
        elif _is_ipv6(text[start:end], groups):
            yield Span(start, end, "ipv6")


def _is_mac(groups: list[str], before: str) -> bool:
    """Six pairs or eight (EUI-64) of one device, no group address; or fourteen, a netfilter MAC= field."""
    if len(groups) == 14:
        return before == "MAC="
    return any(group != "00" for group in groups) and not int(groups[0], 16) & 1 and not _is_counted(groups)


def _is_counted(groups: list[str]) -> bool:
    """An example's address: pairs count up (02:03:04:...) or repeat a digit (00:11:22:...), or all digits count up."""
    pairs = [int(group, 16) for group in groups if group.lower() not in ("ff", "fe")][1:]
    digits = "".join(groups).lower()
    is_doubled = all(pair % 0x11 == 0 for pair in pairs)
    return is_doubled or digits in _COUNTING or len({b - a for a, b in itertools.pairwise(pairs)}) == 1


def _is_ipv6(candidate: str, groups: list[str]) -> bool:
    if len(groups) < 3 or ("::" not in candidate and len(groups) != 8):
        return False
    try:
        address = ipaddress.IPv6Address(candidate)
    except ValueError:
        return False
    first = int(address) >> 112
    wide = sum(len(group) >= 3 for group in groups) >= 4
    return 0x2000 <= first < 0x4000 or 0xFC00 <= first < 0xFE00 or 0xFE80 <= first < 0xFEC0 or (wide and first < 0xFF00)


def _dash_groups(text: str, _lowered: str) -> Iterator[Span]:
    for match in _DASHES.finditer(text):
        dash, end = match.span()
        before = text[max(0, dash - 64) : dash]
        body = text[dash + 1 : end]
        if len(body) == 27 and body[4] == "-":
            if _is_uuid(before[-8:], body, before[:-8], text[end : end + 32]):
                yield Span(dash - 8, end, "uuid")
        elif len(body) == 31 and body[24] == "-" and body[4] == "-":
            if before[-6:].isalnum() and len(before[-6:]) == 6 and not before[-7:-6].isalnum() and _is_mixed(body):
                yield Span(dash - 6, end, "uuid")
        elif len(body) == 14 and body[2::3] == "----" and _is_hex(before[-2:]) and not before[-3:-2].isalnum():
            if len(before) > 1 and _is_mac([before[-2:], *body.split("-")], ""):
                yield Span(dash - 2, end, "mac")
        elif body[:1].isdigit():
            yield from _address_in_name(text, dash, end, before)


def _is_uuid(head: str, body: str, before: str, after: str) -> bool:
    """Whether these are the parts of somebody's UUID: not nil, and neither published nor said to be a kind's name."""
    if len(head) < 8 or not _is_hex(head) or before[-1:].isalnum() or not body.strip("0-") + head.strip("0"):
        return False
    if f"{head}-{body}".lower() in _PUBLISHED or body.lower() in _BASES:
        return False
    return not (_TYPE_BEFORE.search(before) or _TYPE_AFTER.match(after))


def _is_mixed(body: str) -> bool:
    """LVM's identifiers are random letters of both cases and digits."""
    return any(map(str.isdigit, body)) and body.lower() != body != body.upper()


def _address_in_name(text: str, dash: int, end: int, before: str) -> Iterator[Span]:
    """Host names made of an address, as providers give them: calvisitor-10-105-160-95, 82-1-2-3.example.net."""
    label = before[len(before.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")) :]
    name = f"{label}{text[dash:end]}".lstrip("-.")
    octets = re.search(r"(?:^|[-.])([0-9]{1,3})-([0-9]{1,3})-([0-9]{1,3})-([0-9]{1,3})(?![0-9-])", name)
    if octets is None or any(int(octet) > 255 for octet in octets.groups()):
        return
    lettered = any(character.isalpha() for character in name[: octets.start()]) or "." in name[octets.end() :]
    if lettered and any(int(octet) > _LARGEST_SECTION for octet in octets.groups()):
        yield Span(end - len(name), end, "host", name)


def _interfaces(text: str, _lowered: str) -> list[Span]:
    return [Span(*match.span(1), "mac") for match in _INTERFACE.finditer(text)]


def _is_hex(word: str) -> bool:
    return bool(word) and all(character in "0123456789abcdefABCDEF" for character in word)


def _published_ipv4(text: str, lowered: str) -> Iterator[Span]:
    for span in _ipv4(text, lowered):
        octets = [int(octet) for octet in text[span.start : span.end].split(".")]
        is_network = octets[3] in (0, 255) or _NETWORK_AFTER.match(text, span.end)
        is_counted = octets[1] - octets[0] == octets[2] - octets[1]
        if not (is_network or is_counted) and _is_public(text[span.start : span.end]):
            yield span


def _published_groups(text: str, lowered: str) -> Iterator[Span]:
    for span in _colon_groups(text, lowered):
        if span.kind == "mac" or (span.kind == "ipv6" and _is_public(text[span.start : span.end])):
            yield span


def _published_dashes(text: str, lowered: str) -> Iterator[Span]:
    return (span for span in _dash_groups(text, lowered) if span.kind == "mac")


def _is_public(value: str) -> bool:
    """Whether an address is one machine's on the Internet: no private network, example, whole network, or resolver."""
    address = ipaddress.ip_address(value)
    if value.lower() in _RESOLVERS or not address.is_global:
        return False
    if address.version == 4:
        return True
    # The first half names a network; 3ffe:: was the test network of IPv6.
    return int(address) >> 125 == 1 and int(address) >> 112 != 0x3FFE and int(address) % (1 << 64) > 0


_INTERFACES = (Detector("enx", True, _interfaces), Detector("wlx", True, _interfaces))
PUBLISHED = (
    Detector(".", True, _published_ipv4, re.compile(rb"\.\.\.")),
    Detector(":", True, _published_groups, re.compile(rb":[A-Fa-f]*:")),
    Detector("-", True, _published_dashes, re.compile(rb"-(?:[A-Fa-f]*-){4}")),
    *_INTERFACES,
)
MACHINE = (
    Detector(".", True, _ipv4, re.compile(rb"\.\.\.")),
    Detector(":", True, _colon_groups, re.compile(rb":[A-Fa-f]*:")),
    Detector("-", True, _dash_groups, re.compile(rb"-(?:[A-Fa-f]*-){2}|-(?:[A-Za-z]{0,4}-){4}")),
    # Where both are, both find the same, and of two alike one counts.
    *_INTERFACES,
)
