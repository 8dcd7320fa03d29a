"""Host names with a domain, in a machine's own text: nas.example.lan, mx1.example.co.nz.

Such a name is known by its last label: a top-level domain or a suffix of private networks. File names, D-Bus names
(org.freedesktop.login1), sysctl keys (net.ipv4.ip_forward) and modules of programs are written alike, so an ending that
is also a file's or a word needs three labels, and a name that begins where a domain ends is taken for a reversed one.
Sites of distributions and of large free-software projects are the world's and stay, as do pages that a message refers
to ("see www.example.org"). Published text is full of such names, so this does not look at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kslm.redact.frames import FILE_ENDINGS, REVERSED
from kslm.redact.pseudonyms import Detector, Span

_COUNTRIES = """ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz
    ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr
    ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo
    jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms
    mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs
    ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz
    ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"""
_GENERIC = """com org net edu gov mil int info biz arpa dev cloud online site xyz tech eu berlin hamburg wien koeln
    bayern swiss london nyc tokyo science network systems solutions services company digital email hosting agency
    studio group global world team tools software academy institute university events space website blog shop store
    page app one host support center zone life rocks club fun ninja social media"""
_PRIVATE = "lan local home internal corp localdomain intranet private box test example"
_TOP_LEVEL = frozenset((*_COUNTRIES.split(), *_GENERIC.split(), *_PRIVATE.split()))
# Endings of files, fields and words; these need three labels, and are none of a file's path.
_AMBIGUOUS_ENDINGS = """sh py pl rs so md cc in am la pm mk ac ps ai info st al app is it to no me us at be by do as
    id mm ml ms sc tc sb vi im bz tf cd cf mo mp my re ec et om pa va ve gg ax dm network systems services company
    email group global world team tools software events space page one host support center zone life social media test
    example home private box store site tech ne na nr ni np ki sd sm sr ls cx vg"""
_AMBIGUOUS = frozenset(_AMBIGUOUS_ENDINGS.split())
_PUBLIC = re.compile(
    r"(?:^|\.)(?:(?:debian|kernel|ubuntu|gnu|freedesktop|python|pypi|npmjs|fedoraproject|centos|archlinux"
    r"|opensuse|mozilla"
    r"|apache|nginx|gnome|kde|samba|openssl|postgresql|perl|cpan|rubygems|rust-lang|golang|ntp|isc|letsencrypt|x|iana"
    r"|ietf|w3|gentoo|alpinelinux|freebsd|openbsd|netbsd|linuxfoundation|bugzilla|qt-project|videolan|jenkins)\.org"
    r"|(?:ubuntu|github|gitlab|redhat|suse|canonical|docker|wireguard|openssh|intel|nvidia|amd|microsoft|mysql|mariadb"
    r"|oracle|proxmox|googleapis|gstatic|openvpn|samba|vmware|linux-usb|kernel|snapcraft|launchpad"
    r"|githubusercontent)\.(?:com|net|org|io)"
    r"|(?:docker|quay|gcr|k8s|kubernetes|systemd|snapcraft|crates|ghcr|containerd)\.(?:io|dev)|(?:core\.)?windows\.net"
    r"|rsyslog\.com|slack\.com|(?:0|127|255)\.in-addr\.arpa|cluster\.local|rc\.local|yum\.conf|localhost\.\w{1,16}|localdomain)$"
)
_NEVER_BEFORE = ("@", "$", "%", "{", "~")
_LABELS = "abcdefghijklmnopqrstuvwxyz0123456789._-"
_END = re.compile(r"\.([a-z]{2,11})(?![\w-]|\.\w|\()")
_BARE = re.compile(rb"\.(?:%b)(?![A-Za-z_])" % "|".join(sorted(_TOP_LEVEL)).encode(), re.IGNORECASE)
_REFERRED = re.compile(r"(?:\bsee|\bvisit|refer to|documentation|homepage|\bdocs?|more information)\b[^\n]{0,24}$")


def _domains(text: str, lowered: str) -> Iterator[Span]:
    for match in _END.finditer(lowered):
        point, end = match.span()
        if match[1] not in _TOP_LEVEL:
            continue
        window = lowered[max(0, point - 253) : point]
        name = window[len(window.rstrip(_LABELS)) :].rpartition("..")[2].lstrip("._-")
        start = point - len(name)
        if name and _is_host(lowered, start, end, name, match[1]):
            yield Span(start, end, "host", text[start:end])


def _is_host(lowered: str, start: int, end: int, name: str, top: str) -> bool:
    labels = name.split(".")
    before = lowered[max(0, start - 3) : start]
    if before[-1:] in _NEVER_BEFORE or (before[-1:] == "\\" and before[-2:] != "\\\\") or lowered[end : end + 1] == "=":
        return False
    if "" in labels or labels[0] in REVERSED or not labels[-1][-1:].isalnum() or "_" in labels[-1]:
        return False
    if top != "arpa" and not any(map(str.isalpha, name)):
        return False
    in_path = before[-1:] == "/" and before[-2:] != "//" and _path_before(lowered, start)
    is_ambiguous = top in _AMBIGUOUS and before != "://"
    if (is_ambiguous or in_path) and (len(labels) < 2 or (in_path and is_ambiguous) or not _is_plain(labels)):
        return False
    return not _PUBLIC.search(lowered[start:end]) and not _REFERRED.search(lowered, max(0, start - 48), start)


def _is_plain(labels: list[str]) -> bool:
    """Whether no label is a library's or a file's that dots also hold together."""
    named = any("_" in label for label in labels) or labels[0].startswith(("lib", "python"))
    return not named and labels[-1] not in FILE_ENDINGS


def _path_before(lowered: str, start: int) -> bool:
    """Whether what stands at `start` is a part of a file's path."""
    window = lowered[max(0, start - 160) : start]
    for blank in " \t\n\"'=(<>[,;":
        window = window.rpartition(blank)[2]
    return window.startswith(("/", "./", "../", "~")) and not window.startswith("//")


MACHINE = (Detector(".", True, _domains, _BARE),)
