"""hwdb, message catalogue, PnP ids and tldr pages."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources import catalog, hwdb, pnp_ids, tldr
from kslm.sources.records import Bad

HWDB = """# How to add one:
#   udevadm info
#########

# Dell
evdev:name:Dell WMI hotkeys:dmi:*
evdev:atkbd:dmi:bvn*:svnDell*
# the inner one
 KEYBOARD_KEY_88=wlan   # Fn+F2
 KEYBOARD_KEY_90=


mouse:usb:v046dp*:
 MOUSE_DPI=400@125
orphan:match
"""

CATALOG = """# licence
-- F77379A8490B408BBE5F6940505A777B
Subject: The journal has been started
Defined-By: systemd
Support: %SUPPORT_URL%
documentation: man:a(1)
Documentation: man:b(5)

The system journal
  process has started.

-- d93fb3c9-c24d-451a-97ce-a615ce59c00b
subject: Stopped
 at once
-- ec387f577b844b8fa948f33cad9a75e6 de
Subject: Platte voll
-- 00000000000000000000000000000000
"""

TLDR = """# ip address

> Manage addresses.
> See also: `ip`.
> More information: <https://example.org>.

- List all:

`ip {{[a|address]}} show`

- Of one device:
`ip address show dev {{eth0}} `x``

- Without a command:
"""


def test_hwdb_records() -> None:
    first, second = hwdb.parse(HWDB)
    assert first.matches == ("evdev:name:Dell WMI hotkeys:dmi:*", "evdev:atkbd:dmi:bvn*:svnDell*")
    assert first.properties == (("KEYBOARD_KEY_88", "wlan"), ("KEYBOARD_KEY_90", ""))
    assert (first.comment.split("\n")[-1], first.line) == ("Dell", 6)
    assert (second.matches, second.properties) == (("mouse:usb:v046dp*:",), (("MOUSE_DPI", "400@125"),))


def test_hwdb_document_keeps_comments_but_no_rules() -> None:
    text = hwdb.document(HWDB)
    assert text.startswith("# How to add one:\n#   udevadm info\n\n# Dell\nevdev:name")
    assert " KEYBOARD_KEY_88=wlan   # Fn+F2\n" in text
    assert "####" not in text and "\n\n\n" not in text


def test_hwdb_files_that_copy_the_id_lists() -> None:
    assert hwdb.wanted("60-keyboard.hwdb") and hwdb.wanted("20-dmi-id.hwdb")
    assert not any(map(hwdb.wanted, ("20-pci-vendor-model.hwdb", "20-OUI.hwdb", "20-acpi-vendor.hwdb", "README")))


def test_catalog_entries() -> None:
    first, second = catalog.parse(CATALOG)
    assert first == catalog.CatalogEntry(
        "f77379a8490b408bbe5f6940505a777b", "The journal has been started", "systemd", "%SUPPORT_URL%",
        "man:a(1) man:b(5)", "The system journal\n  process has started.", 2,
    )  # fmt: skip
    assert (second.message_id, second.subject, second.text) == (
        "d93fb3c9c24d451a97cea615ce59c00b",
        "Stopped at once",
        "",
    )


def test_pnp_ids() -> None:
    records = list(pnp_ids.parse("AAA\tAvolites Ltd\nhwp \t Hewlett\u00a0 Packard\n\n# c\nnonsense\n", "pnp.ids"))
    assert records[:2] == [pnp_ids.PnpId("AAA", "Avolites Ltd", 1), pnp_ids.PnpId("HWP", "Hewlett Packard", 2)]
    assert isinstance(records[2], Bad) and records[2].offset == 5
    assert pnp_ids.document("DEL\tDell Inc.\nnonsense") == "PnP vendor DEL is Dell Inc."


def test_tldr_page() -> None:
    page = tldr.parse(TLDR)
    assert (page.command, page.description) == ("ip address", "Manage addresses. See also: `ip`.")
    assert page.examples == (
        ("List all", "ip {{[a|address]}} show"), ("Of one device", "ip address show dev {{eth0}} `x`"),
    )  # fmt: skip
    assert tldr.plain(page.examples[0][1]) == "ip address show"
    assert tldr.plain("docker ps --format '\\{\\{.ID\\}\\}' {{name}}") == "docker ps --format '{{.ID}}' name"


LINES = st.lists(
    st.sampled_from(["-- " + "0" * 32, "Subject: s", "", " cont", "text", "# c", " K=v", "a:b", "> d", "- how:", "`x`"])
    | st.text(max_size=20),
    max_size=20,
).map("\n".join)


@given(LINES | st.text())
def test_any_text_is_read(text: str) -> None:
    for record in hwdb.parse(text):
        assert record.matches and record.properties and 1 <= record.line <= text.count("\n") + 1
    for entry in catalog.parse(text):
        assert len(entry.message_id) == 32 and (entry.subject or entry.text)
    ids = list(pnp_ids.parse(text, "x"))
    assert len(ids) == sum(1 for line in text.split("\n") if line.strip() and not line.startswith("#"))
    assert all(how and command for how, command in tldr.parse(text).examples)
    assert "\n\n\n" not in hwdb.document(text)
    tldr.plain(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A start job for unit @UNIT@ has failed", "A start job for the unit has failed"),
        ("Session @SESSION_ID@ has ended.\nIts leader is @LEADER@.", "Session has ended."),
        ("Process @COREDUMP_PID@ (@COREDUMP_COMM@) dumped core", "Process dumped core"),
        ("Made a valid .mount unit for @WHERE@", "Made a valid .mount unit for"),
        ("@TAINT@.", ""),
        ("as it  is", "as it  is"),
    ],
)
def test_catalog_without_the_fields_of_an_entry(text: str, said: str) -> None:
    assert catalog.filled(text) == said


@given(st.text("@UNIT_LEADER unit.\n") | st.text())
def test_catalog_filled_takes_any_text(text: str) -> None:
    assert re.search(r"@[A-Z_]+@", catalog.filled(text)) is None
