"""Kinds of documents, a row each: how one is decoded, parsed, extracted, asked about, cut, filtered and compared.

A new kind is a new row, and where its files are found: `kslm.sources.kernel.tree.kind_of` or
`kslm.sources.package_docs.kind_of`. Kinds that are made of other tables of bronze, or beside another kind's text, have
rows without a decoder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

from kslm import texts
from kslm.extract import documents, headings
from kslm.extract.documents import Piece, Row
from kslm.extract.headings import Heading
from kslm.instruct import bindings, commands, kconfig, kernel_messages, manuals, messages, options
from kslm.knowledge.entities import Entities
from kslm.profile import Source
from kslm.sources import catalog, config_file, html, hwdb, package_docs, pnp_ids, tldr
from kslm.sources.catalog import CatalogEntry
from kslm.sources.kernel import abi, dt_binding, dts, rst, tree
from kslm.sources.kernel.dt_binding import Binding
from kslm.sources.kernel.printk import Template
from kslm.sources.man import page as man
from kslm.sources.man.names import name_line
from kslm.sources.records import ConfigSymbol, Decoded
from kslm.sources.tldr import TldrPage
from kslm.texts import Text

T = TypeVar("T")


class Filters(NamedTuple):
    """What the filters ask of a text (`kslm.curate.refine.filters`).

    Attributes:
        lines: whether its lines may not repeat.
        prose: whether it has a language, and may be a licence, a list of owners, a mail.
        scored: whether its quality is measured, and the worst of the kind refused.
        words: whether its words are expected to vary.
        contents: whether it comes with tables of contents.
        labels: whether it may be no more than labels of what is not there.
    """

    lines: bool = True
    prose: bool = False
    scored: bool = False
    words: bool = False
    contents: bool = False
    labels: bool = False


DATA = Filters(lines=False)
"""Lines repeat by nature."""
LISTING = Filters()
PROSE = Filters(prose=True, scored=True, words=True)
BOOK = PROSE._replace(contents=True)
COMMENTS = PROSE._replace(labels=True)
NOTES = PROSE._replace(scored=False)
FORM = PROSE._replace(words=False)
"""Prose with a form to fill in, whose field names repeat."""
SHORT_FORM = FORM._replace(scored=False)


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


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind; T is what its documents are parsed to, once, for all that is made of them.

    Attributes:
        slice: where its texts go, unless their place or the profile says otherwise.
        decode: a file's bytes and path to its text, or to what is wrong with it; None of what is no file.
        parse: a row of bronze.documents; None where all that is made of it comes from other tables of bronze.
        extract, questions: what is made of a document (see `kslm.extract`, `kslm.instruct`).
        code: the document itself as a text, for sources whose code is wanted.
        note: what is said of a document for questions and held-out facts that concern several.
        filters: what is asked of its texts.
        headings: where the sections of a text begin.
        names_parts: whether a part of a long text begins with the headings it stands under.
        machine: whether a machine wrote it about itself: redaction takes its names for that machine's.
        near: whether near duplicates are looked for: a template filled in with another device is another fact.
    """

    name: str
    slice: str
    filters: Filters
    decode: Callable[[bytes, str], Decoded] | None = None
    parse: Callable[[Row], T] | None = None
    extract: Callable[[Row, T, Entities], Iterator[Piece]] | None = None
    questions: Callable[[Row, T, Entities], Iterator[Text]] | None = None
    code: Callable[[Row, Entities], Piece] | None = None
    note: Callable[[Row, T], str | None] | None = None
    headings: Callable[[str], Iterator[Heading]] | None = None
    names_parts: bool = True
    machine: bool = False
    near: bool = True

    def texts(self, row: Row, parsed: T, entities: Entities, overrides: Overrides = EVERY_SOURCE) -> Iterator[Text]:
        """Texts and questions of a row of bronze.documents.

        Args:
            parsed: what `parse` gives for the row, or what other tables say of it.
        """
        slice_ = overrides.slices.get(row["source"])
        pieces = self.extract(row, parsed, entities) if self.extract else iter(())
        if self.code and row["source"] in overrides.code:
            pieces = chain(pieces, [self.code(row, entities)])
        for piece in pieces:
            kind = of(piece.kind) if piece.kind else self
            place = (row["source"], row["path"] + piece.fragment, kind.name, slice_ or piece.slice or kind.slice)
            origin = (row["version"], row["licence"])
            yield Text(row["doc_id"], *place, piece.group, *origin, piece.text, refused=piece.refused)
        if self.questions:
            yield from self.questions(row, parsed, entities)


