"""Parsed documents to pieces of text: what of a file is worth learning, and what it belongs to.

An extractor is given a row of bronze.documents, what the row's kind parses it to (`kslm.kinds`), and the split groups.
It yields at least one piece, which is empty where the file holds nothing to keep.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from kslm.knowledge.entities import Entities, module_name
from kslm.sources import html, tldr
from kslm.sources.catalog import CatalogEntry
from kslm.sources.kernel import comments, dt_binding, kbuild, kconfig, printk
from kslm.sources.kernel.dt_binding import Binding
from kslm.sources.kernel.printk import Template
from kslm.sources.man import page as man
from kslm.sources.man.names import page_of
from kslm.sources.records import ConfigSymbol
from kslm.sources.tldr import TldrPage

Row = Mapping[str, Any]

_DOCUMENTATION = (
    *(("Documentation/admin-guide/", "admin"), ("Documentation/ABI/", "admin")),
    *(
        (f"Documentation/{folder}/", "hardware")
        for folder in (
            *("PCI", "arm", "arm64", "cdrom", "devicetree", "fb", "firmware-guide", "fpga", "hid", "hwmon", "iio"),
            *("i2c/busses", "i2c/muxes", "input/devices", "isdn", "leds", "mhi", "misc-devices", "mmc", "mtd"),
            *("networking/device_drivers", "nvdimm", "parport", "pcmcia", "peci", "scsi", "sound/cards"),
            *("sound/hd-audio", "spi", "usb", "w1", "watchdog"),
        )
    ),
)
"""Where the kernel's Documentation is not about the operating system: what one sets, and what one has."""
_SYSTEM_SECTIONS = ("2", "3", "4", "9")
"""Manual sections about the operating system: calls, library functions, devices, the kernel's own functions."""


class Piece(NamedTuple):
    """Text of one document.

    Attributes:
        group: the split group it belongs to.
        fragment: tells pieces of one document apart; begins with #.
        kind: where it is another one than the document's.
        slice: where it is another one than the kind's.
        refused: why it is no document after all; None where it is one.
    """

    text: str
    group: str
    fragment: str = ""
    kind: str | None = None
    slice: str | None = None
    refused: str | None = None


def c_file(row: Row, messages: Sequence[Template], entities: Entities) -> Iterator[Piece]:
    """The comments of a C file, and the messages it logs."""
    group = entities.of_source(row["path"])
    yield Piece(comments.extract(row["text"]), group)
    if logged := _logged(row, messages, entities):
        yield Piece(logged, group, "#printk", kind="printk")


def c_messages(row: Row) -> Sequence[Template]:
    """The messages that the kernel logs by a C file; none of programs that come with the tree."""
    return printk.templates(row["text"]) if kbuild.in_kernel(row["path"]) else ()


def c_code(row: Row, entities: Entities) -> Piece:
    """A C file itself."""
    code, group = comments.without_header(row["text"]), entities.of_source(row["path"])
    return Piece(code, group, "#code", kind="code")


def _logged(row: Row, messages: Sequence[Template], entities: Entities) -> str:
    """The messages of a C file, under the name of its module where it is of one."""
    target = entities.target(row["path"]) if messages else None
    if target is None:
        return printk.document(messages, row["text"], row["path"])
    is_part = module_name(PurePosixPath(row["path"]).stem) != target.name
    can_be_module = target.how == "option" and (is_part or "MODULE_LICENSE" in row["text"])
    loadable = target.how == "module" or can_be_module
    return printk.document(messages, row["text"], row["path"], target.name, loadable=loadable)


def binding(row: Row, parsed: Binding, entities: Entities) -> Iterator[Piece]:
    """A device-tree binding, with the driver of its compatibles."""
    yield Piece(dt_binding.document(parsed), entities.of_binding(row["path"], row["text"]))


def board(row: Row, text: str, entities: Entities) -> Iterator[Piece]:
    """A device-tree source, grouped by the first word of its name: boards of one chip share most of their nodes."""
    place = PurePosixPath(row["path"])
    family = place.stem.replace("_", "-").partition("-")[0]
    yield Piece(text, f"{place.parent}/{family}")


def documentation(row: Row, text: str, entities: Entities) -> Iterator[Piece]:
    """A page of the kernel's Documentation, with the driver it is named after."""
    slice_ = next((slice_ for folder, slice_ in _DOCUMENTATION if row["path"].startswith(folder)), None)
    yield Piece(text, entities.of_source(row["path"]), slice=slice_)


def config_symbols(row: Row, symbols: Iterable[ConfigSymbol], entities: Entities) -> Iterator[Piece]:
    """A text for each split group of a Kconfig file."""
    sections: dict[str, list[str]] = defaultdict(list)
    for symbol in symbols:
        if symbol.prompt or symbol.help:
            group = entities.of_symbol(row["path"], symbol.help or "", symbol.name)
            sections[group].append(kconfig.document(symbol, row["path"]))
    for group, texts in sections.items():
        yield Piece("\n\n".join(texts), group, f"#{group}")
    if not sections:
        yield Piece("", entities.of_source(row["path"]))


def manual(row: Row, text: str, entities: Entities) -> Iterator[Piece]:
    """A manual page, by itself."""
    page = page_of(row["path"])
    slice_ = "os" if page and page.section.startswith(_SYSTEM_SECTIONS) else None
    yield Piece(man.without_notice(text), f"man:{page or row['path']}", slice=slice_)


def tldr_page(row: Row, page: TldrPage, entities: Entities) -> Iterator[Piece]:
    """A tldr page, by its command."""
    lines = [f"{page.command}: {page.description}".rstrip(": ")]
    lines += [f"{task}:\n  {tldr.plain(command)}" for task, command in page.examples]
    yield Piece("\n".join(lines).strip(), f"tldr:{page.command}")


def packaged(row: Row, text: str, entities: Entities) -> Iterator[Piece]:
    """A document of a package: all of these belong together."""
    yield Piece(text, _package(row))


def html_page(row: Row, page: html.Page, entities: Entities) -> Iterator[Piece]:
    """An HTML page of a package."""
    yield Piece(page.text, _package(row), refused=page.refusal or None)


def message_catalogue(row: Row, entries: Iterable[CatalogEntry], entities: Entities) -> Iterator[Piece]:
    """A message catalogue as one reads it."""
    yield Piece("\n\n".join(f"{entry.subject}\n{entry.text}".strip() for entry in entries), _package(row))


def _package(row: Row) -> str:
    return f"package:{row['path'].partition('/')[0]}"
