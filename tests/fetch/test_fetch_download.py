import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fetch_makers import TASK, Server, sha256

from kslm.errors import SourceError
from kslm.fetch.download import Download, download, file_name
from kslm.report import Task

BODY = bytes((i * 2654435761 >> 7) % 256 for i in range(900_000))


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server(BODY)
    yield one
    one.hang.set()
    one.http.shutdown()
    one.http.server_close()


def get(server: Server, folder: Path, max_bytes: int = 10_000_000) -> Download:
    return download(server.url, folder, partial=folder / "part", max_bytes=max_bytes, task=TASK, pause=0.01)


def test_a_file_is_streamed_and_hashed(server: Server, tmp_path: Path) -> None:
    had = get(server, tmp_path)
    assert (had.path.name, had.path.read_bytes(), had.transferred) == ("file.bin", BODY, len(BODY))
    assert had.sha256 == sha256(BODY)
    assert not list(tmp_path.rglob("*.part"))


def test_a_finished_file_is_not_downloaded_again_unless_it_was_altered(server: Server, tmp_path: Path) -> None:
    get(server, tmp_path)
    assert get(server, tmp_path).transferred == 0
    (tmp_path / "file.bin").write_bytes(b"altered")
    assert get(server, tmp_path).path.read_bytes() == BODY
    assert len(server.ranges) == 2


@pytest.mark.parametrize("note", ["", "[]", "null", "{}"])
def test_a_damaged_note_means_a_download_from_the_beginning(server: Server, tmp_path: Path, note: str) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "file.bin.part").write_bytes(b"something")
    for path in ("part/file.bin.part.json", "file.bin.note.json"):
        (tmp_path / path).write_text(note)
    assert get(server, tmp_path).path.read_bytes() == BODY
    assert server.ranges == [None]


def test_a_broken_connection_is_resumed_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.breaks = 2
    had = get(server, tmp_path)
    assert had.path.read_bytes() == BODY
    assert had.sha256 == sha256(BODY)
    assert had.transferred == len(BODY)
    assert server.ranges[0] is None
    assert [asked for asked in server.ranges[1:] if asked] == server.ranges[1:]


def test_progress_adds_up_to_the_file_whatever_happened(server: Server, tmp_path: Path) -> None:
    class Counter(Task):
        done, total = 0.0, 0.0

        def advance(self, amount: float = 1) -> None:
            self.done += amount

        def update(self, *, total: float | None = None, note: str | None = None) -> None:
            self.total = total or self.total

    server.breaks, server.cut_at = 4, 100_000
    with pytest.raises(SourceError):
        get(server, tmp_path)
    task = Counter()
    server.breaks = 1
    download(server.url, tmp_path, partial=tmp_path / "part", max_bytes=10_000_000, task=task, pause=0.01)
    assert task.done == task.total == len(BODY)


def test_a_file_that_changed_meanwhile_is_begun_anew(server: Server, tmp_path: Path) -> None:
    server.breaks, server.cut_at = 4, 50_000
    with pytest.raises(SourceError, match="4 times"):
        get(server, tmp_path)
    assert (tmp_path / "part" / "file.bin.part").stat().st_size == 200_000
    server.body, server.etag = BODY[::-1], '"two"'
    assert get(server, tmp_path).path.read_bytes() == BODY[::-1]


def test_passing_trouble_is_tried_again_and_lasting_trouble_is_not(server: Server, tmp_path: Path) -> None:
    server.failures = 2
    assert get(server, tmp_path).sha256 == sha256(BODY)
    server.failures = 99
    with pytest.raises(SourceError, match="503"):
        get(server, tmp_path / "other")
    assert len(server.ranges) == 3 + 4


def test_too_large_a_file_is_refused_whether_it_says_so_or_not(server: Server, tmp_path: Path) -> None:
    for server.say_length in (True, False):
        with pytest.raises(SourceError, match="larger than 500,000 bytes"):
            get(server, tmp_path, max_bytes=500_000)
        assert not list(tmp_path.rglob("*.part"))
    assert len(server.ranges) == 2


def test_an_empty_answer_is_refused(tmp_path: Path) -> None:
    server = Server(b"")
    with pytest.raises(SourceError, match="empty"):
        get(server, tmp_path)


def test_a_closed_port_and_an_unknown_host_fail_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("what is gone for good was tried again"))
    for url in (f"http://127.0.0.1:{port}/x", "http://host.invalid/x"):
        with pytest.raises(SourceError, match="cannot download"):
            download(url, tmp_path, partial=tmp_path, max_bytes=10, task=TASK)


def test_an_address_without_a_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot download"):
        download("http://", tmp_path, partial=tmp_path, max_bytes=10, task=TASK, pause=0)


def test_a_redirect_away_from_https_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.scheme == "https":
            return httpx.Response(302, headers={"Location": "http://example.invalid/x"})
        return httpx.Response(200, content=b"data")

    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **kw: real(transport=httpx.MockTransport(answer), **kw))
    with pytest.raises(SourceError, match="not https"):
        download("https://example.invalid/x", tmp_path, partial=tmp_path, max_bytes=10, task=TASK)


def test_a_full_disk_is_the_disks_error(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "file.bin.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        get(server, tmp_path)
    assert caught.value.errno == errno.ENOSPC
    assert not (tmp_path / "file.bin").exists()


def test_a_killed_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.breaks = 1
    server.hang.clear()
    program = (
        "import sys; from pathlib import Path; from kslm.fetch.download import download; from kslm.report import Task\n"
        "download(sys.argv[1], Path(sys.argv[2]), partial=Path(sys.argv[2], 'part'),\n"
        "  max_bytes=10**7, task=Task())"
    )
    running = subprocess.Popen([sys.executable, "-c", program, server.url, str(tmp_path)])
    part = tmp_path / "part" / "file.bin.part"
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size > 100_000) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    there = part.stat().st_size
    assert 0 < there < len(BODY)
    assert not (tmp_path / "file.bin").exists()
    had = get(server, tmp_path)
    assert had.path.read_bytes() == BODY
    assert server.ranges == [None, f"bytes={there}-"]
    assert had.transferred == len(BODY) - there


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://a/b/c.tar.xz?x=1", "c.tar.xz"),
        ("https://a/", "download"),
        ("https://a/%2e%2e", "download"),
        ("https://a/x%2Fy", "x_y"),
    ],
)
def test_names_come_from_the_url_and_stay_in_the_folder(url: str, name: str) -> None:
    assert file_name(url) == name
