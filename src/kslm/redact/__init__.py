"""Personal data out of text, meaning kept: `redact(text)` replaces it by numbered pseudonyms.

One value gets one pseudonym throughout a document (`<email-1>`, `<ipv4-2>`), so that text still says which lines
concern the same machine or person. Text is of two kinds.

A machine's own text (`machine=True`: logs, snapshots, output) names that machine, its neighbours and its people.
Replaced are e-mail addresses, user names and home folders, host names, IPv4, IPv6 and MAC addresses, serial numbers,
UUIDs, and credentials; a name once known is replaced wherever it is a word of the texts that share pseudonyms. What
only looks like personal data stays: PCI addresses, dotted versions and section numbers, times, ACPI names, device-tree
nodes (`serial@10000`), C++ scopes, system accounts (`root`), loopback, netmask and multicast addresses, and UUIDs that
specifications publish.

In published text (sources, manuals) names, identifiers and most addresses are the world's: formats, constants and
examples, whose loss costs meaning. Replaced are what belongs to somebody even there: e-mail addresses, home folders
that are no example's, addresses of one machine on the Internet, MAC addresses and serial numbers that are no example,
and credentials that look random or have an issuer's shape. On a line of a system log that it quotes, names go as well.

How: every kind of data has a rare character or word that must be there (an `@`, a `:` before a hexadecimal digit, the
word "password"); only around those is anything matched, so plain prose costs a few scans at memory speed. All
repetitions are bounded or over one character class, so time stays linear in the text whatever it holds.

Limits: a name is recognised by what stands around it or because it was so recognised before. A user's name, or a host's
without a domain, that stands only in free prose stays, as does one that is also a common word, postal addresses, and
people's names.
"""

from kslm.redact.credentials import looks_random
from kslm.redact.frames import is_system_account
from kslm.redact.pseudonyms import Pseudonyms
from kslm.redact.text import Redacted, redact

__all__ = ["Pseudonyms", "Redacted", "is_system_account", "looks_random", "redact"]
