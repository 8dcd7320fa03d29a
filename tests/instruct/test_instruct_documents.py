from __future__ import annotations

import json
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaign import dear
from kslm.curate.instructions import instruction_rows
from kslm.lake.arrow import arrow_schema
from kslm.lake.tables import INSTRUCTIONS
from kslm.sources.man.names import name_line, page_of
from lake_rows import texts_of
from questions_world import ENTITIES, PAGE, SYMBOLS, asked, document

TLDR = "# tar\n\n> Archiving utility.\n\n- [c]reate an archive:\n\n`tar cf {{target.tar}} {{file}}`\n"
CATALOG = """-- f77379a8490b408bbe5f6940505a777b
Subject: The journal has been started
Defined-By: systemd
Documentation: man:systemd-journald(8)

The system journal process has started up.
"""
BINDING = """%YAML 1.2
---
$id: http://devicetree.org/schemas/net/acme.yaml#
title: Acme network controllers
properties:
  compatible:
    enum:
      - acme,nic-1
      - acme,nic-2
"""
C = 'dev_err(dev, "The NVM Checksum Is Not Valid\\n");'


def made(kind, path, text):
    return {found.path.partition("#")[2]: found for found in asked(document(kind, path, text), ENTITIES)}


def answers(found):
    return {fragment: text.text.partition("\nAnswer: ")[2] for fragment, text in found.items()}


def test_symbols():
    found = made("kconfig", "drivers/net/ethernet/intel/Kconfig", SYMBOLS)
    said = answers(found)
    assert said["CONFIG_IGB"].startswith("CONFIG_IGB: Intel(R) 82575/82576 PCI-Express Gigabit Ethernet support. This ")
    assert said["CONFIG_IGB"].endswith("The module will be called igb. It depends on PCI.")
    assert "Set CONFIG_IGB_HWMON to y; it is in drivers/net/ethernet/intel/Kconfig" in said["CONFIG_IGB_HWMON.enable"]
    assert said["CONFIG_IGB.module"].endswith("Load it with: modprobe igb")
    assert "CONFIG_IGB builds the igb module" in said["CONFIG_IGB.option"]
    assert found["CONFIG_IGB.module"].split_group == ENTITIES.modules["igb"]
    assert "CONFIG_IGB_HWMON.module" not in found


def test_manual_pages():
    found = made("man", "coreutils/usr/share/man/man1/ls.1", PAGE)
    said = answers(found)
    assert (
        said["NAME"] == "ls(1): list directory contents. The page is in the package coreutils. Read it with: man 1 ls"
    )
    assert "list directory contents" in found["find"].text.partition("\nAnswer: ")[0]
    assert said["install"].startswith(
        "ls is in the package coreutils; install it with: apt install coreutils\nls(1): list"
    )
    assert {text.split_group for text in found.values()} == {"man:ls(1)"}
    assert json.loads(found["install"].item)["intent"] == "APP_INSTALL"
    assert "install" not in made("man", "man1/ls.1", PAGE)


@pytest.mark.parametrize(
    ("path", "page"), [("man1/ls.1.gz", "ls(1)"), ("p/usr/share/man/man3/BN_add.3ssl", "BN_add(3ssl)"), ("ls", None)]
)
def test_page_of(path, page):
    assert (str(page_of(path)) if page_of(path) else None) == page


def test_name_line():
    assert name_line("x\n\nNAME\n    ls, dir -\n    list things\n\nSYNOPSIS\n") == "list things"
    assert name_line("NAME\nnothing said\n") is None


def test_bindings():
    said = answers(made("dt_binding", "Documentation/devicetree/bindings/net/acme.yaml", BINDING))
    assert {fragment.removesuffix(".2") for fragment in said} == {"acme,nic-1", "acme,nic-2"}
    assert said["acme,nic-1"].startswith('acme,nic-1 is described by the binding "Acme network controllers".')


def test_the_journals_explanations():
    (text,) = made("catalog", "systemd/usr/lib/systemd/catalog/systemd.catalog", CATALOG).values()
    assert "The journal has been started" in text.text
    assert text.text.endswith("The system journal process has started up. Documentation: man:systemd-journald(8).")
    assert text.split_group == "package:systemd"


def test_examples_of_commands():
    (text,) = made("tldr", "pages/common/tar.md", TLDR).values()
    assert text.text.endswith("\nAnswer: tar cf target.tar file\ntar: Archiving utility.")
    assert json.loads(text.item)["next_action"] == "man tar"
    (text,) = made("tldr", "pages/linux/apt.md", TLDR.replace("# tar", "# apt")).values()
    assert json.loads(text.item)["intent"] == "APP_INSTALL"


