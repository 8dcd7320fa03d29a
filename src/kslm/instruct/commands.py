"""Questions about what to type: tldr's examples, and how to install the packages that were read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import xxhash

from kslm.instruct.phrasings import load
from kslm.instruct.question import Provenance, questions, text_of
from kslm.knowledge.entities import Entities, Row
from kslm.sources import tldr
from kslm.sources.tldr import TldrPage
from kslm.texts import Text, sentence

PACKAGE_MANAGERS = frozenset((
    "apt", "apt-get", "apt-cache", "apt-file", "apt-mark", "aptitude", "dpkg", "dpkg-query", "snap", "flatpak", "pip",
    "pipx", "dnf", "yum", "rpm", "zypper", "pacman", "apk", "nix", "npm", "cargo", "gem", "brew", "pkg",
))  # fmt: skip
"""Commands whose examples are about installing programs."""

_SAFE_TO_RUN = re.compile(r"^[a-z][\w.-]*(?: -{1,2}(?:help|version))$")
_FORCED = "apt install --reinstall -o Dpkg::Options::=--force-{things} {{package}}"
_ABOUT_FILES = (
    ("file_owner", "Ask with: dpkg -S {file}\nIt is installed with the package: apt install {package}"),
    (
        "file_missing",
        "dpkg takes the removal of a configuration file for your wish, so reinstalling alone does not bring it back. "
        "Tell it to: " + _FORCED.format(things="confmiss"),
    ),
    (
        "file_changed",
        "dpkg -V {package} lists it if it was changed. Reinstalling alone keeps a changed configuration file. "
        "Copy yours, then take the package's: " + _FORCED.format(things="confask,confnew"),
    ),
)
_PACKAGED = re.compile(r"([a-z0-9][a-z0-9+.-]+)(/.+)")


def examples(row: Row, page: TldrPage, entities: Entities) -> Iterator[Text]:
    """How to do what each example of a tldr page does."""
    group = f"tldr:{page.command}"
    about = sentence(page.description) if page.description else ""
    phrasing = load().questions["task"]
    intent = "APP_INSTALL" if page.command.partition(" ")[0] in PACKAGE_MANAGERS else "SYSTEM_MANAGE"
    for number, (task, typed) in enumerate(page.examples, 1):
        command, path = tldr.plain(typed), f"{row['path']}#example{number}"
        provenance = Provenance.of_document(row, str(number), group)
        asked = phrasing.chosen(f"task/{path}").format(task=_lowered(task), command=page.command)
        answer = f"{command}\n{page.command}: {about}" if about else command
        action = command if _SAFE_TO_RUN.match(command) else f"man {page.command.replace(' ', '-')}"
        fields = {"task": task, "command": page.command, "typed": command}
        context = f"{page.command}: {task}"
        yield text_of(
            asked, answer, intent, provenance, path, kind="task", fields=fields, context=context, action=action
        )


def packages(files: Iterable[Row]) -> Iterator[Text]:
    """How to install each Debian package that bronze.files names."""
    seen: set[str] = set()
    for row in sorted(files, key=lambda row: (str(row["package"]), str(row["sha256"]))):
        package = row["package"]
        if not package or package in seen or not str(row["origin"]).startswith("debian:"):
            continue
        seen.add(package)
        provenance = Provenance(
            *("bronze.files", row["sha256"], row["version"], f"package:{package}", row["source"], row["licence"])
        )
        version = f"The version read here is {row['version']}. " if row["version"] else ""
        action = f"apt install {package}"
        yield from questions(
            *("package_install", provenance, f"install/{package}"),
            f"Install the Debian package {package} with: {action}\n{version}Look at it first with: apt show {package}",
            context=f"{package} {row['version'] or ''}".strip(),
            action=action,
            asked={"package": package},
        )


def readmes(row: Row, text: str, entities: Entities) -> Iterator[Text]:
    """Where the notes of a package's Debian maintainer are."""
    match = _PACKAGED.fullmatch(row["path"])
    if match:
        package, file = match[1], match[2]
        yield from questions(
            *("package_readme", _of_package(row, package), f"{row['path']}#readme"),
            f"Debian's notes on {package} are in {file}. Read them with: less {file}\n"
            f"The file comes with the package: apt install {package}",
            context=f"{file} is in {package}",
            action=f"less {file}",
            asked={"package": package},
            told={"file": file},
        )


def config_files(row: Row, text: str, entities: Entities) -> Iterator[Text]:
    """Which package a file below /etc is from, or how its deleted or changed file is brought back; one of the three.

    dpkg keeps what was done to a configuration file, its removal too, unless it is forced (dpkg(1), --force-things).
    """
    match = _PACKAGED.fullmatch(row["path"])
    if not match or not match[2].startswith("/etc/"):
        return
    package, file = match[1], match[2]
    kind, advice = _ABOUT_FILES[xxhash.xxh3_64_intdigest(row["path"].encode(), seed=2) % len(_ABOUT_FILES)]
    yield from questions(
        *(kind, _of_package(row, package), f"{row['path']}#owner"),
        f"{file} comes with the Debian package {package}. {advice.format(file=file, package=package)}",
        context=f"{file} is in {package}",
        action=f"dpkg -V {package}" if kind == "file_changed" else f"dpkg -S {file}",
        asked={"file": file},
        told={"package": package},
    )


def _of_package(row: Row, package: str) -> Provenance:
    return Provenance.of_document(row, "path", f"package:{package}")


def _lowered(task: str) -> str:
    """A task within a sentence: without its capital unless it begins with a name such as SSH."""
    first = task.split(" ", 1)[0]
    return task[0].lower() + task[1:] if first[1:].islower() else task