def of(name: str) -> Kind[Any]:
    """The kind of this name."""
    return KINDS[name]


def decode(name: str, raw: bytes, path: str) -> Decoded:
    """A file of a kind as text; see `Kind.decode`."""
    decoder = KINDS[name].decode
    if decoder is None:
        raise TypeError(f"no file is of kind {name}")
    return decoder(raw, path)


def _text(row: Row) -> str:
    return str(row["text"])


def _of_text(render: Callable[[str], T]) -> Callable[[Row], T]:
    return lambda row: render(row["text"])


def _config(row: Row) -> str:
    return config_file.render(row["text"], f"/{row['path'].partition('/')[2]}")


def _catalogue(row: Row) -> Sequence[CatalogEntry]:
    return tuple(catalog.parse(row["text"]))


def _manual_questions(row: Row, text: str, entities: Entities) -> Iterator[Text]:
    return chain(manuals.pages(row, text, entities), options.options(row, text, entities))


MAKEFILE = Kind[None]("makefile", "os", LISTING, tree.decode)
"""Makefiles only say something of other files (`kslm.sources.kernel.kbuild`)."""
KCONFIG = Kind[Iterable[ConfigSymbol]](
    "kconfig", "os", FORM, tree.decode, extract=documents.config_symbols, questions=kconfig.symbols
)
"""Made of bronze.config_symbols."""
C = Kind[Sequence[Template]](
    *("c", "os", COMMENTS, tree.decode, documents.c_messages, documents.c_file),
    code=documents.c_code,
    note=kernel_messages.noted,
)
DT_BINDING = Kind[Binding](
    *("dt_binding", "hardware", SHORT_FORM, tree.decode, _of_text(dt_binding.parse)),
    *(documents.binding, bindings.bindings),
)
MAN = Kind[str](
    *("man", "admin", PROSE, man.decode, lambda row: man.render(row["text"], man.title_of(row["path"]))),
    *(documents.manual, _manual_questions),
    note=lambda row, text: name_line(text),
    headings=headings.manual,
)
TLDR = Kind[TldrPage](
    *("tldr", "instructions", SHORT_FORM, tldr.decode, _of_text(tldr.parse)),
    *(documents.tldr_page, commands.examples),
    headings=headings.hashes,
)
LOG = Kind[None]("log", "admin", LISTING, machine=True)
SNAPSHOT = Kind[None]("snapshot", "admin", LISTING, machine=True)
QUESTION = Kind[None](texts.QUESTION, "instructions", DATA, near=False)

_ALL: tuple[Kind[Any], ...] = (
    *(MAKEFILE, KCONFIG, C, DT_BINDING, MAN, TLDR, LOG, SNAPSHOT, QUESTION),
    Kind[str]("dts", "hardware", DATA, tree.decode, _of_text(dts.extract), documents.board,
              headings=headings.nodes, names_parts=False),
    Kind[str]("rst", "os", BOOK, tree.decode, _of_text(rst.render), documents.documentation,
              headings=headings.underlined),
    Kind[str]("text", "os", BOOK, tree.decode, _text, documents.documentation, headings=headings.underlined),
    Kind[str]("abi", "admin", FORM, tree.decode, _of_text(abi.extract), documents.documentation,
              headings=headings.underlined),
    Kind[html.Page]("html", "admin", BOOK, html.decode, _of_text(html.render), documents.html_page,
                    headings=headings.hashes),
    Kind[str]("doc", "admin", BOOK, package_docs.decode, _text, documents.packaged, headings=headings.underlined),
    Kind[str]("readme_debian", "instructions", NOTES, package_docs.decode, _text, documents.packaged,
              commands.readmes, headings=headings.underlined),
    Kind[str]("config", "admin", LISTING, config_file.decode, _config, documents.packaged, commands.config_files),
    Kind[Sequence[CatalogEntry]]("catalog", "admin", SHORT_FORM, package_docs.decode, _catalogue,
                                 documents.message_catalogue, messages.explained),
    Kind[str]("hwdb", "hardware", DATA, package_docs.decode, _of_text(hwdb.document), documents.packaged),
    Kind[str]("pnp_ids", "hardware", DATA, package_docs.decode, _of_text(pnp_ids.document), documents.packaged),
    Kind[None]("code", "os", DATA),
    Kind[None]("printk", "admin", LISTING),
    Kind[None]("pci_ids", "hardware", DATA),
    Kind[None]("usb_ids", "hardware", DATA),
    Kind[None]("modules", "hardware", DATA),
)  # fmt: skip
KINDS: Mapping[str, Kind[Any]] = {kind.name: kind for kind in _ALL}
