"""Questions about kernel modules: what they are, how to load and set them, and what they need."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from kslm.instruct.question import Provenance, questions
from kslm.knowledge.drivers import Device
from kslm.knowledge.entities import Entities, Row, module_name, source_folder
from kslm.knowledge.hardware import BUS, Attribution, Hardware
from kslm.sources.kernel.modinfo import parameter
from kslm.texts import Text, listed, sentence, shortened

MOST_PARAMETERS = 10
"""Parameters that one answer describes; a module's others are asked about one by one."""
MOST_USERS = 5
"""Modules or names that ask for a module, as one answer lists them."""
MOST_FILES = 12
"""Firmware files that one answer lists."""

_FOLDERS = ("drivers/", "sound/", "fs/", "net/", "lib/", "crypto/")
_PLAIN_ALIAS = re.compile(r"[a-z]+-[a-z][a-z0-9_-]*", re.IGNORECASE)


def about(modules: Iterable[Row], hardware: Hardware, entities: Entities, origin: Attribution) -> Iterator[Text]:
    """What each module is, how it is loaded, its parameters, firmware and dependencies."""
    driven: dict[str, list[Device]] = defaultdict(list)
    for device in sorted(hardware.drivers):
        for module in hardware.drivers[device]:
            driven[module].append(device)
    rows = list(modules)
    needed: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for other in row["depends"] or ():
            needed[module_name(other)].append(row["module"])
    for row in rows:
        provenance = _provenance(row, entities, origin)
        name = row["module"]
        yield from _what(row, driven.get(name, ()), needed.get(module_name(name), ()), provenance)
        yield from _load(row, provenance)
        yield from _parameters(row, provenance)
        yield from _needs(row, provenance)


def firmware(modules: Iterable[Row], entities: Entities, origin: Attribution) -> Iterator[Text]:
    """Which modules ask for each firmware file.

    A file that modules of several split groups ask for is left out: its answer would be in all of their splits.
    """
    wanted: dict[str, list[Row]] = defaultdict(list)
    for row in modules:
        for file in row["firmware"] or ():
            wanted[file].append(row)
    for file, rows in wanted.items():
        provenances = [_provenance(row, entities, origin) for row in rows]
        if len({provenance.group for provenance in provenances}) > 1:
            continue
        names = [row["module"] for row in rows]
        verb = "modules ask" if len(names) > 1 else "module asks"
        parts = [f"The {listed(names)} kernel {verb} for the firmware file {file}."]
        described = rows[0]["description"]
        parts.extend([f"{names[0]}: {sentence(described)}"] if described else [])
        parts.append(f"The kernel looks for it as /lib/firmware/{file}; install the package that holds this file, ")
        parts[-1] += "then restart or load the driver again."
        yield from questions(
            *("firmware_missing", provenances[0], f"firmware-file/{file}", " ".join(parts)),
            context=f"{file}; modules: {', '.join(names)}",
            action=f"modinfo -F firmware {names[0]}",
            asked={"file": file, "module": names[0]},
        )


def _what(row: Row, devices: Sequence[Device], needed: Sequence[str], provenance: Provenance) -> Iterator[Text]:
    """What a module says it is. No device is named: whether it is held out is not known here.

    Of a module that says nothing it is told what asks for it; one that nothing is known to ask for is not asked about.
    """
    name, described = row["module"], row["description"]
    folder = source_folder(row["path"] or "")
    uses = list(_uses(devices))
    uses.extend([] if described else _asked_for(row, needed))
    if not described and not uses:
        return
    parts = [sentence(f"{name} is a kernel module: {described}" if described else f"{name} is a kernel module")]
    parts.extend([f"Its source is in {folder}."] if folder.startswith(_FOLDERS) else [])
    parts.extend(uses)
    parts.extend([f"Its licence is {row['licence']}."] if row["licence"] else [])
    parts.append("It is built into the kernel." if row["builtin"] else f"More: modinfo {name}")
    yield from questions(
        *("module_what", provenance, f"module/{name}", " ".join(parts)),
        context=f"{name}: {described or folder}",
        action=f"modinfo {name}",
        asked={"module": name},
    )


def _uses(devices: Sequence[Device]) -> Iterator[str]:
    for bus in BUS:
        if count := sum(device.bus == bus for device in devices):
            yield f"It is for {f'{count} {BUS[bus]} device ids' if count > 1 else f'one {BUS[bus]} device id'}."