def test_files_of_packages():
    said = answers(made("config", "openssh-server/etc/ssh/sshd_config", "Port 22\n"))
    assert said["owner"].startswith("/etc/ssh/sshd_config comes with the Debian package openssh-server.")
    said = answers(made("readme_debian", "ssh/usr/share/doc/ssh/README.Debian", "Notes\n"))
    assert said["readme"].startswith("Debian's notes on ssh are in /usr/share/doc/ssh/README.Debian.")


def test_configuration_files_are_brought_back_as_dpkg_does_it():
    found = [made("config", f"pack/etc/{number}.conf", "x\n")["owner"].text for number in range(60)]
    for text in found:
        question, _, answer = text.partition("\nAnswer: ")
        lost = re.search(r"missing|delet|removed|No such file|bring back", question) is not None
        changed = re.search(r"changed|reset|edits|keeps|Restore .* ships", question) is not None
        assert ("--force-confmiss pack" in answer, "--force-confask,confnew pack" in answer) == (lost, changed)
        assert "--reinstall pack" not in answer
    assert len({text.partition("\nAnswer: ")[2].partition("pack. ")[2][:9] for text in found}) == 3


@settings(max_examples=dear(0.6))
@given(
    st.sampled_from(["c", "kconfig", "dt_binding", "man", "catalog", "tldr", "config", "readme_debian", "rst"]),
    st.sampled_from(["a/b.1", "p/etc/x", "x"]),
    st.text()
    | st.sampled_from([TLDR, CATALOG, BINDING, C, SYMBOLS, PAGE]).flatmap(
        lambda text: st.integers(0, len(text)).map(lambda cut: text[:cut])
    ),
)
def test_any_text_gives_questions_with_unique_paths_or_none(kind, path, text):
    found = list(asked(document(kind, path, text), ENTITIES))
    assert len({one.path for one in found}) == len(found)
    for one in found:
        assert one.text.startswith("Question: ") and "\nAnswer: " in one.text
        assert json.loads(one.item)["key"].startswith(f"id-{path}#")


def test_documents_give_their_text_and_their_questions():
    texts = list(texts_of(document("man", "man1/ls.1", PAGE), ENTITIES))
    assert texts[0].text == PAGE and texts[0].item is None
    assert {text.slice for text in texts[1:]} == {"instructions"}


def test_questions_of_gold_become_instructions():
    texts = list(texts_of(document("man", "man1/ls.1", PAGE), ENTITIES))
    rows = [
        {
            "doc_id": str(number),
            "text": text.text,
            "item": text.item,
            "version": "1",
            "licence": "MIT",
            "split": "train",
        }
        | {"split_group": text.split_group}
        for number, text in enumerate(texts)
    ]
    (batch,) = instruction_rows([pa.RecordBatch.from_pylist(rows)])
    assert batch.schema == arrow_schema(INSTRUCTIONS)
    made_rows = batch.to_pylist()
    assert [row["doc_id"] for row in made_rows] == [str(number) for number in range(1, len(texts))]
    assert len({row["item_id"] for row in made_rows}) == len(made_rows)
    assert made_rows[0]["fact_table"] == "bronze.documents"
    assert made_rows[0]["fact_version"] == "1"
    assert made_rows[0]["fact_key"] == "id-man1/ls.1#NAME"
    assert made_rows[0]["intent"] == "SYSTEM_MANAGE"
    assert made_rows[0]["kind"] == "page_what"
    fields = dict(made_rows[0]["fields"])
    assert fields == {"name": "ls", "section": "1", "command": "ls", "described": "list directory contents"}


@pytest.mark.parametrize(
    ("kind", "path", "text"),
    [
        ("kconfig", "drivers/net/ethernet/intel/Kconfig", SYMBOLS),
        ("dt_binding", "Documentation/devicetree/bindings/net/acme.yaml", BINDING),
        ("man", "man1/ls.1", PAGE),
        ("tldr", "pages/common/tar.md", TLDR),
        ("catalog", "systemd/usr/lib/systemd/catalog/systemd.catalog", CATALOG),
        ("config", "openssh-server/etc/ssh/sshd_config", "Port 22\n"),
    ],
)
def test_questions_are_in_the_split_group_of_the_text_they_are_about(kind, path, text):
    made_of_it = list(texts_of(document(kind, path, text), ENTITIES))
    texts, asked = ([one for one in made_of_it if (one.item is not None) is wanted] for wanted in (False, True))
    assert asked
    assert {one.split_group for one in asked} <= {one.split_group for one in texts}
