from __future__ import annotations

import gzip
import lzma
import struct
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.kernel import modinfo
from kslm.sources.records import Bad, KernelModule

INFO = (
    b"license=GPL\0description=Intel(R)  Gigabit\0alias=pci:v00008086d00001533sv*sd*bc*sc*i*\0"
    b"alias=net-pf-1\0firmware=a.bin\0firmware=b.bin\0depends=i2c-core,ptp\0"
    b"parm=debug:Debug level: 0..16\0parmtype=debug:int\0parmtype=quiet:bool\0\0\0vermagic=6.1\0"
)


def elf(info: bytes, *, bits: int = 64, order: str = "<", section: bytes = b".modinfo") -> bytes:
    """A relocatable file of three sections: none, the names and `section`."""
    names = b"\0.shstrtab\0" + section + b"\0"
    head = 64 if bits == 64 else 52
    table = head + len(names) + len(info)
    fmt = order + ("IIQQQQIIQQ" if bits == 64 else "10I")
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    address = "QQQ" if bits == 64 else "III"
    size = struct.calcsize(fmt)
    header = ident + struct.pack(order + "HHI" + address + "I6H", 1, 62, 1, 0, 0, table, 0, head, 0, 0, size, 3, 1)
    sections = [
        struct.pack(fmt, *[0] * 10),
        struct.pack(fmt, 1, 3, 0, 0, head, len(names), 0, 0, 1, 0),
        struct.pack(fmt, 11, 1, 0, 0, head + len(names), len(info), 0, 0, 1, 0),
    ]
    return header + names + info + b"".join(sections)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_module_of_any_width_and_byte_order_is_read(bits: int, order: str) -> None:
    module = modinfo.read_module(elf(INFO, bits=bits, order=order), "kernel/drivers/net/i-gb.ko")
    assert module == KernelModule(
        module="i_gb",
        path="kernel/drivers/net/i-gb.ko",
        builtin=False,
        description="Intel(R) Gigabit",
        licence="GPL",
        aliases=("pci:v00008086d00001533sv*sd*bc*sc*i*", "net-pf-1"),
        firmware=("a.bin", "b.bin"),
        depends=("i2c-core", "ptp"),
        parameters=(("debug", "Debug level: 0..16 (int)"), ("quiet", "(bool)")),
    )
    alias = modinfo.parse_pci_alias(module.aliases[0])
    assert alias is not None and alias.matches("8086", "1533")


VALUES = "Default: 0; 1/0x1: warning; 2/0x2: info"


@pytest.mark.parametrize(
    ("text", "said", "takes"),
    [
        ("Debug level (0-2) (int)", "Debug level (0-2)", "a whole number"),
        ("(bint)", "", "yes or no"),
        ("Off\n (bool)", "Off", "yes or no"),
        ("Names. (array of charp)", "Names.", "a list of texts"),
        ("Ports (array of byte)", "Ports", "a list of whole numbers"),
        ("Flags (array of bool)", "Flags", "a list of yes or no"),
        ("A number (uint) (uint)", "A number", "a whole number"),
        ("Size (default 128)", "Size (default 128)", ""),
        ("", "", ""),
        ("Default: 0\n\t\t   1/0x1: warning\n\t\t   2/0x2: info\n (int)", VALUES, "a whole number"),
        ("Which:\n  auto -- all [default]\n  off  -- none", "Which: auto -- all [default]; off -- none", ""),
        ("A word of the\n driver, a,\n  b.\nMore.", "A word of the driver, a, b. More.", ""),
    ],
)
def test_what_a_parameter_does_and_takes(text: str, said: str, takes: str) -> None:
    assert modinfo.parameter(text) == (said, takes)


@given(st.text() | st.lists(st.sampled_from(["(int)", "(", "array of ", "x", "\n", " ", "0:", ")"])).map("".join))
def test_any_parameter_is_one_line_and_loses_nothing_but_its_type(text: str) -> None:
    said, takes = modinfo.parameter(text)
    assert "\n" not in said and said == said.strip()
    kept = "".join(said.replace(";", "").split())
    assert "".join(text.replace(";", "").split()).startswith(kept)
    assert takes or kept == "".join(text.replace(";", "").split())


