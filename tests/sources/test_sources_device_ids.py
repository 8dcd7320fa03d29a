from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kslm.sources import device_ids
from kslm.sources.records import Bad, DeviceId

PCI = (
    "# a comment\n"
    "1000  Broadcom / LSI\n"
    "\t0001  53c810\n"
    "\t\t1000 1000  LSI53C810AE\u00a0PCI  to SCSI\n"
    "8086  Intel Corporation\n"
    "\t1533  I210 Gigabit Network Connection\n"
    "C 02  Network controller\n"
    "\t00  Ethernet controller\n"
    "\t\t01  RDMA\n"
).encode()
USB = b"1d6b  Linux Foundation\n\t0002  2.0 root hub\n\t\t01  Hub\nHUT 01  Generic Desktop\n\t030  X\nHCC 33  X\n"


def read(raw: bytes, bus: device_ids.Bus = "pci") -> tuple[list[DeviceId], list[Bad]]:
    rows = list(device_ids.parse(raw, bus, "pci.ids"))
    return [r for r in rows if isinstance(r, DeviceId)], [r for r in rows if isinstance(r, Bad)]


def test_every_level_of_pci_ids_is_read() -> None:
    rows, bad = read(PCI)
    assert bad == []
    assert rows == [
        DeviceId("vendor", "1000", None, None, None, "Broadcom / LSI", 2),
        DeviceId("device", "1000", "0001", None, None, "53c810", 3),
        DeviceId("subsystem", "1000", "0001", "1000", "1000", "LSI53C810AE PCI to SCSI", 4),
        DeviceId("vendor", "8086", None, None, None, "Intel Corporation", 5),
        DeviceId("device", "8086", "1533", None, None, "I210 Gigabit Network Connection", 6),
        DeviceId("class", "02", None, None, None, "Network controller", 7),
        DeviceId("subclass", "02", "00", None, None, "Ethernet controller", 8),
        DeviceId("prog_if", "02", "00", "01", None, "RDMA", 9),
    ]


def test_usb_interfaces_and_lists_after_the_vendors_are_read() -> None:
    rows, bad = read(USB, "usb")
    assert bad == []
    assert [(r.level, r.vendor, r.device, r.subvendor) for r in rows] == [
        ("vendor", "1d6b", None, None),
        ("device", "1d6b", "0002", None),
        ("interface", "1d6b", "0002", "01"),
        ("hid_usage_page", "01", None, None),
        ("hid_usage", "01", "030", None),
        ("country", "33", None, None),
    ]


def test_latin1_line_is_kept_with_a_note() -> None:
    rows, bad = read(b"0e11  Soci\xe9t\xe9\r\n\t0001  ok\r\n")
    assert [r.name for r in rows] == ["Soci\u00e9t\u00e9", "ok"]
    assert [(b.offset, b.size, b.reason) for b in bad] == [(1, 0, "not UTF-8: read as Latin-1")]


def test_device_without_its_tab_is_set_aside_and_the_vendor_stays() -> None:
    rows, bad = read(b"1000  A\n\t0001  a1\n0002  a2\n\t0003  a3\n1001  B\n\t0005  b5\n")
    assert [(r.vendor, r.device) for r in rows if r.level == "device"] == [
        ("1000", "0001"),
        ("1000", "0003"),
        ("1001", "0005"),
    ]
    assert [(b.offset, b.reason, b.size) for b in bad] == [(3, "device line without its tab", 8)]


def test_vendor_given_twice_keeps_its_first_name_and_all_devices() -> None:
    rows, bad = read(b"1000  A\n\t0001  a1\n1001  B\n\t0001  b1\n1000  A again\n\t0000  a0\n1002  C\n")
    assert [r.name for r in rows if r.level == "vendor"] == ["A", "B", "C"]
    assert [(r.vendor, r.device) for r in rows if r.level == "device"][-1] == ("1000", "0000")
    assert [(b.offset, b.size, b.reason) for b in bad] == [(5, 0, "vendor given twice: first name kept")]


def test_lines_outside_the_grammar_are_set_aside_and_shift_nothing() -> None:
    rows, bad = read(
        b"\t0001  orphan\n1000  A\nrubbish\n    0001  blanks\n\t\t1000 1000  no device yet\n\t0002  a2\n\tzz\n"
    )
    assert [(r.level, r.vendor, r.device) for r in rows] == [("vendor", "1000", None), ("device", "1000", "0002")]
    assert [b.offset for b in bad] == [1, 3, 4, 5, 7]
    assert all(b.size > 0 for b in bad)


def test_control_characters_and_endless_lines_are_set_aside() -> None:
    rows, bad = read(b"1000  A\x00B\n1001  " + b"x" * 2_000_000 + b"\n1002  ok\n")
    assert [r.name for r in rows] == ["ok"]
    assert len(bad) == 2 and all(len(b.sample) <= 200 for b in bad)


LINES = st.lists(
    st.builds(
        lambda tabs, ids, gap, name: tabs + ids + gap + name,
        st.sampled_from([b"", b"\t", b"\t\t", b"    "]),
        st.sampled_from([b"1000", b"ffff", b"C 02", b"HUT 01", b"00", b"1000 0001", b"#", b"zz"]),
        st.sampled_from([b"  ", b" ", b"\t", b""]),
        st.binary(max_size=12),
    )
)


@given(LINES.map(b"\n".join) | st.binary(max_size=200), st.sampled_from(["pci", "usb"]))
def test_any_bytes_give_rows_whose_ids_fit_their_level(raw: bytes, bus: device_ids.Bus) -> None:
    rows, bad = read(raw, bus)
    for row in rows:
        assert row.vendor and row.name == " ".join(row.name.split())
        assert (row.device is None) == (row.level in ("vendor", "class", "hid_usage_page"))
        assert row.subdevice is None or row.level == "subsystem"
    content = [
        line
        for line in raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        if line.strip() and not line.lstrip().startswith(b"#")
    ]
    assert len({r.line for r in rows} | {b.offset for b in bad}) == len(content)
