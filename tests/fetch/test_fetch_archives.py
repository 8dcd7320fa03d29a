import io
import lzma
import tarfile
from pathlib import Path

import pytest
from fetch_makers import PACKERS, TASK, ar, deb, special, tar
from hypothesis import given
from hypothesis import strategies as st

from kslm.errors import SourceError
from kslm.fetch.archives import Limits, archive_entries, deb_control, tar_entries

LIMITS = Limits(10_000_000)


def read(path: Path, limits: Limits = LIMITS) -> dict[str, bytes]:
    return {entry.name: entry.stream.read(1 << 24) for entry in archive_entries(path, limits, TASK)}


def refused(path: Path, reason: str, limits: Limits = LIMITS) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        read(path, limits)
    assert path.name in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize("packing", PACKERS)
def test_every_packing_reads_alike(tmp_path: Path, packing: str) -> None:
    files = {"a.txt": b"first", "b/c.txt": bytes(range(256)) * 3000, "b/empty": b""}
    (tmp_path / "a.tar").write_bytes(PACKERS[packing](tar({f"./{name}": data for name, data in files.items()})))
    (tmp_path / "a.deb").write_bytes(deb("a", "1.0-1", files, packing))
    assert read(tmp_path / "a.tar") == files
    assert read(tmp_path / "a.deb") == files
    assert deb_control(tmp_path / "a.deb")["Version"] == "1.0-1"


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/etc/passwd", "a/.."])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.tar"
    path.write_bytes(tar({"good.txt": b"x", name: b"evil"}))
    refused(path, "leads out of the archive")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "evil.tar"
    path.write_bytes(tar({"good.txt": b"x"}, (special("node", kind),)))
    refused(path, "special file")


def test_links_are_neither_followed_nor_made(tmp_path: Path) -> None:
    links = (
        special("out", tarfile.SYMTYPE, "/etc/passwd"),
        special("up", tarfile.SYMTYPE, "../../x"),
        special("hard", tarfile.LNKTYPE, "/etc/shadow"),
    )
    (tmp_path / "links.tar").write_bytes(tar({"good.txt": b"x"}, links))
    assert read(tmp_path / "links.tar") == {"good.txt": b"x"}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("share", [0.3, 0.7, 0.9])
def test_a_truncated_archive_is_refused(tmp_path: Path, packing: str, share: float) -> None:
    noise = bytes((i * i * 31 + i // 7) % 251 for i in range(40_000))
    whole = PACKERS[packing](tar({"a": noise, "b": noise[::-1], "c": noise[::3]}))
    path = tmp_path / f"cut.tar{packing}"
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path, "cut short|not a sound tar|damaged")


def test_a_truncated_package_is_refused(tmp_path: Path) -> None:
    whole = deb("a", "1", {"f": bytes(range(256)) * 400})
    (tmp_path / "cut.deb").write_bytes(whole[:-100])
    refused(tmp_path / "cut.deb", r"cut short: data.tar.xz should have .* bytes")


def test_damage_inside_is_refused(tmp_path: Path) -> None:
    whole = bytearray(lzma.compress(tar({"a": bytes((i * 7919) % 253 for i in range(100_000))})))
    whole[len(whole) // 2] ^= 0xFF
    (tmp_path / "bad.tar.xz").write_bytes(whole)
    refused(tmp_path / "bad.tar.xz", "damaged|cut short|not a sound")


def test_a_size_that_lies_is_refused(tmp_path: Path) -> None:
    raw = bytearray(tar({"a": b"x" * 1000}))
    raw[124:136] = b"00007777777\0"
    header = bytes(raw[:148]) + b" " * 8 + bytes(raw[156:512])
    raw[148:156] = f"{sum(header):06o}\0 ".encode()
    (tmp_path / "lying.tar").write_bytes(raw)
    refused(tmp_path / "lying.tar", "not a sound tar|cut short")


@pytest.mark.parametrize("size", ["-68       ", "99999     ", "many      "])
def test_a_package_whose_member_size_lies_is_refused_at_once(tmp_path: Path, size: str) -> None:
    raw = ar({"debian-binary": b"2.0\n"}).replace(b"4         `\n", size.encode() + b"`\n")
    (tmp_path / "lying.deb").write_bytes(raw)
    refused(tmp_path / "lying.deb", "bad member header|cut short")


def test_a_ratio_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tar.xz"
    path.write_bytes(lzma.compress(tar({"zeros": bytes(80 << 20)}), preset=0))
    refused(path, "more than 200 times its size", Limits(1 << 40))


def test_limits_on_bytes_and_members(tmp_path: Path) -> None:
    path = tmp_path / "large.tar.gz"
    path.write_bytes(PACKERS[".gz"](tar({f"f{i}": bytes(100) for i in range(50)})))
    refused(path, "max_bytes", Limits(20_000))
    refused(path, "more than 10 members", Limits(1 << 30, max_members=10))


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    for name, data in {"page.html": b"<html>" * 500, "empty": b"", "short.deb": b"!<arch>\n"}.items():
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name, "not a sound|cut short")


def test_a_package_without_control_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.deb").write_bytes(ar({"debian-binary": b"2.0\n", "control.tar": tar({"./md5sums": b""})}))
    with pytest.raises(SourceError, match="without a control file"):
        deb_control(tmp_path / "a.deb")


@given(st.binary(max_size=3000), st.sampled_from(sorted(PACKERS)))
def test_no_bytes_whatever_end_in_anything_but_entries_or_a_refusal(noise: bytes, packing: str) -> None:
    good = PACKERS[packing](tar({"a": noise}))
    for data in (noise, PACKERS[packing](noise), good[: len(noise)], good[:300] + noise + good[300:]):
        try:
            for entry in tar_entries(io.BytesIO(data), len(data), "noise", LIMITS):
                entry.stream.read(1 << 20)
        except SourceError as error:
            assert "noise" in error.problem