def test_folder_gives_each_kind_of_file_in_order_and_what_could_not_be_read(tmp_path: Path) -> None:
    raw = elf(INFO)
    kernel = tmp_path / "kernel"
    kernel.mkdir()
    (kernel / "a.ko").write_bytes(raw)
    (kernel / "b.ko.xz").write_bytes(lzma.compress(raw))
    (kernel / "c.ko.zst").write_bytes(zstandard.ZstdCompressor().compress(raw))
    (kernel / "d.ko.gz").write_bytes(gzip.compress(raw))
    (kernel / "e.ko.xz").write_bytes(lzma.compress(raw)[:-20])
    (kernel / "f.ko.gz").write_bytes(gzip.compress(raw)[:-20])
    (kernel / "g.ko.zst").write_bytes(b"not zstd at all")
    (kernel / "h.ko").write_bytes(raw[:-100])
    (kernel / "i.ko").write_bytes(b"")
    (kernel / "j.ko").symlink_to("a.ko")
    (kernel / "notes.txt").write_text("not a module")
    (kernel / "k.ko").mkdir()
    (tmp_path / "modules.builtin.modinfo").write_bytes(
        b"tty-io.license=GPL\0tty-io.file=drivers/tty\0acpi.license=GPL\0"
    )
    records = list(modinfo.read_folder(tmp_path))
    assert [(r.module, r.builtin) for r in records if isinstance(r, KernelModule)] == [
        ("acpi", True), ("tty_io", True), ("a", False), ("b", False), ("c", False), ("d", False),
    ]  # fmt: skip
    bad = {r.path: r.reason for r in records if isinstance(r, Bad)}
    assert list(bad) == [f"kernel/{name}" for name in ("e.ko.xz", "f.ko.gz", "g.ko.zst", "h.ko", "i.ko")]
    assert bad["kernel/h.ko"] == "ELF file cut short or damaged: section table out of bounds"
    assert bad["kernel/i.ko"] == "not an ELF file"


def test_file_without_modinfo_is_an_error() -> None:
    with pytest.raises(modinfo.ModuleError, match=r"no \.modinfo"):
        modinfo.read_module(elf(INFO, section=b".nothing"), "a.ko")


def test_pci_alias_with_every_kind_of_wildcard() -> None:
    nvme = modinfo.parse_pci_alias("pci:v*d*sv*sd*bc01sc08i02*")
    amdgpu = modinfo.parse_pci_alias("pci:v00001002d*sv*sd*bc03sc00i*")
    igb = modinfo.parse_pci_alias("pci:v00008086d00001533sv*sd*bc*sc*i*")
    board = modinfo.parse_pci_alias("pci:v00001000d00000001sv00001028sd0000ABCDbc*sc*i*")
    assert nvme and amdgpu and igb and board
    assert nvme.matches("144d", "a808", "010802") and not nvme.matches("144d", "a808", "010601")
    assert not nvme.matches("144d", "a808")
    assert amdgpu.matches("1002", "ffff", "0300") and not amdgpu.matches("10de", "ffff", "0300")
    assert igb.matches("8086", "1533", "020000") and igb.every_board and not board.every_board
    assert not igb.matches("8086", "1534")
    assert board.matches("1000", "0001", subvendor="1028", subdevice="ABCD")
    assert not board.matches("1000", "0001", subvendor="1028", subdevice="0000")


def test_usb_alias_parts() -> None:
    alias = modinfo.parse_usb_alias("usb:v12D1p*d02[0-9]*dc*dsc*dp*icFFisc01ip1Cin*")
    assert alias == modinfo.UsbAlias("12d1", None, "02[0-9]*", None, None, None, "ff", "01", "1c", None)


@pytest.mark.parametrize(
    "alias", ["", "pci:", "usb:v1234", "pci:v8086d1533", "of:N*T*Cfoo", "pci:v00008086d00001533sv*"]
)
def test_other_aliases_are_none(alias: str) -> None:
    assert modinfo.parse_pci_alias(alias) is None
    assert modinfo.parse_usb_alias(alias) is None


@given(st.binary())
def test_any_bytes_are_a_module_or_a_module_error(raw: bytes) -> None:
    with pytest.raises(modinfo.ModuleError):
        modinfo.read_module(raw, "a.ko")
    assert all(module.builtin for module in modinfo.read_builtin(raw, "modules.builtin.modinfo"))


@given(
    st.sampled_from([elf(INFO), elf(INFO, bits=32, order=">")]),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=8),
    st.integers(0, 700),
)
def test_damaged_modules_are_read_or_refused(raw: bytes, changes: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(raw)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    try:
        module = modinfo.read_module(bytes(damaged[:length]), "a.ko")
    except modinfo.ModuleError as error:
        assert str(error)
    else:
        assert module.module == "a"


@given(st.text(alphabet="pciusb:v*d0F[]-n", max_size=60))
def test_any_alias_is_parsed_or_none(alias: str) -> None:
    assert modinfo.parse_pci_alias(alias) is None or alias.startswith("pci:v")
    assert modinfo.parse_usb_alias(alias) is None or alias.startswith("usb:v")
