from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from kslm.errors import DataError
from kslm.sources.kernel import tree as kernel_tree
from kslm.sources.kernel.tree import Member

FILES = {f"drivers/net/file{i}.c": bytes([65 + i % 26]) * (i * 37) for i in range(200)} | {
    "mm/large.c": b"x" * (9 << 20),
    "mm/empty.c": b"",
}


@pytest.fixture
def tree(tmp_path: Path) -> tuple[Path, Path]:
    tar, index = tmp_path / "tree.tar", tmp_path / "index.json"
    with tarfile.open(tar, "w") as archive:
        for name, data in FILES.items():
            info = tarfile.TarInfo(f"linux-6.1/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    with tarfile.open(tar) as archive:
        rows = [(m.name.split("/", 1)[1], m.offset_data, m.size) for m in archive]
    index.write_text(json.dumps(rows[::-1]))
    return tar, index


def test_every_member_comes_back_whole_and_in_order(tree: tuple[Path, Path]) -> None:
    tar, index = tree
    members = kernel_tree.load_index(index)
    assert [m.offset for m in members] == sorted(m.offset for m in members)
    assert {m.name: data for m, data in kernel_tree.read_members(tar, members[::-1])} == FILES
    assert [m for m, _ in kernel_tree.read_members(tar, members[::7])] == members[::7]


def test_truncated_or_missing_tar_is_an_error_naming_it(tree: tuple[Path, Path]) -> None:
    tar, index = tree
    members = kernel_tree.load_index(index)
    with open(tar, "r+b") as stream:
        stream.truncate(members[150].offset + 10)
    with pytest.raises(DataError, match=r"tree\.tar ends before byte"):
        list(kernel_tree.read_members(tar, members))
    with pytest.raises(DataError, match="cannot read"):
        list(kernel_tree.read_members(tar.with_name("none.tar"), members))


@pytest.mark.parametrize("content", ["", "{}x", "[[1]]", '[["a", -1, 3]]', '[["a", "b", 3]]', "3"])
def test_index_that_is_none_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "index.json").write_text(content)
    with pytest.raises(DataError, match=r"index\.json"):
        kernel_tree.load_index(tmp_path / "index.json")


def test_patterns_cross_folders_and_exclusion_wins() -> None:
    members = [Member(n, 0, 0) for n in ("drivers/net/intel/e1000/a.c", "drivers/usb/Kconfig", "mm/b.c", "mm/Old.c")]
    names = [m.name for m in kernel_tree.select(members, ["drivers/net/*", "drivers/*/Kconfig", "mm/*"], ["*old.c"])]
    assert names == [m.name for m in members]
    assert [m.name for m in kernel_tree.select(members, [], ["mm/*", "*/Kconfig"])] == ["drivers/net/intel/e1000/a.c"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("kernel/fork.c", "c"),
        ("arch/x86/entry/entry_64.S", "c"),
        ("arch/x86/boot/dts/a.s", "other"),
        ("drivers/net/Kconfig", "kconfig"),
        ("lib/Kconfig.debug", "kconfig"),
        ("Documentation/admin-guide/mm/ksm.rst", "rst"),
        ("Documentation/devicetree/bindings/net/a.yaml", "dt_binding"),
        ("Documentation/devicetree/bindings/net/a.txt", "dt_binding"),
        ("Documentation/devicetree/usage.txt", "text"),
        ("Documentation/ABI/testing/sysfs-bus-usb", "abi"),
        ("Documentation/ABI/README", "abi"),
        ("Documentation/ABI/testing/sysfs-c.c", "c"),
        ("arch/arm64/boot/dts/qcom/sm8250.dtsi", "dts"),
        ("arch/arm/boot/dts/a.dts", "dts"),
        ("Documentation/memory-barriers.txt", "text"),
        ("Documentation/netlink/a.yaml", "other"),
        ("Makefile", "other"),
        ("fs/ext4/Makefile", "makefile"),
        ("", "other"),
    ],
)
def test_kind_follows_from_the_name(name: str, kind: str) -> None:
    assert kernel_tree.kind_of(name) == kind


def test_decode_mends_line_ends_and_marks() -> None:
    assert kernel_tree.decode(b"\xef\xbb\xbfa\r\nb\r\n", "a.c") == ("a\nb\n", ())
    text, findings = kernel_tree.decode(b"a\xff\x00", "a.c")
    assert text == "a\ufffd\ufffd"
    assert [(bad.path, bad.reason, bad.size) for bad in findings] == [
        ("a.c", "not UTF-8: decoded with replacement", 0),
        ("a.c", "NUL bytes replaced", 0),
    ]


