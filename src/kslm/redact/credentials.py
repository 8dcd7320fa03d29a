"""Passwords, keys and tokens: by their own shape where they have one, else by the word that introduces them.

A value behind "token" or "secret" counts only when it looks random, since kernel text speaks of tokens, keys and
secrets all the time; behind "password=" anything counts that is not a placeholder or code, in a machine's own text:
where it is published, a password that does not look random is an example.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from kslm.redact.frames import is_user
from kslm.redact.pseudonyms import PLACEHOLDER, Detector, Span
from kslm.redact.words import is_ordinary

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
        # Hashes of passwords: crypt(3) and its kin, LDAP's, MySQL's.
        (
            "$",
            r"\$(?:[0-9][a-z]?|y|gy|sha1|md5|apr1|argon2(?:id?|d)|scrypt|pbkdf2[\w-]{0,12}|P|H)"
            r"\$(?:[\w=,.]{1,40}\$){0,3}[0-9A-Za-z./+]{16,128}(?![0-9A-Za-z./+$])",
        ),
        ("_live_", r"(?:sk|rk|pk|whsec)_live_[0-9A-Za-z]{16,128}"),
        ("npm_", r"npm_[0-9A-Za-z]{36}(?![0-9A-Za-z])"),
        ("hvs.", r"hv[sb]\.[0-9A-Za-z_-]{24,255}"),
        ("pypi-", r"pypi-[0-9A-Za-z_-]{50,255}"),
        ("SG.", r"SG\.[0-9A-Za-z_-]{16,32}\.[0-9A-Za-z_-]{32,64}"),
        ("GOCSPX-", r"GOCSPX-[0-9A-Za-z_-]{20,64}"),
        ("ya29.", r"ya29\.[0-9A-Za-z_-]{20,512}"),
        ("dop_v1_", r"dop_v1_[0-9a-f]{64}"),
        ("xapp-", r"xapp-[0-9A-Za-z-]{20,255}"),
        ("AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[0-9A-Z]{50,64}"),
        ("}", r"\{(?:S?SHA(?:256|384|512)?|S?MD5|CRYPT)\}[0-9A-Za-z+/$.]{16,200}={0,2}"),
        ("hooks.slack.com/", r"(?<=services/)T[0-9A-Z]{6,14}/B[0-9A-Z]{6,14}/[0-9A-Za-z]{16,32}"),
        (
            "PRIVATE KEY",
            r"PRIVATE KEY(?: BLOCK)?-----(?=(?:\s|\\n){0,4}(?:[\w+/=]{16}|Proc-Type|Version))[^-]{1,16384}"
            r"(?:-----END[ A-Z]{1,40}-----)?",
        ),
    )
)
_VALUE = r"[\"']?[ \t]{0,2}[=:][ \t]{0,2}[\"']?"
_PASSWORDS = tuple(
    (literal, re.compile(pattern))
    for literal, pattern in (
        (
            "pass",
            rf"pass(?:(?:w(?:or)?d|phrase)(?:{_VALUE}|(?<=--password)[ =]|(?<=--passwd)[ =])|(?<![a-z]pass)=[\"']?)"
            r"([^\s\"'<>,;]{1,256})",
        ),
        ('psk="', r"psk=\"([^\"\n]{8,63})(?=\")"),
        ("bind", r"bind_?pw[ =:]{1,3}([^\s\"'<>,;]{4,256})"),
        ("key = ", r"(?:private|preshared)key = ([\w+/]{43}=)"),
        ("psk", rf"psk{_VALUE}([^\s\"'<>,;]{{8,256}})"),
    )
)
_RANDOM_VALUE = r"([\w+/.~%-]{8,4096}={0,2})(?![\w=])"
_RANDOM = tuple(
    (literal, re.compile(pattern + _RANDOM_VALUE))
    for literal, pattern in (
        ("token", rf"token{_VALUE}"),
        ("secret", rf"secret(?:[_-]?(?:access[_-]?)?key)?{_VALUE}"),
        ("api", rf"api[_-]?key{_VALUE}"),
        ("access", rf"access[_-]?key(?:[_-]?id)?{_VALUE}"),
        ("bearer", r"bearer[ \t]{1,2}"),
        ("authorization", r"authorization: ?basic[ \t]{1,2}"),
    )
)
# The same where manuals have examples and kernel sources fields.
_RANDOM_OF_MACHINE = tuple(
    (literal, re.compile(pattern + _RANDOM_VALUE))
    for literal, pattern in (
        *((word, rf"{word}[_-]?key{_VALUE}") for word in ("account", "shared", "encryption", "signing", "license")),
        ("token ", r"token (?=[\w+/.~%-]{16})"),
        *(
            (word, rf"{word}{_VALUE}(?=[\w+/.~%-]{{16}})")
            for word in ("sessid", "sessionid", "session_id", "session_key", "session-id")
        ),
        ("auth", rf"auth(?:tok)?{_VALUE}(?=[\w+/.~%-]{{16}})"),
        ("signature", rf"signature{_VALUE}(?=[\w+/.~%-]{{16}})"),
    )
)
# Where only a secret stands, whatever it looks like; in a machine's own text, since manuals say the same of words.
_GIVEN = tuple(
    (literal, re.compile(pattern, re.MULTILINE))
    for literal, pattern in (
        *((f": {kind} ", rf": {kind} [\"']([^\"'\n]{{4,256}})") for kind in ("psk", "xauth", "eap", "ntlm")),
        (
            " -p",
            r"(?:my\w{0,10}|mariadb\S{0,8}|plink|7z\w?) (?:[^\n|;]{0,120} )?-p[\"']?([^\s\"'|;]{3,256})",
        ),
        (":543", r"^[\w.*-]{1,253}:543[0-9]:[\w*-]{1,64}:[\w.-]{1,64}:(\S{3,256})$"),
        ("]:", r"^\[[\w.-]{1,253}\]:[0-9]{2,5}[ \t]{1,8}[^\s:]{1,128}:(\S{3,256})$"),
        ("<pass", r"<pass(?:word|wd|phrase)?>([^<\s]{3,256})</"),
        (" -p", r"(?:docker|podman|helm|skopeo|oc|npm) login (?:[^\n|;]{0,120} )?-p ?[\"']?([^\s\"'|;]{3,256})"),
        ("sshpass ", r"sshpass -p ?[\"']?([^\s\"'|;]{3,256})"),
        (" -p", r" -p[\"']([^\s\"'|;]{3,256})[\"']"),
        (" -a ", r"redis-cli (?:[^\n|;]{0,120} )?-a [\"']?([^\s\"'|;]{4,256})"),
        (" -w ", r"\bldap\w{1,8} (?:[^\n|;]{0,120} )?-w [\"']?([^\s\"'|;]{3,256})"),
        ("%", r" (?:-u|--user) ?[\"']?[\w.\\-]{1,64}%([^\s\"'|;]{3,256})"),
        (" -u", r"(?:curl|wget|http) (?:[^\n|;]{0,200} )?-u ?[\"']?[\w.@-]{1,64}:([^\s\"'|;]{3,256})"),
        ("user", r"--(?:proxy-)?user[= ][\"']?[\w.@-]{1,64}:([^\s\"'|;]{3,256})"),
        ("--", r"--(?:pass|passphrase|token|secret|api-?key|auth-?key|psk)[= ][\"']?([^\s\"'|;]{4,256})"),
        (
            "pass",
            r"(?:requirepass|masterauth|rootpw|userpass|ldappass|pass(?:wd|phrase)?:)[= ][\"']?([^\s\"'<>,;:]{6,256})",
        ),
        ("requirepass", r"requirepass[= ]{1,3}[\"']?([^\s\"'<>,;]{4,256})"),
        ("masterauth", r"masterauth[= ]{1,3}[\"']?([^\s\"'<>,;]{4,256})"),
        ("login ", r"\blogin [^\s]{1,64}\s{1,4}password [\"']?([^\s\"']{3,256})"),
        ("password is", r"password is[: ]{1,2}[\"']?([^\s\"'<>,;]{4,256})"),
        ("password ", r"password (?=\S{0,64}[0-9])[\"']?([^\s\"'<>,;()]{8,256})"),
        ("identified ", r"identified (?:with \S{1,32} )?by (?:password )?[\"']([^\"'\n]{3,256})[\"']"),
        (
            "community",
            r"(?:r[ow]community6?|community(?:[ _-]string)?)[ :=]{1,3}[\"']?(?=[a-z]*[0-9_-])([^\s\"'<>,;()]{5,64})",
        ),
        ("wpa_passphrase ", r"wpa_passphrase \S{1,64} [\"']?([^\s\"']{8,63})"),
        ("_key", r"wep_key[0-3]=[\"']?([^\s\"']{5,64})"),
        ("chpasswd", r"echo [\"']?[\w.-]{1,32}:([^\s\"'|]{3,256})[\"']? ?\|"),
        ("pwd=", r"\bpwd=(?![/~.$])[\"']?([^\s\"'<>,;]{4,256})"),
        ("_pw", r"_pw(?:d)?[:=][ ]?[\"']?([^\s\"'<>,;]{4,256})"),
        ("secret ", r"secret [\"'](?=[^\s\"']{0,64}[0-9])([^\s\"']{6,256})[\"']"),
    )
)
_COOKIE_VALUE = re.compile(r"[ ;:\"'][\w.-]{1,64}=\"?([^\s;,\"']{8,4096})")
_IN_URL = re.compile(r"://([^\s:/@<>]{1,64}):([^\s/@<>]{1,256})@")
_NOT_A_PASSWORD = re.compile(
    r"(?:[0-9]{1,2}|null|none|no|yes|true|false|[01]|on|off|unset|n/a|empty|required|changeme\W?|[*x.]{1,64}|[%$&{\[(\\].{0,256}|.{0,256}[()].{0,256})",
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
            if is_user(match[1]):
                yield Span(*match.span(1), "user", "", True)
            yield Span(*match.span(2), "secret")


def _published_in_urls(text: str, lowered: str) -> Iterator[Span]:
    return (span for span in _in_urls(text, lowered) if span.kind == "secret" and looks_random(text[slice(*span[:2])]))


def _cookies(text: str, lowered: str) -> Iterator[Span]:
    """The values in a Cookie or Set-Cookie header that look generated."""
    at = lowered.find("cookie:")
    while at >= 0:
        line = text.find("\n", at)
        for match in _COOKIE_VALUE.finditer(text, at + 6, min(line if line >= 0 else len(text), at + 8192)):
            if looks_random(match[1]):
                yield Span(*match.span(1), "secret")
        at = lowered.find("cookie:", at + 7)


def _is_given(value: str, _key: str) -> bool:
    return (
        not _NOT_A_PASSWORD.fullmatch(value) and not is_ordinary(value.rstrip(".,;:!")) and not PLACEHOLDER.match(value)
    )


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
    return looks_random(value.replace("%20", ""))  # a phrase in a URL


_SHAPED = tuple(Detector(literal, True, partial(_shaped, pattern)) for literal, pattern in _SHAPES)
_ASSIGNED = tuple(Detector(literal, False, partial(_keyed, pattern, _is_random)) for literal, pattern in _RANDOM)
PUBLISHED = (
    *_SHAPED,
    *_ASSIGNED,
    *(Detector(literal, False, partial(_keyed, pattern, _is_random)) for literal, pattern in _PASSWORDS),
    Detector("://", True, _published_in_urls),
)
MACHINE = (
    *_SHAPED,
    *_ASSIGNED,
    *(Detector(literal, False, partial(_keyed, pattern, _is_password)) for literal, pattern in _PASSWORDS),
    Detector("://", True, _in_urls),
    *(Detector(literal, False, partial(_keyed, pattern, _is_random)) for literal, pattern in _RANDOM_OF_MACHINE),
    *(Detector(literal, False, partial(_keyed, pattern, _is_given)) for literal, pattern in _GIVEN),
    Detector("cookie:", False, _cookies),
)
