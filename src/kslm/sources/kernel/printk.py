r"""Kernel log messages as the sources have them: the format strings of pr_err, dev_warn and so on.

They are what a kernel log consists of, without anybody's log: no host, no user, no serial number. A call is known by
its name: a severity, after an underscore or alone, with suffixes such as _once or _ratelimited (`pr_err`, `DRM_ERROR`,
`ath_dbg`, `printk`). The format is its first string literal, with literals next to it joined and C escapes
undone; conversions (%d, %pOF) stay as they are. Parentheses are frequent and names are not, so text is searched for a
parenthesis after the last letters of such a name; that is many times faster than looking for the names.

What stands before a message in a log follows from the call: dev_err puts the driver's and the device's name there,
netdev_err the interface's too, pr_err what the file's pr_fmt says, which mostly is the module's name. A driver's name
is often not its module's (st,stm32-spdifrx of snd_soc_stm32_spdifrx); it is what the `.name` of its struct says.

Narrow: the level of a call without one in its name is that of its KERN_ argument, and the kernel's default (warn) where
it has none; what another macro puts before the format is not known; a format beginning with a macro loses it, one with
a macro within or chosen by a condition is passed over; so are calls whose arguments before the format nest parentheses
twice, pieces of lines (pr_cont) and formats of trace events (TP_printk); a call in a comment counts. A driver is known
in the file that has its struct, and only if the file has no other of another name; a message about a device that is
another driver's stands under this one's. Fewer than three messages make no text: they would be mostly heading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_TAILS = (
    *("err(", "ror(", "ERR(", "ROR(", "arn(", "ing(", "ARN(", "nfo(", "NFO(", "dbg(", "bug(", "BUG(", "DBG(", "ntk("),
    *("tk (", "ice(", "rit(", "ert(", "erg(", "nic(", "ted(", "nce(", "obe(", "kms(", "RST("),
)
_CALL = re.compile(
    rf"""\((?<={"|".join(re.escape(tail) for tail in _TAILS)})
    ([^"();{{}}]*+(?:\([^"();{{}}]*+\)[^"();{{}}]*+){{0,6}}+)      # arguments before the format
    ((?:"(?:[^"\\\n]++|\\.)*+"(?:\s|\\\n)*+(?:PRI\w++\s*+)?+)++)   # the format
    (?=[,)])
    """,
    re.VERBOSE,
)
_NAME_CHARS = 40
_NAME = re.compile(
    r"(?i)(?:\b|_)(emerg|alert|crit|error|err|warning|warn|notice|info|debug|dbg|panic|printk)"
    r"(?:_(?:once|ratelimited|probe|kms|first|rst))*+ ?\Z"
)
_PRINTER = re.compile(r"(?<![A-Za-z0-9_])(netdev|dev|pr)\Z")
_PRINTER_CHARS = 8
_NO_LOG = ("TP_", "trace_")
"""How TP_printk and trace_printk begin: formats of traces."""
_LEVEL = re.compile(r"KERN_([A-Z]{3,7})\b")
_SEVERITIES = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
_LEVELS = {
    **{"error": "err", "warning": "warn", "dbg": "debug", "panic": "emerg", "printk": "warn"},
    **{name: name for name in _SEVERITIES},
}
_LITERAL = re.compile(r'"((?:[^"\\\n]++|\\.)*+)"|PRI\w*([diuxXo])\w*')
_ESCAPE = re.compile(r"\\(?:([\"'\\?])|x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_CONVERSION = re.compile(r"%[-+ #0-9.*]*+(?:hh|ll|[hlLzt])?(?:p[A-Za-z]*|[a-zA-Z%])")
_WORD = re.compile(r"[A-Za-z]{3}")
_PR_FMT = re.compile(r"#[ \t]*+define[ \t]++pr_fmt\([ \t]*+(\w++)[ \t]*+\)((?:[^\n\\]|\\.)*+)", re.DOTALL)
_TOKEN = re.compile(r'"((?:[^"\\\n]++|\\.)*+)"|(\w++)')
_BUSES = """
    pci platform i2c spi usb usb_serial hid acpi amba of_platform pnp virtio mdio sdio serio hv vio isa eisa pcmcia
    serdev_device spmi slim sdw gameport ssb bcma zorro rio mcb fsl_mc rpmsg scmi wmi mipi_dsi host1x hda_codec rmi peci
    i3c mei_cl ccw memstick device
"""
_DRIVER = re.compile(rf"struct[ \t]++(?:{'|'.join(_BUSES.split())})_driver[ \t]++\w++[^=;(){{}}]{{0,40}}=\s*+\{{")
_DRIVER_CHARS = 2000
_DRIVER_NAMES = 4
_DRIVER_NAME = re.compile(r"""\.name[ \t]*+=\s*+(?:\([\w \t*]++\)[ \t]*+)?(?:"([^"\\\n]++)"|(\w++))[ \t]*+[,}\n]""")
DEVICE = "<device>"
"""Stands for a device's name, as 0000:00:1f.6."""
INTERFACE = "<interface>"
"""Stands for a network interface's name, as eth0."""
FEWEST = 3
"""Messages that make a text."""


