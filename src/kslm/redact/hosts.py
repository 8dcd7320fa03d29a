"""Names of machines without a domain, from the places that hold one (with a domain: kslm.redact.domains).

These are the header of a syslog line, `hostname=` and its like, and what sshd, systemd and mdadm say; and the places
where another machine is spoken of: a name before an address in brackets, "server x not responding", \\\\x\\share, a
quoted name behind the word host or node, JSON and key=value fields, and the arguments of ping and ssh. In published
text only the first kind is looked for, and only on a line of a log that it quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kslm.redact.frames import HOST, HOSTS, Frame, detectors, is_host
from kslm.redact.pseudonyms import Detector, Span

_QUOTE = r"(?:\\{0,3}[\"'<`\[])"
_CLOSE = r"(?:\\{0,3}[\"'>`\]])"
# (word that must be there, pattern); lines with the same word stand together.
_FRAMES: tuple[Frame, ...] = (
    ("rhost=", rf"rhost=(?P<host>{HOST})"),
    ("hostname", rf"hostname(?:=|(?<=ic hostname): |(?:(?<=set hostname)| set) to )[<']?(?P<host>{HOST})[>']?"),
    ("getaddrinfo for ", rf"getaddrinfo for (?P<host>{HOST}) \["),
    ("connect from ", rf"connect from (?P<host>{HOST})\["),
    ("local to host ", rf"local to host (?P<host>{HOST})"),
    ("host-record=", rf"host-record=(?P<host>{HOST})"),
    (" ip=", rf" ip=[^:\s]{{0,24}}:[^:\s]{{0,24}}:[^:\s]{{0,24}}:[^:\s]{{0,24}}:(?P<host>{HOST}):"),
    ("name=", rf"nodename=(?P<host>{HOST})"),
    (" port ", rf" from (?P<host>{HOST}) port [0-9]", rb" from [\w.-]* port "),
)  # fmt: skip
_MACHINE_FRAMES: tuple[Frame, ...] = (
    ("host ", rf"host (?P<host>{HOST}) port [0-9]", rb"host [\w.-]+ port "),
    ('" port ', rf"for \\?\"(?P<host>{HOST})\\?\" port [0-9]"),
    ("linux version ", rf"linux version \S{{1,64}} \([\w.-]{{1,32}}@(?P<host>{HOST})\)"),
    ("array ", rf"array /dev/[^\n]{{1,200}} name=(?P<host>{HOST}):[\w-]"),
    ("ansible_host=", rf"^(?P<host>{HOST}) [^\n]{{0,200}}?ansible_host="),
    ("----", rf"^(?P<host>{HOST}):\n-{{4}}"),
    ("h=(", rf"\bh=\((?P<host>{HOST})\)"),
    ("d=", r"[ ,;(]d=(?P<name>[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6})(?=[,;) ]|$)", rb"[ ,;(]d="),
    ("://", r"(?:https?|ldaps?|ssh|ftp|smb|nfs|tcp|mqtt|amqp|redis|postgres\w{0,3}|mysql)://(?:[^\s/@]{1,128}@)?"
     r"(?P<peer>[a-z0-9][a-z0-9-]{1,62})(?=[:/\s]|$)(?!:[^\s/@]{1,128}@)"),
    (":", rf"^(?:tcp|udp)6?[ \t]{{1,16}}[0-9]{{1,9}} {{1,16}}[0-9]{{1,9}} (?P<name>{HOST}):[\w-]{{1,24}} ",
     rb"^(?:tcp|udp) "),
    (".", rf"^[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}[ \t]{{1,32}}(?P<name>{HOST})[ \t]{{0,8}}$", rb"^\.\.\.[ \t]"),
    ("linux ", rf"linux (?<!\wlinux )(?P<name>{HOST}) [0-9]{{1,2}}\.[0-9]{{1,3}}[\w.+~-]{{0,64}}(?: #[0-9]|$"
     rf"|[^\n]{{1,80}} gnu/linux)"),
    (" login: ", rf"^(?P<name>{HOST}) login: "),
    # key=value, "key":"value" and `Key name : value`, by how surely the key means a host.
    ("host", rf"host(?:(?<!\whost)|(?<=_host)(?=_?name|[\"']?[=:][\"'\w]))[_. -]?"
     rf"(?:name)?{_CLOSE}?[ \t]{{0,20}}[:=][ \t]{{0,4}}{_QUOTE}?(?P<name>{HOST})(?!\()",
     rb"host[_. -]?(?:name)?[\\\"'>`\]]*\s*[:=]"),
    ("host", rf"host ?name is:? [\"']?(?P<name>{HOST})", rb"host ?name is"),
    ("host", rf"host(?: ?name)?[^\n\"'<]{{0,24}} (?:to|as|with|is) (?:{_QUOTE}(?P<name>{HOST}){_CLOSE}|"
     rf"(?P<peer>{HOST}))",
     rb"host[^\n\"'<]* (?:to|as|with|is) "),
    ("name", rf"(?:node|computer|system|device|machine|server|netbios|uname|domain|my)[_. -]?name{_CLOSE}?"
     rf"[ \t]{{0,20}}[:=][ \t]{{0,4}}{_QUOTE}?(?P<name>{HOST}){_CLOSE}?(?=[\s,;}})]|$)",
     rb"(?:node|computer|system|device|machine|server|netbios|uname|domain|my)[_. -]?name[\\\"'>`\]]*\s*[:=]"),
    ("name", rf"\bname[ \t]{{0,4}}[:=] ?(?P<name>{HOST}):[\w-]{{1,32}}(?= {{1,4}}\(local|\s{{1,4}}uuid)",
     rb"local|uuid"),
    ("node=", rf"^node=(?P<host>{HOST}) type="),
    *((word, rf"{word}(?<!\w{word})(?:[_. -]?name)?{_CLOSE}?[=:] {{0,2}}{_QUOTE}?(?P<peer>{HOST})(?![\w(/=])",
        rb"%b(?:[_. -]?name)?[\\\"'>`\]]*[=:]" % word.encode())
      for word in ("node", "server", "relay", "machine", "peer", "computer", "fqdn", "instance", "upstream")),
    # A quoted name behind the noun.
    *((word, rf"{word}(?<!\w{word})(?:[ _]?name)?s?[ =:]{{0,3}}{_QUOTE}(?P<name>{HOST})(?::[0-9]{{1,5}})?{_CLOSE}",
        rb"%b(?:[ _]?name)?s?[ =:]*[\\\"'<`\[]" % word.encode())
      for word in ("node", "server", "machine", "peer", "computer", "workstation", "worker")),
    ("host", rf"host(?<!\whost)(?:name)?s?[ =:]{{0,3}}{_QUOTE}(?P<name>{HOST})(?::[0-9]{{1,5}})?(?:{_CLOSE}| \()",
     rb"host(?:name)?s?[ =:]*[\\\"'<`\[]"),
    # Nouns and verbs.
    *((f"{word} ", rf"{word} (?<!\w{word} )(?:name )?(?P<name>{HOST})(?=[:,]? (?:is (?:now |not )?(?:a |down|up"
     rf"|alive|online|offline|dead"
       r"|unreachable|reachable|lost|member)|(?:has |is )?not (?:responding|responded|found|reachable|ready)|"
        r"(?:has )?(?:timed out|rebooted"
       r"|joined|left|died|stopped|failed|started)|chassis|state|ok\b|rejected|unreachable|responding|went|came))")
      for word in ("server", "host", "node", "machine", "peer", "neighbor", "neighbour", "worker")),
    *((f"{word} ", rf"{word} (?<!\w{word} )(?P<peer>{HOST})(?![\w(=/])")
      for word in ("host", "server", "node", "machine", "peer", "neighbor", "worker")),
    ("host ", rf"^[ \t]{{0,8}}host (?P<name>{HOST})(?= ?(?:\{{|$))"),
    ("host-name", rf"host-name[ =]{{1,2}}[\"']?(?P<name>{HOST})"),
    ("hostname ", rf"hostname [\"']?(?P<peer>{HOST})"),
    # What follows a resolver's or a client's verb.
    *((verb, rf"{verb}(?<!\w{verb})(?P<peer>{HOST})(?![\w(=/])")
      for verb in ("resolve ", "resolving ", "connecting to ", "connected to ", "connect to ", "connection to ",
                   "connection from ", "lookup ", "catalog for ", "certificate for ", "forwarding to ", "logged into ",
                   "failover to ", "replicating from ", "syncing with ", "traceroute to ", "contact ", "reach ")),
    *((f": {error}", rf"(?:^|[\s'\"])(?P<name>{HOST}): {error}")
      for error in ("name or service not known", "no address associated", "temporary failure in name", "unknown host")),
    *((f": {error}", rf"(?P<peer>{HOST}): {error}")
      for error in ("host not found", "no route to host", "connection refused", "connection timed out")),
    ("added '", rf"added '(?P<name>{HOST})(?=,|' \()"),
    # A name before an address in brackets is that address's.
    ("[", rf"(?P<peer>{HOST}) ?\[[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}\]", rb"\[\.\.\.\]"),
    ("(", rf"(?P<peer>{HOST}) \((?:ipv[46]:)?[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}[:)]", rb" \((?:ipv:)?\.\.\.[:)]"),
    ("[", rf"(?P<name>{HOST}) \([0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}\[", rb" \(\.\.\.\["),
    (") [", rf"[= ]\((?P<peer>{HOST})\) \[[0-9]{{1,3}}\."),
    ("from ", rf"from (?P<name>{HOST}) \((?:[\w.-]{{1,253}} )?\[[0-9]", rb"from [\w.-]+ \("),
    ("connected from ", rf"connected from \S{{1,64}} as (?P<name>{HOST})"),
    ("/net/", rf"(?:^|[\s\"'])/net/(?P<name>{HOST})/"),
    (") is ", rf"\((?P<name>{HOST})\) is (?:now )?(?:dead|down|up|alive|offline|online|lost|unreachable|gone)\b"),
    ("server ", rf"server [\w.-]{{1,64}}/(?P<name>{HOST}) is "),
    ("sysname", rf"sysname[ \t]{{0,8}}[:=]?[ \t]{{1,16}}(?P<name>{HOST})"),
    ("last login: ", rf"last login: [^\n]{{1,64}} from (?P<name>{HOST})"),
    ("hostname to ", rf"hostname to (?P<name>{HOST})"),
    ("node ", rf"node (?P<name>{HOST}) \["),
    ("helo", rf"(?:helo|ehlo)[ =]<?(?P<name>{HOST})"),
    ("dhcp", rf"[0-9a-f]{{2}}(?::[0-9a-f]{{2}}){{5}} \(?(?P<name>{HOST})\)?(?=\s|$)(?<! via)(?<! on)"),
    # Shares.
    ("\\\\", rf"\\\\(?<![\w:\\]\\\\)\\{{0,2}}(?P<name>{HOST})(?=\\|\s|$)"),
    ("//", rf"(?:^|[\s\"'])//(?P<name>{HOST})/(?=[\w$-])"),
    (":/", rf"(?:mount(?:ing|ed)?|from|for|of|server) (?P<name>{HOST}):/\w"),
    (":/", rf"(?:^|[\s\"'])(?P<name>{HOST}):/[\w./-]{{0,200}}[ \t]{{1,64}}(?:on /|/|[0-9.]{{1,8}}[kmgt]?[ \t])"),
    # Whole lines.
    ("pts/", rf"^\S{{1,32}} {{1,32}}pts/[0-9]{{1,4}} {{1,32}}(?P<name>{HOST}) {{1,32}}(?:mon|tue|wed|thu|fri|sat"
     rf"|sun) "),
    ("pts/", rf"^\S{{1,32}} {{1,32}}pts/[0-9]{{1,4}} [^\n]{{1,64}}\((?P<name>{HOST})\)[ \t]{{0,8}}$"),
    (" ssh-", rf"^(?P<name>{HOST})(?:,\S{{1,256}})? ssh-(?:rsa|ed25519|dss) aaaa"),
    (" tty", rf"(?:linux|lts|ubuntu|debian|release|edition)(?: [\w./()]{{1,16}}){{0,4}} "
     rf"(?P<name>{HOST}) tty\w{{1,8}}$"),
    (": [", rf"\b(?:ok|changed|fatal|failed|skipping|unreachable|ignored|rescued|included): \[(?P<host>{HOST})[\] ]",
     rb"(?:ok|changed|failed|fatal|skipping|unreachable|ignored|rescued|included): \["),
    ("ok=", rf"^(?P<host>{HOST})[ \t]{{1,64}}: ok=[0-9]"),
    (" alert: ", rf"(?:host|service)(?: flapping)? alert: (?P<host>{HOST});"),
    ("upid:", rf"upid:(?P<host>{HOST}):[0-9a-f]{{8}}:"),
    ("system:node:", rf"system:node:(?P<host>{HOST})"),
    ("127.0.1.1", rf"^127\.0\.1\.1[ \t]{{1,32}}(?:{HOST}[ \t]{{1,16}})?(?P<host>{HOST})[ \t]{{0,8}}$",
     rb"^\.\.\.[ \t]"),
    (".", rf"^[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}[ \t]{{1,32}}[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{1,5}}[ \t]{{1,16}}"
     rf"(?P<host>{HOST})[ \t]{{0,8}}$", rb"^\.\.\.[ \t]"),
    ("/", rf"\] \S{{1,64}} [\w.~-]{{1,64}}/(?P<name>{HOST}) -?[0-9]{{1,8}}(?:/-?[0-9]{{1,8}}){{3}}", rb" -?/-?/-?/-?"),
    *((f"{tool} ", rf"{tool}(?<!\w{tool})(?: -\w{{1,2}}(?: [0-9]{{1,5}})?){{0,3}} (?P<peer>{HOST})(?![\w=(/@])")
      for tool in ("ssh", "ping", "ping6", "telnet", "nc", "nslookup", "dig", "mtr", "traceroute", "scp", "slogin")),
    (" -h", rf"\b(?:mysql\w{{0,8}}|mariadb|psql|pg_\w{{1,10}}|redis-cli|ldap\w{{1,8}}|mongo\w{{0,5}}|rsh)"
     rf" (?:[^\n|;]{{0,120}} )?-h ?(?P<name>{HOST})(?=\s|$)"),
    ("@", rf"\b(?:rabbit|ejabberd|couchdb|emqx|kafka|node)@(?P<name>{HOST})",
     rb"(?:rabbit|ejabberd|couchdb|emqx|kafka|node)@"),
    *((f"{kind}.", rf"(?<![\w./-]){kind}\.(?P<peer>{HOST})(?=[\s@:,(\[]|$)") for kind in ("mon", "mds", "mgr", "osd")),
)  # fmt: skip

# The time of a syslog line's stamp from its seconds on, and the host behind it; the rest is looked back at.
_HEADER = re.compile(
    r":[0-5][0-9]:[0-6][0-9](?:[.,][0-9]{1,9})?(?P<zone>z|[+-][0-9]{2}:?[0-9]{2})?(?: (?:[a-z]{3,4}|[0-9]{4}))? "
    rf"(?P<host>{HOST})(?= (?:\S{{1,64}}: |\S{{1,64}}:$|\S{{1,48}}\[[0-9]{{1,10}}\]|\S{{1,48}} (?:[0-9]{{1,10}}"
    rf"|-) (?:\S{{1,32}}) |last message))",
    re.MULTILINE,
)
_STAMP = re.compile(
    r"(?:^|\n)(?:<[0-9]{1,3}>(?:1 )?)?(?:[a-z]{3} )?(?:(?:[a-z]{3}) [ 0-3]?[0-9](?: [0-9]{4})? "
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[t ])"
    r"[0-2][0-9]$"
)
# What else follows a time: a level, a zone, half a day.
_LEVELS = """error warn warning info notice debug trace fatal critical kernel subdebug ddebug utc gmt cet cest est edt
    pst pdt am pm"""
_NO_HEADER = frozenset(_LEVELS.split())
BARE_HEADER = re.compile(rb"::")


def _stamped(lowered: str) -> Iterator[re.Match[str]]:
    for match in _HEADER.finditer(lowered):
        begin = match.start()
        stamp = _STAMP.search(lowered, max(0, begin - 40), begin)
        if stamp is not None and (stamp.start() == 0 or lowered[stamp.start()] == "\n"):
            yield match


def _headers(text: str, lowered: str) -> Iterator[Span]:
    for match in _stamped(lowered):
        start, end = match.span("host")
        if is_host(text[start:end]) and lowered[start:end] not in _NO_HEADER:
            yield Span(start, end, "host", "", True)


def logged_lines(text: str, lowered: str) -> Iterator[tuple[int, int]]:
    """Where the lines begin and end that have the header of a system log's."""
    for match in _stamped(lowered):
        end = text.find("\n", match.end())
        yield text.rfind("\n", 0, match.start()) + 1, end if end >= 0 else len(text)


# In any text, published text included where it quotes a log.
MESSAGES = (Detector(":", True, _headers, BARE_HEADER), *detectors(_FRAMES, HOSTS))
MACHINE = (*MESSAGES, *detectors(_MACHINE_FRAMES, HOSTS))
