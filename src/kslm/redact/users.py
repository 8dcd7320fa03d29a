"""Names of people's accounts, and home folders.

A name has no shape of its own, so it is taken only from places known to hold one: the messages of sshd, login, sudo,
su, cron, useradd and systemd-logind, `key=value` pairs, and paths below a home folder; and from where prose would say
the same of anybody: user "x", as user x, x's line in /etc/passwd, `mysql -u x`. Published text is full of both as
formats and examples, so there only home folders count, and those messages on a line of a log that it quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from kslm.redact.frames import NAME, Accept, Frame, detectors, is_person, is_somebody, is_user
from kslm.redact.pseudonyms import Detector, Span

# /home below another folder is some project's, unless that folder is one that holds people's homes.
_TOP_LEVEL_HOME = r"(?:(?<![\w.>-]/home/)|(?<=/var/home/)|(?<=/usr/home/)|(?<=/export/home/)|(?<=/nfs/home/))"
# Accounts of distributions as ps and top cut them.
_TRUNCATED = "systemd|message|debian-|www-dat|avahi-a|libvirt|gnome-k"
_QUOTE = r"(?:\\{0,3}[\"'<`\[])"
_STRONG_BEFORE = re.compile(
    r"(?:session (?:opened|closed) for|session \S{1,12} (?:of|for)|authenticating|disconnected from|closed by|reset by"
    r"|invalid|illegal|invalid or illegal|(?:password|login|authentication|access|failure|changed|key) for)$"
)
_GUESSED_BEFORE = re.compile(r"(?:invalid|illegal|authenticating|failure for)$")
_STRONG_AFTER = re.compile(
    r" from (?:\S{0,60}[0-9.:]|<)| by \(?uid|\(uid|\(by| by [a-z0-9_-]{1,32}\(uid| logged (?:in|out|on|off)"
    r"| on (?:tty|pts)| [0-9]{1,3}\.[0-9]| <ipv|, uid"
)
_WORD = re.compile(rf" user (?P<user>{NAME})(?=[\s.,;:()\[\]]|$)")

# (word that must be there, pattern); lines with the same word stand together.
_HOMES = (("/home/", rf"/home/{_TOP_LEVEL_HOME}(?P<user>{NAME})(?![\w%*$])"),)
_FRAMES: tuple[Frame, ...] = (
    ("user", rf"user(?<!_user)(?:name|id)?=[\"'<]?(?P<user>{NAME})(?![\w%(])"),
    ("user ", rf"opened for user \S{{1,32}} by (?P<user>{NAME})\(uid"),
    ("user ", rf"^user (?P<guest>{NAME}) from \S{{1,64}} not allowed"),
    ("unix-user:", rf"unix-user:(?P<user>{NAME})"),
    ("name=", rf"logname=(?P<user>{NAME})(?![\w%(])"),
    ("acct=", rf"acct=[\"']?(?P<guest>{NAME})(?![\w%(])"),
    ("accepted ", rf"accepted [a-z/_-]{{1,40}} for (?=\S{{1,64}} from )(?P<user>{NAME})(?= )"),
    ("password changed for ", rf"password changed for (?P<user>{NAME})(?=[,\s]|$)"),
    ("failed ", r"failed (?:[a-z/_-]{1,40} for (?:invalid user |illegal user )?(?=\S{1,64} from )"
     rf"|login [^\n]{{1,80}}? for [\"']?)(?P<guest>{NAME})(?=[\"',\s]|$)"),
    *((start, rf"{start}{rest}for (?:invalid user )?(?P<guest>{NAME})(?= from )")
      for start, rest in (("exceeded ", ""), ("postponed ", "[a-z/-]{1,32} "))),
    ("name=", rf": name=(?P<user>{NAME})(?=,)"),
    (" ; tty=", rf"(?:^|sudo: )[ \t]{{0,8}}(?P<user>{NAME}) : (?=[^;\n]{{1,64}} ; tty=)"),
    (" : tty=", rf"(?:^|sudo: )[ \t]{{0,8}}(?P<user>{NAME}) : (?=tty=)"),
    ("(to ", rf"\(to (?P<user>{NAME})\) [\w.-]{{1,32}} on "),
    ("(to ", rf"\(to [\w.$-]{{1,32}}\) (?P<user>{NAME}) on "),
    ("login on ", rf"login on \S{{1,32}} by (?P<user>{NAME})"),
    (") cmd (", rf"\((?P<user>{NAME})\) cmd \("),
    ("group '", rf"add '(?P<user>{NAME})' to (?:shadow )?group '"),
    ("/media/", rf"(?:(?<![\w.])|(?<=/run))/media/(?P<user>{NAME})/"),
    ("id=", rf"(?<=[ug])id=[0-9]{{1,10}}\((?P<user>{NAME})\)", rb"[ug]id=\("),
    ("groups=", rf"groups=[0-9]{{1,10}}\((?P<user>{NAME})\)"),
    ("] ok login", rf"\[(?P<user>{NAME})\] ok login"),
    ("] fail login", rf"\[(?P<guest>{NAME})\] fail login"),
    ('] "', rf"^(?:\S{{2,200}} )?\S{{2,64}} \S{{1,64}} (?P<user>{NAME}) \[[0-9]{{2}}/[a-z]{{3}}/[0-9]{{4}}:"),
    ("pts/", rf"^(?P<user>{NAME}) {{1,32}}pts/[0-9]"),
    (" ?  ", rf"^(?!(?:{_TRUNCATED})\+)(?P<user>{NAME})\+? {{1,32}}[0-9]{{1,8}} "
     r"(?: {0,8}[0-9.]{1,5} ){2}[0-9 ]{1,32}\?  "),
    ("rw", rf"rw[-rwxst]{{7}}[+.@]? {{1,8}}[0-9]{{1,6}} (?P<user>{NAME}) "),
    ("rw", rf"rw[-rwxst]{{7}}[+.@]? {{1,8}}[0-9]{{1,6}} [\w.-]{{1,32}} {{1,8}}(?P<user>{NAME}) "),
    ("users", r":\\{1,2}users\\{1,2}(?P<user>[a-z0-9_.-]{1,64})"),
)  # fmt: skip

_AGENT_WORDS = """requested started stopped initiated issued created changed submitted approved edited killed
    triggered locked unlocked owned deleted removed modified authorized scheduled cancelled"""
_AGENTS = "|".join(f"(?<={verb} by )" for verb in _AGENT_WORDS.split())
_GRANT_WORDS = """denied password expiry failed failure login session quota account mail mailbox home directory key
    access granted privileges authenticated authentication authorized credentials ticket crontab groups shell"""
_GRANTS = "|".join(f"(?<={word} for )" for word in _GRANT_WORDS.split())
_BARE_GRANTS = f"(?:{'|'.join(_GRANT_WORDS.split())}) for [a-z_]".encode()
_ID = r"[1-9][0-9]{3,5}"
_MACHINE_FRAMES: tuple[Frame, ...] = (
    (" <", rf": (?P<same>{NAME}) <(?P<user>(?P=same))>"),
    (": changing state ", rf"(?:^|: )(?P<person>{NAME}): changing state "),
    ("linux version ", rf"linux version \S{{1,64}} \((?P<user>{NAME})@"),
    *((code, rf" (?P<user>{NAME}) \w{{0,24}}{code}") for code in ("hier_", "_parent/")),
    (":543", rf"^[\w.*-]{{1,253}}:543[0-9]:[\w*-]{{1,64}}:(?P<user>{NAME}):\S"),
    # A person's line in /etc/passwd and /etc/shadow; a line of a password file.
    (":x:", rf"^(?P<user>{NAME}):x:[1-9][0-9]{{3,4}}:[0-9]{{1,10}}:[^:\n]{{0,128}}:/"),
    (":0:", rf"^(?P<user>{NAME}):[!*x]?[^:\s]{{0,256}}:[0-9]{{5}}:0:[0-9]{{1,6}}:", rb"^[\w.-]+:[^:\s]*:::"),
    (":$", rf"^(?P<user>{NAME}):\$[0-9a-z]{{1,12}}\$"),
    ("user", rf"user(?:[ _-]?name|[ _-]?id)?{_QUOTE}{{0,2}}[ \t]{{0,16}}[:=]?[ \t]{{0,2}}{_QUOTE}(?P<person>{NAME})"
     r"(?=\\{0,3}[\"'>`\]:])", rb"user\w*(?:[ -](?:name|id))?[\\\"'<`\[]{0,5}\s*[:=]?\s*[\\\"'<`\[]"),
    ("user", rf"user(?<!-user)(?:name|id)? {{0,16}}[:=] {{0,2}}(?P<person>{NAME})(?=[\s,;()]|$)",
     rb"user(?:name|id)? *[:=]"),
    ("_user=", rf"_user=[\"']?(?P<person>{NAME})(?=[\s,;\"']|$)"),
    ("user ", rf"user (?<![\w-]user )(?P<person>{NAME})(?=[\s.,;:()\[\]'\"/@]|$)(?!-)"),
    ("user of ", rf"user of (?P<person>{NAME})"),
    ("user manager for ", rf"user manager for (?!uid)(?P<person>{NAME})"),
    ("slice of ", rf"slice of (?!uid)(?P<person>{NAME})"),
    ("userid", rf"userid=(?P<user>{NAME})\([0-9]"),
    ("for ", rf"for (?P<person>{NAME}) from (?=[\[<]?[0-9])", rb"for [\w.-]+ from "),
    ("identity", rf"identity[ =:]{{1,3}}[\"'](?P<person>{NAME})[\"']"),
    ("uname=", rf"uname=[\"']?(?P<person>{NAME})(?=[\s\"',;]|$)"),
    ("] from ", rf"\[(?P<person>{NAME})\] from "),
    ("|", rf"(?:^|: )(?P<person>{NAME})\|(?=[0-9]{{1,3}}\.[0-9]{{1,3}}\.)", rb"[\w.-]\|\.\."),
    ("u'", rf"u'(?<!\wu')(?P<person>{NAME})'"),
    ("uid=", rf"uid=(?P<user>{NAME}),[a-z]{{1,3}}=", rb"uid=[a-z_][\w.-]*,[a-z]+="),
    ("uid", rf"uid[ :=]{{1,2}}{_ID} ?\((?P<person>{NAME})\)", rb"uid[ :=]+ ?\("),
    ("cn", rf"cn(?<![\w-]cn) {{0,1}}= {{0,1}}(?P<person>{NAME})(?=[,/\"';\s)\]]|$)(?! \w)", rb"cn ?= ?[a-z_]"),
    ("by", rf"by(?<!\wby)[: ]{{1,2}}(?P<person>{NAME})[ ]?\((?:uid[ =:]{{0,2}})?{_ID}\)",
     rb"by[: ]+[\w.-]+ ?\((?:uid[ =:]*)?\)"),
    ("su for ", rf"su for [\w.-]{{1,32}} by (?P<person>{NAME})"),
    ("ed by ", rf"ed by (?:{_AGENTS})(?:user )?[\"']?(?P<person>{NAME})(?=[\"'.,;()]|\s{{0,2}}$| on | from | at "
     rf"| via )"),
    ("for ", rf"for (?<![\w-]for )(?P<person>{NAME}):{_ID}\b", rb"for [\w.-]+:"),
    ("for '", rf"for '(?P<person>{NAME})'"),
    ("=plain", rf"=plain\w*:(?P<user>{NAME})"),
    ("=login", rf"=login\w*:(?P<user>{NAME})"),
    (")<", rf"\((?P<user>{NAME})\)<"),
    ("): ", rf"(?:imap|pop3|lmtp|lda|sieve|managesieve|submission|doveadm)(?:-login)?\((?P<user>{NAME})\): ",
     rb"(?:imap|pop|lmtp|lda|sieve|submission|doveadm)"),
    (":x:", rf"(?:(?<=[0-9]:)|(?<=,))(?P<person>{NAME})(?=,[a-z]|$)"),
    ("%", rf" (?:-u|--user[ =]) ?[\"']?(?P<person>{NAME})(?=%)"),
    (" for ", rf" for (?:{_GRANTS})(?P<person>{NAME})(?=[\s.,;:]|$)", _BARE_GRANTS),
    (") ", rf"(?:^|: )\((?P<user>{NAME})\) [a-z]{{3,8}}(?: edit)? \(",
     rb"\([\w.-]+\) \w+(?: edit)? \("),
    (":root", rf"^(?:\S{{1,8}}: )?[+-] \S{{1,12}} (?P<user>{NAME}):root"),
    ("/", rf"(?:^|[\s:])(?P<person>{NAME})/(?=[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}:[0-9]{{2,5}})", rb"/\.\.\.:"),
    ("/~", rf"/~(?P<person>{NAME})(?=/)"),
    (":", rf"(?P<person>{NAME})@[\w-]{{1,63}} (?:fatal|error|log|warning|detail|statement|hint|notice):",
     rb"@[\w-]* (?:fatal|error|log|warning|detail|statement|hint|notice):"),
    ("\\", rf"(?:user|account|login|for|by|as|from)[:\s]{{1,2}}[\"'\[(]?[a-z][\w.-]{{0,30}}\\{{1,2}}"
     rf"(?P<person>{NAME})"),
    ("]\\", rf"\]\\{{1,2}}\[(?P<user>{NAME})\]"),
    ("login", rf"\blogin (?P<user>{NAME})\s{{1,4}}password "),
    ("login: ", rf" login: (?P<person>{NAME})(?=\s{{0,4}}$| \()"),
    (" -u", r"(?:my\w{0,10}|mariadb\S{0,8}|psql|sudo|login|runuser|crontab|curl|wget|passwd|rpcclient"
     r"|ldap\w{1,8}|htpasswd)"
     rf" (?:[^\n|;]{{0,120}} )?-u ?[\"']?(?P<person>{NAME})(?=[\s:\"'%]|$)"),
    ("su ", rf"\bsu (?:- |-l |--login )(?P<person>{NAME})(?=\s|$)"),
    ("chown", rf"chown (?:-\w{{1,8}} ){{0,2}}(?P<person>{NAME})(?=[:. ])"),
    ("bin/", rf"bin/(?:user(?:add|del|mod)|adduser|deluser|passwd|chage|gpasswd|smbpasswd|chfn|chsh)"
     rf" (?:[^\n;|]{{0,80}} )?(?P<person>{NAME})[ \t]{{0,2}}$"),
    ("media", r"(?:^|[\s/])(?:run-)?media-(?P<person>[a-z_][a-z0-9_.]{0,31})-[^\s/]{1,64}\.mount"),
    ("/user", rf"/users?/(?P<person>{NAME})(?=/)"),
    ("tty", rf"^(?P<person>{NAME}) {{1,32}}tty[0-9s]"),
    (" :", rf"^(?P<person>{NAME}) {{1,32}}:[0-9](?:\.[0-9])? ", rb"^[\w.-]+ +:\.? "),
    ("account", rf"account[ :=]{{1,3}}[\"'\[<]?(?P<person>{NAME})(?=[\"'\]>\s,;.]|$)"),
    ("login ", r"login (?:for|by|of|from user|failed for|as)[: ]{1,2}"
     rf"[\"']?(?P<person>{NAME})(?=[\"'\s,;.]|$)"),
    ("logged", rf"logged (?:in|out|on|off)(?: (?:as|for|by))?:? (?:user )?[\"'<]?(?P<person>{NAME})(?=[\"'>\s,;.]|$)"),
    ("principal", rf"principal[ :=]{{1,3}}[\"']?(?P<person>{NAME})(?=[@/\"'\s,]|$)"),
    ("role \"", rf"role \"(?P<person>{NAME})\""),
    ("owner", rf"owner ?[=:] ?[\"']?(?P<person>{NAME})(?=[\"'\s,;)]|$)"),
    ("author", rf"author(?<!\wauthor)[\"']?[ =:]{{1,3}}[\"'](?P<person>{NAME})(?=[\"'])"),
)  # fmt: skip
# On a Mac; in lower case it would be a folder of a web site as well.
_MAC_HOME = re.compile(r"/Users/(?<![\w.-]/Users/)([A-Za-z0-9_.-]{1,64})")
# Words that follow "user" in prose about a kernel.
_NOUNS = """space mode process processes page pages mapping mappings input data memory buffer buffers address
    addresses pointer pointers id ids request requests program programs thread threads task tasks interface code
    context name names user username login session application applications library from to is has may can and or for
    of in on by the a"""
_PROSE = frozenset(_NOUNS.split())


def _mac_homes(accept: Accept, text: str, _lowered: str) -> list[Span]:
    homes = _MAC_HOME.finditer(text)
    return [Span(*match.span(1), "user", "", True) for match in homes if accept(match[1], "")]


def _words(text: str, lowered: str) -> Iterator[Span]:
    for match in _WORD.finditer(lowered):
        before = lowered[max(0, match.start() - 40) : match.start()]
        if _STRONG_BEFORE.search(before) or _STRONG_AFTER.match(lowered, match.end(), match.end() + 80):
            end = match.end() - (lowered[match.end() - 1] in ".-")
            if _is_user(text[match.start("user") : end]):
                yield Span(match.start("user"), end, "user", "", not _GUESSED_BEFORE.search(before))


def _is_user(value: str, _before: str = "") -> bool:
    return is_user(value) and value.lower() not in _PROSE


_ACCEPT: dict[str, Accept] = {"user": _is_user, "guest": _is_user, "person": is_person}

PUBLISHED = (
    Detector("/Users/", True, partial(_mac_homes, is_somebody)),
    *detectors(_HOMES, {"user": is_somebody}),
)
# In any text, published text included where it quotes a log.
MESSAGES = (Detector(" user ", False, _words), *detectors(_FRAMES, _ACCEPT))
MACHINE = (
    Detector("/Users/", True, partial(_mac_homes, is_user)),
    *MESSAGES,
    *detectors(_HOMES, _ACCEPT),
    *detectors(_MACHINE_FRAMES, _ACCEPT),
)
