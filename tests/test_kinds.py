"""A raw file of every kind of document, through ingest and curate: its text is in gold, or named among the rejects."""

from __future__ import annotations

import pytest

import kslm.curate
import kslm.ingest
import kslm.lake
from kslm.kinds import KINDS
from kslm.lake.tables import CORPUS, DOCUMENTS, REJECTS
from kslm.outputs import FetchedPackage
from kslm.paths import HomePath
from landed import build_home, fetched, settings_of, write_fetched, write_tar
from miniature import prose
from world import ABI, BINDING, BOARD, DRIVER

TREE = "tree"
PACKAGES = "packages/tool"
SAID = {kind: prose(number, 6) for number, kind in enumerate(KINDS)}
"""Words of each kind's file: texts that are alike would be near duplicates."""
FIRST = {kind: said.split(".")[0] for kind, said in SAID.items()}

RAW = {
    "c": (TREE, "drivers/net/tool/main.c", DRIVER.format(n=1, word="reset", vendor=0x1000, text=SAID["c"])),
    "kconfig": (TREE, "drivers/net/tool/Kconfig", f"config TOOL\n\ttristate 'Tools'\n\thelp\n\t  {SAID['kconfig']}\n"),
    "makefile": (TREE, "drivers/net/tool/Makefile", "obj-$(CONFIG_TOOL) += tool.o\ntool-y := main.o\n"),
    "rst": (TREE, "Documentation/tool.rst", f"Tools\n=====\n\n:Author: A. Person\n\n{SAID['rst']}\n"),
    "text": (TREE, "Documentation/tool.txt", f"Plain. {SAID['text']}"),
    "abi": (TREE, "Documentation/ABI/testing/sysfs-tool", ABI.format(n=1, text=SAID["abi"])),
    "dt_binding": (
        TREE,
        "Documentation/devicetree/bindings/net/tool.yaml",
        BINDING.format(n=1, text=SAID["dt_binding"]),
    ),
    "dts": (TREE, "arch/arm64/boot/dts/tool/board.dts", BOARD.format(n=1)),
    "man": (PACKAGES, "usr/share/man/man1/tool.1", f".TH TOOL 1\n.SH NAME\ntool \\- does it\n.SH USE\n{SAID['man']}\n"),
    "html": (PACKAGES, "usr/share/doc/tool/tool.html", f"<h1>Tool</h1><p>{SAID['html']}<script>x()</script>"),
    "doc": (PACKAGES, "usr/share/doc/tool/GUIDE", f"A guide. {SAID['doc']}"),
    "readme_debian": (PACKAGES, "usr/share/doc/tool/README.Debian", f"Tool for Debian. {SAID['readme_debian']}"),
    "config": (PACKAGES, "etc/tool.conf", f"# {SAID['config']}\nport = 22\n"),
    "catalog": (
        PACKAGES,
        "usr/lib/systemd/catalog/t.catalog",
        f"-- {'0' * 31}1\nSubject: Tools\n\n{SAID['catalog']}\n",
    ),
    "hwdb": (
        PACKAGES,
        "usr/lib/udev/hwdb.d/60-tool.hwdb",
        f"#####\n# {SAID['hwdb']}\n\nevdev:name:Tool*\n KEY_70039=leftctrl\n",
    ),
    "pnp_ids": (PACKAGES, "usr/share/misc/pnp.ids", "".join(f"AB{n}\tMaker of tools {n}\n" for n in range(9))),
    "tldr": ("tldr", "tool.md", f"# tool\n\n> {SAID['tldr']}\n\n- Do it:\n\n`tool --all {{{{file}}}}`\n"),
}
TOLD = {
    "c": FIRST["c"],
    "kconfig": f"CONFIG_TOOL: Tools\nType tristate: y (built in), m (a module) or n.\n{FIRST['kconfig']}",
    "makefile": None,
    "rst": f"Tools\n=====\n\n{FIRST['rst']}",
    "text": f"Plain. {FIRST['text']}",
    "abi": f"/sys/class/net/<iface>/knob1\nSince May 2020.\n{FIRST['abi']}",
    "dt_binding": f"Vendor chip 1\n\n{FIRST['dt_binding']}",
    "dts": 'compatible = "vendor,board1"',
    "man": f"TOOL(1)\n\nNAME\ntool - does it\n\nUSE\n{FIRST['man']}",
    "html": f"# Tool\n\n{FIRST['html']}",
    "doc": f"A guide. {FIRST['doc']}",
    "readme_debian": f"Tool for Debian. {FIRST['readme_debian']}",
    "config": f"# /etc/tool.conf\n# {FIRST['config']}",
    "catalog": f"Tools\n{FIRST['catalog']}",
    "hwdb": f"# {FIRST['hwdb']}",
    "pnp_ids": "PnP vendor AB0 is Maker of tools 0.\nPnP vendor AB1 is Maker of tools 1.",
    "tldr": f"tool: {FIRST['tldr']}",
}
"""What is in gold of each kind; None of one that only says something of others."""
NO_DOCUMENT = {
    "html": ("usr/share/doc/tool/index.html", '<a href="tool.html">The tool</a>' * 9, "index page: mostly links"),
    "man": ("usr/share/man/man8/none.8", '.\\" nothing but a comment\n', "empty"),
}
"""Files of a package that are decoded, and then are no document: path, content, why they are refused."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """bronze.documents, gold.corpus and silver.rejects of a home with a file of every kind."""
    home = build_home(tmp_path_factory.mktemp("home"))
    write_tar(home / "landing", {name: text.encode() for place, name, text in RAW.values() if place == TREE})
    for place, name, text in [*RAW.values(), *((PACKAGES, name, text) for name, text, _ in NO_DOCUMENT.values())]:
        if place != TREE:
            file = home / "landing" / place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    sources = fetched(home)
    known = {"tool": FetchedPackage(version="1.0-1", sha256="t", bytes=5, licence="MIT")}
    packages = {"kind": "packages", "members": HomePath("landing/packages"), "packages": known}
    sources["packages"] = sources["manuals"].model_copy(update=packages)
    tldr = {"kind": "tldr", "members": HomePath("landing/tldr")}
    sources["tldr"] = sources["manuals"].model_copy(update=tldr)
    write_fetched(home, sources)
    settings = settings_of(home)
    kslm.ingest.run(settings)
    kslm.curate.run(settings)
    with kslm.lake.open(settings) as lake:
        return [lake.read(table).toArrow().to_pylist() for table in (DOCUMENTS, CORPUS, REJECTS)]


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS.values() if kind.decode])
def test_a_file_of_every_kind_arrives(tables, kind):
    documents, corpus, rejects = tables
    place, name, raw = RAW[kind]
    path = f"tool/{name}" if place == PACKAGES else name
    (document,) = (row for row in documents if row["path"] == path)
    assert (document["kind"], document["text"]) == (kind, raw), "bronze holds the text as decoded"
    made = [row for row in corpus if row["parent_id"] == document["doc_id"]]
    if TOLD[kind] is None:
        assert made == []
        assert KINDS[kind].extract is None
    else:
        refused = {row["path"]: row["reason"] for row in rejects}
        assert any(TOLD[kind] in row["text"] for row in made if row["kind"] == kind), refused


@pytest.mark.parametrize("kind", NO_DOCUMENT)
def test_what_turns_out_to_be_no_document_has_a_named_reject(tables, kind):
    documents, corpus, rejects = tables
    name, raw, reason = NO_DOCUMENT[kind]
    (document,) = (row for row in documents if row["path"] == f"tool/{name}")
    assert document["text"] == raw
    assert not [row for row in corpus if row["parent_id"] == document["doc_id"]]
    assert reason in {row["reason"] for row in rejects if row["parent_id"] == document["doc_id"]}


def test_rows_are_named_once_and_whole():
    for name, kind in KINDS.items():
        assert kind.name == name
        assert not kind.extract or kind.decode
        assert not kind.parse or kind.extract
