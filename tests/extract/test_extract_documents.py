from __future__ import annotations

import pytest

from kslm.kinds import EVERY_SOURCE, Overrides
from kslm.knowledge.entities import build
from kslm.profile import Place, Source
from kslm.texts import Text
from lake_rows import texts_of

MODULE = {"module": "e1000e", "path": "kernel/drivers/net/e1000e/e1000e.ko", "aliases": ()}
ENTITIES = build([MODULE], {})
BINDINGS = "Documentation/devicetree/bindings/net/x.yaml"


def row(kind: str, path: str, text: str) -> dict[str, str]:
    return {"doc_id": "1", "source": "s", "path": path, "kind": kind, "text": text, "version": "6", "licence": "MIT"}


def texts(kind: str, path: str, text: str, overrides: Overrides = EVERY_SOURCE) -> list[Text]:
    """What is made of one document, its questions left out."""
    return [found for found in texts_of(row(kind, path, text), ENTITIES, overrides) if found.item is None]


def only(kind: str, path: str, text: str) -> Text:
    (found,) = texts(kind, path, text)
    return found


def test_a_binding_gives_its_descriptions():
    binding = "$schema: x\ntitle: A network chip\ndescription: |\n  It talks over MDIO.\n"
    assert only("dt_binding", BINDINGS, binding).text == "A network chip\n\nIt talks over MDIO."


def test_a_binding_that_is_not_valid_yaml_is_kept_as_it_stands():
    broken = "$schema: x\ntitle: A chip\n  bad: [indent\n\tand a tab\n"
    assert only("dt_binding", BINDINGS, broken).text == broken.rstrip("\n")


C = (
    "// SPDX-License-Identifier: MIT\n/* Drives the card. */\nint f(void)\n{\n"
    + """
\tpr_err("no card\\n");
\tpr_err("no link\\n");
\tpr_info("all is well\\n");
}
"""
)


LOGGED = "Kernel messages of drivers/net/e1000e/main.c\nLevel err:\nno card\nno link\nLevel info:\nall is well"


def test_a_c_file_gives_comments_and_messages_of_one_group():
    comments, messages = texts("c", "drivers/net/e1000e/main.c", C)
    assert (comments.text, comments.slice, comments.kind) == ("Drives the card: int f(void)", "os", "c")
    assert (messages.text, messages.slice, messages.kind) == (LOGGED, "admin", "printk")
    assert messages.path == "drivers/net/e1000e/main.c#printk"
    assert comments.split_group == messages.split_group == "drivers/net/e1000e"


def test_messages_begin_with_the_module_that_the_makefile_names():
    modules = [{"module": "e1000e", "path": "kernel/drivers/net/e1000e/e1000e.ko", "aliases": [], "depends": []}]
    makefiles = {
        "drivers/net/e1000e/Makefile": "obj-$(CONFIG_E1000E) += e1000e.o\ne1000e-y := main.o\nobj-y += core.o\n",
    }
    known = build(modules, {}, makefiles)
    code = (
        '#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt\nstruct pci_driver a = {\n\t.name = "E-1000",\n};\n'
        'pr_err("no card\\n"); dev_err(d, "no link\\n"); foo_err("no luck\\n");'
    )

    def logged(path: str) -> list[str]:
        return [found.text for found in texts_of(row("c", path, code), known) if found.kind == "printk"]

    assert logged("drivers/net/e1000e/main.c") == [
        "Kernel messages of e1000e (drivers/net/e1000e/main.c)\nLevel err:\n"
        "e1000e: no card\nE-1000 <device>: no link\nno luck"
    ]
    assert logged("drivers/net/e1000e/core.c") == [
        "Kernel messages of drivers/net/e1000e/core.c\nLevel err:\ncore: no card\nE-1000 <device>: no link\nno luck"
    ]
    assert logged("tools/perf/main.c") == []


def test_a_c_file_with_nothing_to_say_gives_an_empty_text():
    assert only("c", "mm/x.c", "int x;").text == ""


def test_the_code_itself_only_where_the_source_asks_for_it():
    asked = Overrides(code=frozenset({"s"}))
    code = texts("c", "drivers/net/e1000e/main.c", C, asked)[-1]
    assert (code.kind, code.slice, code.path) == ("code", "os", "drivers/net/e1000e/main.c#code")
    assert code.text.startswith("/* Drives the card. */\nint f(void)") and "SPDX" not in code.text
    assert all(found.kind != "code" for found in texts("rst", "Documentation/x.rst", "x", asked))