def _asked_for(row: Row, needed: Sequence[str]) -> Iterator[str]:
    """By which names without ids, and by which modules, a module is asked for."""
    names = sorted(alias for alias in row["aliases"] or () if _PLAIN_ALIAS.fullmatch(alias))
    if names:
        yield f"The kernel asks for it by the name {' or '.join(names[:MOST_USERS])}."
    if needed:
        users = sorted(needed)
        more = len(users) - MOST_USERS
        yield f"These modules need it: {listed([*users[:MOST_USERS], *([f'{more} more'] if more > 0 else [])])}."


def _load(row: Row, provenance: Provenance) -> Iterator[Text]:
    name = row["module"]
    if row["builtin"]:
        answer = f"The {name} module is built into the kernel: it is there from the start and cannot be loaded."
        action = f"modinfo {name}"
    else:
        action = f"modprobe {name}"
        answer = f"Load it now with: {action}\nTo load it at every boot, write the line {name} into "
        answer += f"/etc/modules-load.d/{name}.conf. Check with: lsmod | grep {module_name(name)}"
        answer += f"\nmodprobe also loads {listed(row['depends'])}." if row["depends"] else ""
    context = f"{name}: {'built in' if row['builtin'] else 'loadable'}"
    yield from questions(
        "module_load", provenance, f"load/{name}", answer, context=context, action=action, asked={"module": name}
    )


def _parameters(row: Row, provenance: Provenance) -> Iterator[Text]:
    name = row["module"]
    parameters = sorted(dict(row["parameters"] or {}).items())
    if not parameters:
        return
    described = {key: parameter(text or "") for key, text in parameters}
    lines = [_line(key, *described[key]) for key, _ in parameters[:MOST_PARAMETERS]]
    rest = [key for key, _ in parameters[MOST_PARAMETERS:]]
    lines.extend([f"and {', '.join(rest)}"] if rest else [])
    count = f"{len(parameters)} parameters" if len(parameters) > 1 else "one parameter"
    setting = _setting(row, parameters[0][0])
    answer = f"{name} takes {count}:\n" + "\n".join(lines) + f"\n{setting}"
    context = f"{name}: {', '.join(key for key, _ in parameters)}"
    action = f"modinfo -p {name}"
    place = f"parameters/{name}"
    yield from questions(
        "module_parameters", provenance, place, answer, context=context, action=action, asked={"module": name}
    )
    for key, (description, takes) in described.items():
        if description:
            taken = f" It takes {takes}." if takes else ""
            answer = f"The parameter {key} of {name}: {sentence(description)}{taken} {_setting(row, key)}"
            asked = {"module": name, "parameter": key}
            place = f"parameter/{name}/{key}"
            context = f"{name}.{key}: {shortened(description, 160)}"
            yield from questions(
                "module_parameter", provenance, place, answer, context=context, action=action, asked=asked
            )


def _line(name: str, description: str, takes: str) -> str:
    """One parameter in a list of them."""
    title = f"{name} ({takes})" if takes else name
    return f"{title}: {shortened(description, 160)}" if description else title


def _setting(row: Row, parameter: str) -> str:
    name = row["module"]
    if row["builtin"]:
        return f"The module is built in, so set it on the kernel command line: {name}.{parameter}=VALUE"
    return (
        f"Set it with: modprobe {name} {parameter}=VALUE\n"
        f"or for every boot in /etc/modprobe.d/{name}.conf: options {name} {parameter}=VALUE"
    )


def _needs(row: Row, provenance: Provenance) -> Iterator[Text]:
    name, files = row["module"], list(row["firmware"] or ())
    if files:
        more = f" and {len(files) - MOST_FILES} more" if len(files) > MOST_FILES else ""
        some = ", ".join(files[:MOST_FILES]) if more else listed(files)
        answer = (
            f"The {name} module may ask for {some}{more}, below /lib/firmware. List them: modinfo -F firmware {name}"
        )
        place, action = f"firmware/{name}", f"modinfo -F firmware {name}"
        context = f"{name}: {', '.join(files[:MOST_FILES])}"
        yield from questions(
            "module_firmware", provenance, place, answer, context=context, action=action, asked={"module": name}
        )
    if row["depends"]:
        needed = listed(row["depends"])
        answer = f"The {name} module depends on {needed}. modprobe {name} loads what is missing of these first; "
        answer += "insmod does not."
        place, action = f"depends/{name}", f"modinfo -F depends {name}"
        context = f"{name}: {needed}"
        yield from questions(
            "module_depends", provenance, place, answer, context=context, action=action, asked={"module": name}
        )


def _provenance(row: Row, entities: Entities, origin: Attribution) -> Provenance:
    name = row["module"]
    group = entities.modules[module_name(name)]
    return Provenance("bronze.modules", name, row["version"], group, origin.source, origin.licence)
