"""Bronze documents to texts: what of a file is worth learning, which slice it is of, and what it belongs to.

What is done follows from the row's kind alone, by the tables at the end; the slice follows from the kind too, and for
the kernel's Documentation and for manuals from the place. A profile may put a whole source into another slice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from kslm.instruct import from_document
from kslm.knowledge.entities import Entities, module_name
from kslm.profile import Source
from kslm.sources import catalog, config_file, hwdb, pnp_ids, tldr
from kslm.sources.kernel import abi, comments, dt_binding, dts, kbuild, kconfig, printk, rst
from kslm.sources.man import page as man
from kslm.sources.man.names import page_of
from kslm.texts import Text

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


WITHOUT_TEXT = ("makefile",)
"""Kinds of documents that only say something of others (`kbuild`): nothing is extracted from them."""


class Overrides(NamedTuple):
    """What a profile says of whole sources.

    Attributes:
        slices: source to the slice of all its documents, questions excepted.
        code: sources whose C code itself becomes documents too.
    """

    slices: Mapping[str, str] = {}
    code: frozenset[str] = frozenset()

    @classmethod
    def of(cls, sources: Mapping[str, Source]) -> Overrides:
        """Those of a profile's sources."""
        return cls(
            {name: source.slice for name, source in sources.items() if source.slice},
            frozenset(name for name, source in sources.items() if source.code),
        )


EVERY_SOURCE = Overrides()
"""Nothing said of any source."""


def extract(row: Row, entities: Entities, overrides: Overrides = EVERY_SOURCE) -> Iterator[Text]:
    """Texts of one row of bronze.documents; at least one, which is empty where the file holds nothing to keep.

    Args:
        row: doc_id, source, path, kind, version, licence and text of the document.
        entities: the split groups.
        overrides: what the profile says of the row's source.
    """
    slice_ = overrides.slices.get(row["source"])
    texts = _EXTRACTORS[row["kind"]](row, entities)
    yield from (text._replace(slice=slice_) for text in texts) if slice_ else texts
    if row["kind"] == "c" and row["source"] in overrides.code:
        code, group = comments.without_header(row["text"]), entities.of_source(row["path"])
        yield _text(row, code, slice_ or "os", group, fragment="#code", kind="code")
    yield from from_document(row, entities)


def _c(row: Row, entities: Entities) -> Iterator[Text]:
    """The comments of a C file, and the messages it logs."""
    group = entities.of_source(row["path"])
    yield _text(row, comments.extract(row["text"]), "os", group)
    if kbuild.in_kernel(row["path"]) and (messages := _logged(row, entities)):
        yield _text(row, messages, "admin", group, fragment="#printk", kind="printk")


def _logged(row: Row, entities: Entities) -> str:
    """The messages of a C file, under the name of its module where it is of one."""
    target = entities.target(row["path"])
    if target is None:
        return printk.extract(row["text"], row["path"])
    is_part = module_name(PurePosixPath(row["path"]).stem) != target.name
    can_be_module = target.how == "option" and (is_part or "MODULE_LICENSE" in row["text"])
    loadable = target.how == "module" or can_be_module
    return printk.extract(row["text"], row["path"], target.name, loadable=loadable)


def _binding(row: Row, entities: Entities) -> Iterator[Text]:
    try:
        text = dt_binding.extract(row["text"])
    except ValueError:  # a schema that is not valid YAML is still text about hardware
        text = row["text"]
    yield _text(row, text, "hardware", entities.of_binding(row["path"], row["text"]))


def _board(row: Row, entities: Entities) -> Iterator[Text]:
    """A device-tree source, grouped by the first word of its name: boards of one chip share most of their nodes."""
    place = PurePosixPath(row["path"])
    family = place.stem.replace("_", "-").partition("-")[0]
    yield _text(row, dts.extract(row["text"]), "hardware", f"{place.parent}/{family}")


def _prose(row: Row, entities: Entities) -> Iterator[Text]:
    path, text = row["path"], row["text"]
    slice_ = next((slice_ for folder, slice_ in _DOCUMENTATION if path.startswith(folder)), "os")
    yield _text(row, rst.render(text) if row["kind"] == "rst" else text, slice_, entities.of_source(path))


def _abi(row: Row, entities: Entities) -> Iterator[Text]:
    yield _text(row, abi.extract(row["text"]), "admin", entities.of_source(row["path"]))


def _symbols(row: Row, entities: Entities) -> Iterator[Text]:
    """A text for each split group of a Kconfig file."""
    sections: dict[str, list[str]] = defaultdict(list)
    for entry in kconfig.parse(row["text"], entities.sourced.get(row["path"], "").splitlines()):
        if not (entry.prompt or entry.help):
            continue
        group = entities.of_symbol(row["path"], entry.help or "", entry.name)
        sections[group].append(kconfig.document(entry, row["path"]))
    for group, found in sections.items():
        yield _text(row, "\n\n".join(found), "os", group, fragment=f"#{group}")
    if not sections:
        yield _text(row, "", "os", entities.of_source(row["path"]))


def _manual(row: Row, entities: Entities) -> Iterator[Text]:
    page = page_of(row["path"])
    slice_ = "os" if page and page.section.startswith(_SYSTEM_SECTIONS) else "admin"
    yield _text(row, man.without_notice(row["text"]), slice_, f"man:{page or row['path']}")


def _tldr(row: Row, entities: Entities) -> Iterator[Text]:
    page = tldr.parse(row["text"])
    lines = [f"{page.command}: {page.description}".rstrip(": ")]
    lines += [f"{task}:\n  {tldr.plain(command)}" for task, command in page.examples]
    yield _text(row, "\n".join(lines).strip(), "instructions", f"tldr:{page.command}")


def _of_package(slice_: str, render: Callable[[str], str]) -> Callable[[Row, Entities], Iterator[Text]]:
    """The extractor of a package's documents, which all belong together."""

    def texts(row: Row, entities: Entities) -> Iterator[Text]:
        yield _text(row, render(row["text"]), slice_, f"package:{row['path'].partition('/')[0]}")

    return texts


def _messages(text: str) -> str:
    """A message catalogue as one reads it."""
    return "\n\n".join(f"{entry.subject}\n{entry.text}".strip() for entry in catalog.parse(text))


def _text(row: Row, text: str, slice_: str, group: str, *, fragment: str = "", kind: str | None = None) -> Text:
    place = (row["source"], row["path"] + fragment, kind or row["kind"], slice_, group)
    return Text(row["doc_id"], *place, row["version"], row["licence"], text)


_EXTRACTORS: Mapping[str, Callable[[Row, Entities], Iterator[Text]]] = {
    "c": _c,
    "kconfig": _symbols,
    "rst": _prose,
    "text": _prose,
    "dt_binding": _binding,
    "dts": _board,
    "abi": _abi,
    "man": _manual,
    "tldr": _tldr,
    "html": _of_package("admin", str),
    "doc": _of_package("admin", str),
    "config": _of_package("admin", config_file.without_notice),
    "catalog": _of_package("admin", _messages),
    "readme_debian": _of_package("instructions", str),
    "hwdb": _of_package("hardware", hwdb.document),
    "pnp_ids": _of_package("hardware", pnp_ids.document),
}
"""What is made of each kind of document that ingest writes."""