def test_binary_and_oversized_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    text, (bad,) = kernel_tree.decode(b"\x7fELF" + bytes(100), "a.c")
    assert (text, bad.reason, bad.size) == ("", "binary: many NUL bytes", 104)
    monkeypatch.setattr(kernel_tree, "LARGEST_FILE", 10)
    text, (bad,) = kernel_tree.decode(b"x" * 11, "a.c")
    assert text == "" and bad.reason.startswith("larger than")
    assert kernel_tree.decode(b"", "a.c").findings[0].reason == "empty file"


@pytest.mark.parametrize(
    ("line", "expression"),
    [
        ("/* SPDX-License-Identifier: GPL-2.0 */", "GPL-2.0-only"),
        ("// SPDX-License-Identifier: GPL-2.0+", "GPL-2.0-or-later"),
        ("# SPDX-License-Identifier: (GPL-2.0 or BSD-3-Clause)*/", "GPL-2.0-only OR BSD-3-Clause"),
        ("SPDX-License-Identifier: ((LGPL-2.1+ WITH Linux-syscall-note) OR MIT) */",
         "LGPL-2.1-or-later WITH Linux-syscall-note OR MIT"),
        ("SPDX-License-Identifier: (MIT or ISC) and Zlib", "Zlib AND (ISC OR MIT)"),
        ("<!-- SPDX-License-Identifier: MIT -->", "MIT"),
        ("echo '// SPDX-License-Identifier: GPL-2.0'", "GPL-2.0-only"),
        ("SPDX-License-Identifier: <SPDX-License> WITH Linux-syscall-note", None),
        ("SPDX-License-Identifier: see COPYING", None),
        ("SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0+", "GPL-2.0-or-later OR BSD-3-Clause"),
        (".. SPDX-License-Identifier: GFDL-1.1-no-invariants-or-later", "GFDL-1.1-no-invariants-or-later"),
        ("SPDX-License-Identifier:", None),
        ("int x;" * 400 + "SPDX-License-Identifier: MIT", None),
        ("none", None),
    ],
)  # fmt: skip
def test_spdx_expressions_are_normalised(line: str, expression: str | None) -> None:
    assert kernel_tree.spdx_of(line) == expression


MIT = "Permission is hereby granted, free of\n * charge, to any\n * person obtaining a copy"
BSD = "Redistribution and use in source and binary forms, with or without"
GPL = "under the terms of the GNU General Public\n * License version 2"


@pytest.mark.parametrize(
    ("notice", "expression"),
    [
        (f"SPDX-License-Identifier: ISC */ /* {MIT}", "ISC"),
        (MIT, "MIT"),
        (BSD, "BSD-2-Clause"),
        (f"{BSD} x. Names may not be used to endorse or promote it", "BSD-3-Clause"),
        (f"{BSD}. Alternatively, {GPL}", "GPL-2.0-only OR BSD-2-Clause"),
        (f"{GPL}, or any later version. {MIT}", "GPL-2.0-or-later AND MIT"),
        (f"{GPL} or the\n * OpenIB.org BSD license below: {BSD}", "GPL-2.0-only OR Linux-OpenIB"),
        (f"{GPL}, or (at your option) any later version", "GPL-2.0-or-later"),
        (GPL, None),
        ("Permission is needed", None),
        ("int x;" * 1000 + MIT, None),
        ("", None),
    ],
)
def test_notices_count_where_there_is_no_spdx_line(notice: str, expression: str | None) -> None:
    assert kernel_tree.licence_of(f"/*\n * {notice}\n */") == expression
    assert expression is None or get_spdx_licensing().validate(expression).errors == []


@given(st.binary())
def test_any_bytes_decode_or_are_refused_with_a_reason(raw: bytes) -> None:
    text, findings = kernel_tree.decode(raw, "a.c")
    assert "\x00" not in text and "\r\n" not in text.replace("\r\r\n", "")
    assert not findings or "\ufffd" in text or text == ""
    assert text or findings


@given(st.text(), st.sampled_from(["", "SPDX-License-Identifier: "]))
def test_any_text_has_a_tidy_licence_or_none(text: str, lead: str) -> None:
    found = kernel_tree.spdx_of(lead + text)
    assert found is None or (found and found == found.strip())
