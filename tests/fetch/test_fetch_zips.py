import io
import stat
import zipfile
from pathlib import Path

import pytest
from fetch_makers import TASK, zipped
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from campaign import dear
from kslm.errors import SourceError
from kslm.fetch.archives import Limits
from kslm.fetch.zips import is_zip, zip_entries

FILES = {"pages/common/tar.md": b"# tar\n" * 50, "pages/linux/ip.md": b"# ip\n"}


def read(path: Path, data: bytes, limits: Limits | None = None) -> dict[str, bytes]:
    path.write_bytes(data)
    return {entry.name: entry.stream.read(1 << 24) for entry in zip_entries(path, limits or Limits(1 << 20), TASK)}


def test_regular_files_are_read_and_links_left_out(tmp_path: Path) -> None:
    buffer = io.BytesIO(zipped(FILES))
    with zipfile.ZipFile(buffer, "a") as archive:
        link = zipfile.ZipInfo("pages/link.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr(zipfile.ZipInfo("pages/folder/"), b"")
    assert read(tmp_path / "a.zip", buffer.getvalue()) == FILES
    assert is_zip(tmp_path / "a.zip")


@pytest.mark.parametrize("name", ["../up.md", "/etc/passwd", "pages/../../up.md"])
def test_a_name_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SourceError, match="leads out"):
        read(tmp_path / "a.zip", zipped({name: b"x"}))


def test_limits_hold(tmp_path: Path) -> None:
    bomb = zipped({"a.md": bytes(1 << 20)})
    with pytest.raises(SourceError, match="max_bytes"):
        read(tmp_path / "a.zip", bomb, Limits(1 << 16))
    with pytest.raises(SourceError, match="members"):
        read(tmp_path / "a.zip", zipped(FILES), Limits(1 << 20, max_members=1))


def test_more_compression_than_allowed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kslm.fetch.zips.RATIO_GRACE", 1000)
    with pytest.raises(SourceError, match="times its size"):
        read(tmp_path / "a.zip", zipped({"a.md": bytes(1 << 20)}))


def test_a_cut_or_encrypted_archive_is_refused(tmp_path: Path) -> None:
    whole = zipped(FILES)
    with pytest.raises(SourceError, match="not a sound zip"):
        read(tmp_path / "a.zip", whole[:-30])
    central = whole.index(b"PK\x01\x02")
    with pytest.raises(SourceError, match="encrypted"):
        read(tmp_path / "a.zip", whole[: central + 8] + b"\x01" + whole[central + 9 :])


@settings(max_examples=dear(0.6), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0, len(zipped(FILES)) - 1), byte=st.integers(0, 255))
@example(at=161, byte=0)  # an empty name
@example(at=259, byte=116)  # a table of contents before the beginning
def test_a_damaged_byte_gives_an_error_or_no_more_than_was_in_it(tmp_path: Path, at: int, byte: int) -> None:
    data = bytearray(zipped(FILES))
    data[at] = byte
    try:
        found = read(tmp_path / "a.zip", bytes(data))
    except SourceError:
        return
    assert set(found.values()) <= set(FILES.values())