class Template(NamedTuple):
    """One message.

    Attributes:
        level: emerg, alert, crit, err, warn, notice, info or debug.
        format: for printf.
        printer: "dev" where the driver's and the device's name stand before it, "netdev" where the interface's does
            too, "pr" where pr_fmt does, else "".
    """

    level: str
    format: str
    printer: str = ""


def templates(text: str) -> tuple[Template, ...]:
    """The messages of one C file, each once, in order: those with three letters in a row beside their conversions."""
    messages: dict[Template, None] = {}
    for call in _CALL.finditer(text):
        start = call.start()
        name = _NAME.search(text, max(0, start - _NAME_CHARS), start)
        level = _level(name[1].lower(), call[1]) if name else None
        if name is None or level is None or text.endswith(_NO_LOG, 0, name.start() + 1):
            continue
        template = Template(level, _joined(call[2]), _printer(text, name.start()))
        if template not in messages and _WORD.search(_CONVERSION.sub("", template.format)):
            messages[template] = None
    return tuple(messages)


def document(
    messages: Sequence[Template], text: str, path: str, module: str | None = None, *, loadable: bool = False
) -> str:
    """The messages of a file as a log shows them, those of one level together; "" where it has fewer than FEWEST.

    Args:
        messages: of the file, as `templates` finds them.
        text, path: of the file.
        module: KBUILD_MODNAME, the name of what the file is built into, where it is known.
        loadable: whether that is a module, which is named in the heading.
    """
    if len(messages) < FEWEST:
        return ""
    name = driver(text, module)
    before = {
        "pr": prefix(text, module),
        "dev": f"{name} {DEVICE}: " if name else "",
        "netdev": f"{name} {DEVICE} {INTERFACE}: " if name else "",
        "": "",
    }
    lines = [f"Kernel messages of {module} ({path})" if module and loadable else f"Kernel messages of {path}"]
    for level in _SEVERITIES:
        shown = [f"{before[message.printer]}{message.format}" for message in messages if message.level == level]
        lines += [f"Level {level}:", *dict.fromkeys(shown)] if shown else []
    return "\n".join(lines)


def driver(text: str, module: str | None = None) -> str | None:
    """The name that a file's drivers have in common, as literals, macros or arrays of the file say it; else None.

    Args:
        text: of the file.
        module: KBUILD_MODNAME, where it is known.
    """
    stated: set[tuple[str | None, str | None]] = set()
    for struct in _DRIVER.finditer(text):
        end = text.find("\n}", struct.end(), struct.end() + _DRIVER_CHARS)
        name = _DRIVER_NAME.search(text, struct.end(), end) if end >= 0 else None
        if name:
            stated.add((name[1], name[2]))
    if not stated or len(stated) > _DRIVER_NAMES:
        return None
    known = {"KBUILD_MODNAME": module}
    names = {literal or known.get(macro or "") or _defined(text, macro or "") for literal, macro in stated}
    return names.pop() if len(names) == 1 else None


def prefix(text: str, module: str | None) -> str:
    """What a file's pr_fmt puts before a message; "" where it has none, or says it with a macro of another file."""
    match = _PR_FMT.search(text) if "pr_fmt(" in text else None
    if match is None:
        return ""
    known = {"KBUILD_MODNAME": module}
    parts: list[str | None] = []
    for token in _TOKEN.finditer(match[2]):
        if token[2] == match[1]:
            return "" if None in parts else "".join(filter(None, parts))
        parts.append(token[1] if token[2] is None else known.get(token[2]) or _defined(text, token[2]))
    return ""


def _defined(text: str, name: str) -> str | None:
    """The string that a file defines a macro as, or puts into an array of characters."""
    value = r'"([^"\\\n]++)"'
    match = re.search(rf"define[ \t]++{name}[ \t]++\(?{value}", text) or re.search(
        rf'{name}(?<!\w{name})\[\w*+\][^=;\n"]*+=\s*+{value}', text
    )
    return match[1] if match else None


def _printer(text: str, start: int) -> str:
    """What puts something before the message of a call whose severity, with its underscore, begins at `start`."""
    match = _PRINTER.search(text[max(0, start - _PRINTER_CHARS) : start])
    return match[1] if match else ""


def _level(name: str, arguments: str) -> str | None:
    """None for a piece of a line, and for what only looks like a level."""
    stated = _LEVEL.search(arguments)
    return _LEVELS.get(stated[1].lower()) if stated else _LEVELS[name]


def _joined(literals: str) -> str:
    """The string that adjacent literals make, in one line, without the blanks around and the colons before it."""
    body = "".join([literal[1] if literal[2] is None else literal[2] for literal in _LITERAL.finditer(literals)])
    if "\\" in body:
        body = _ESCAPE.sub(lambda escape: escape[1] or " ", body)
    return " ".join(body.split()).lstrip(": ")