def test_a_profile_puts_a_source_into_another_slice_but_not_its_questions():
    folder = Place(path="/x")
    overrides = Overrides.of(
        {
            "s": Source(kind="kernel_tree", licence="MIT", places=(folder,), slice="instructions", code=True),
            "t": Source(kind="tldr", licence="MIT", places=(folder,)),
        }
    )
    assert overrides == Overrides({"s": "instructions"}, frozenset({"s"}))
    assert {found.slice for found in texts("c", "mm/x.c", C, overrides)} == {"instructions"}
    hardware = Overrides({"s": "hardware"})
    page = row("man", "p/usr/share/man/man1/ls.1", "NAME\n       ls - list directory contents\n")
    assert {found.slice for found in texts_of(page, ENTITIES, hardware) if found.item} == {"instructions"}


@pytest.mark.parametrize(
    ("path", "slice_"),
    [
        ("Documentation/admin-guide/mm/ksm.rst", "admin"),
        ("Documentation/firmware-guide/acpi/namespace.rst", "hardware"),
        ("Documentation/hwmon/lm90.rst", "hardware"),
        ("Documentation/PCI/msi-howto.rst", "hardware"),
        ("Documentation/process/howto.rst", "os"),
        ("Documentation/arm-like.rst", "os"),
        ("drivers/staging/x/README.rst", "os"),
    ],
)
def test_slice_of_documentation_is_its_folders(path: str, slice_: str):
    assert only("rst", path, "x").slice == slice_


@pytest.mark.parametrize(
    ("path", "group", "slice_"),
    [
        ("coreutils/usr/share/man/man1/ls.1", "man:ls(1)", "admin"),
        ("manpages-dev/usr/share/man/man2/read.2", "man:read(2)", "os"),
        ("manpages/usr/share/man/man4/tty.4", "man:tty(4)", "os"),
        ("systemd/usr/share/man/man5/crypttab.5", "man:crypttab(5)", "admin"),
    ],
)
def test_slice_of_a_manual_is_its_sections(path: str, group: str, slice_: str):
    found = only("man", path, "text")
    assert (found.split_group, found.slice) == (group, slice_)


@pytest.mark.parametrize(
    ("kind", "text", "slice_", "kept"),
    [
        ("html", "<h1>Title</h1><p>Plain.", "admin", "# Title\n\nPlain.\n"),
        ("doc", "Plain.", "admin", "Plain."),
        ("config", "a = b", "admin", "# /etc/x\na = b\n"),
        ("readme_debian", "Notes.", "instructions", "Notes."),
        ("catalog", f"-- {'0' * 31}1\nSubject: It broke\n\nMend it.\n", "admin", "It broke\nMend it."),
        ("pnp_ids", "ABC\tA Maker\n", "hardware", "PnP vendor ABC is A Maker."),
        (
            "hwdb",
            "# ---\n# A mouse\nmouse:usb:*\n  MOUSE_DPI=800\n",
            "hardware",
            "# A mouse\nmouse:usb:*\n  MOUSE_DPI=800",
        ),
    ],
)
def test_documents_of_one_package_belong_together(kind: str, text: str, slice_: str, kept: str):
    found = only(kind, "pkg/etc/x", text)
    assert (found.slice, found.split_group) == (slice_, "package:pkg")
    assert found.text == kept


def test_a_tldr_page_as_one_would_type_it():
    page = only("tldr", "common/tar.md", "# tar\n> Pack files.\n- Pack {{x}}:\n`tar cf {{file}}`\n")
    assert page.text == "tar: Pack files.\nPack {{x}}:\n  tar cf file"
    assert (page.slice, page.split_group) == ("instructions", "tldr:tar")


def test_boards_of_one_chip_and_symbols_of_one_module_belong_together():
    board = only("dts", "arch/arm/boot/dts/imx6qdl-sabre.dtsi", '/ {\n\tmodel = "A";\n};')
    assert (board.split_group, board.slice) == ("arch/arm/boot/dts/imx6qdl", "hardware")
    kconfig = 'config E\n\tbool "e"\n\thelp\n\t  The module will be called e1000e.\nchoice\n\tprompt "Which"\n'
    found = texts("kconfig", "drivers/net/Kconfig", kconfig)
    assert [(one.split_group, one.text) for one in found] == [
        (
            "drivers/net/e1000e",
            "CONFIG_E: e\nType bool: y or n. Its module is e1000e.\nThe module will be called e1000e.",
        ),
        ("drivers/net", "Choice: Which"),
    ]


def test_abi_stanzas_are_administration():
    assert only("abi", "Documentation/ABI/x", "What: /sys/a\nDescription: Says a.\n").slice == "admin"
