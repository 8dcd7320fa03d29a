import errno
import gzip
import os
import socket
import stat
from pathlib import Path
from typing import Any

import pytest
from fetch_makers import TASK, source
from landing_runs import entry as entry_of

import kslm.fetch
from kslm.errors import KslmError, SourceError
from kslm.fetch import log_copy
from kslm.profile import Source
from kslm.report import Report
from kslm.settings import Environment, Settings, load_profile

PROFILE = """
profile: logs_only
sources:
  logs: {{kind: logs, licence: LicenseRef-own-machine, places: [{{path: "{path}"}}], max_bytes: {max_bytes}}}
train: {{max_steps: 1}}
release: {{gates: {{max_perplexity: 100}}}}
"""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    (folder / "apt").mkdir(parents=True)
    (folder / "syslog").write_text("one\ntwo\n")
    (folder / "apt" / "history.log").write_text("three\n")
    return folder


def settings_of(path: Path, home: Path, max_bytes: int = 10_000) -> Settings:
    file = home.parent / "profile.yml"
    file.write_text(PROFILE.format(path=path, max_bytes=max_bytes))
    return Settings(load_profile(file), Environment.model_validate({"KSLM_HOME": str(home)}))


def fetch(path: Path, home: Path, **bounds: int) -> tuple[dict[str, Any], Report]:
    report = kslm.fetch.run(settings_of(path, home, **bounds))
    return entry_of(report, "logs", home), report


def copied(source: dict[str, Any]) -> dict[str, bytes]:
    root = Path(source["members"])
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def reasons(entry: dict[str, Any]) -> dict[str, str]:
    return {one["path"]: one["reason"] for one in entry["unreadable"]}


def test_logs_are_copied_for_their_owner_only(logs: Path, tmp_path: Path) -> None:
    (logs / "syslog").chmod(0o644)
    entry, _ = fetch(logs, tmp_path / "home")
    assert copied(entry) == {"syslog": b"one\ntwo\n", "apt/history.log": b"three\n"}
    root = Path(entry["members"])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (root, root / "apt")}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if path.is_file()} == {0o600}
    assert entry["unreadable"] == ()
    assert entry["bytes"] == 14


def test_a_copy_is_kept_until_the_log_changes_and_then_replaced(logs: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first, _ = fetch(logs, home)
    again, report = fetch(logs, home)
    assert (again, report.metrics["fetch/reused"]) == (first, 1)
    (logs / "syslog").write_text("one\ntwo\nthree\n")
    assert copied(first)["syslog"] == b"one\ntwo\n", "what ingest reads does not change with the log"
    second, _ = fetch(logs, home)
    assert copied(second)["syslog"] == b"one\ntwo\nthree\n"
    assert [path for path in (home / "landing" / "logs").iterdir() if path.is_dir()] == [Path(second["members"])]
    logs.rename(tmp_path / "gone")
    assert fetch(logs, home)[0] == second


def test_a_copy_that_another_note_refers_to_stays(logs: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first, _ = fetch(logs, home)
    (logs / "syslog").write_text("new\n")
    second, _ = fetch(logs, home, max_bytes=9_000)
    assert copied(first)["syslog"] == b"one\ntwo\n"
    assert copied(second)["syslog"] == b"new\n"


def test_what_a_killed_run_left_is_removed(logs: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    entry, _ = fetch(logs, home)
    left = (home / "landing" / "logs" / "0123456789abcdef", home / "cache" / "scratch" / "fetch" / "logs" / "copying")
    for folder in left:
        folder.mkdir(parents=True)
        (folder / "syslog").write_text("alice\n")
    assert fetch(logs, home)[1].metrics["fetch/reused"] == 1
    assert not left[1].exists()
    assert [path for path in (home / "landing" / "logs").iterdir() if path.is_dir()] == [Path(entry["members"])]


def test_what_is_no_readable_file_is_left_out_with_its_reason(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "private.txt").write_text("private\n")
    (logs / "link").symlink_to(tmp_path / "private.txt")
    (logs / "linked").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(logs / "pipe")
    (logs / "system.journal").write_bytes(b"LPKSHHRH")
    (logs / "secret.log").write_text("secret\n")
    monkeypatch.chdir(logs)  # a socket's path is bounded
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
    real = os.open

    def guarded(path: Any, *args: Any, **kwargs: Any) -> int:
        if Path(path).name == "secret.log":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", guarded)
    entry, report = fetch(logs, tmp_path / "home")
    assert set(copied(entry)) == {"syslog", "apt/history.log"}
    assert reasons(entry) == {
        "link": "link: not followed",
        "linked": "link: not followed",
        "pipe": "not a regular file",
        "socket": "not a regular file",
        "system.journal": "binary journal: not read",
        "secret.log": "unreadable: Permission denied",
    }
    assert any("secret.log" in note and "Permission denied" in note for note in report.notes)
    assert any("system.journal" in note for note in report.notes)


def test_of_a_large_log_the_end_is_copied_from_a_line_start(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_copy, "LARGEST", 12)
    (logs / "cut").write_bytes(b"first\nsecond\nthird\n")
    (logs / "exact").write_bytes(b"zero\nfirst\nthird\n")
    (logs / "packed.gz").write_bytes(gzip.compress(b"first\n"))
    entry, report = fetch(logs, tmp_path / "home")
    assert copied(entry)["cut"] == b"third\n"
    assert copied(entry)["exact"] == b"first\nthird\n"
    left = {one["path"]: one["bytes"] for one in entry["unreadable"]}
    assert left == {"cut": 13, "exact": 5, "packed.gz": 0}
    assert "compressed" in reasons(entry)["packed.gz"]
    assert any("cut, exact" in note and "only its end" in note for note in report.notes)
    monkeypatch.setattr(log_copy, "LARGEST", 11)
    (logs / "exact").write_bytes(b"zero\nfirst\nfifth\n")
    assert copied(fetch(logs, tmp_path / "other")[0])["exact"] == b"fifth\n"


def test_files_beyond_max_bytes_are_left_out(logs: Path, tmp_path: Path) -> None:
    entry, _ = fetch(logs, tmp_path / "home", max_bytes=8)
    assert set(copied(entry)) == {"syslog"}
    assert "max_bytes" in reasons(entry)["apt/history.log"]


def test_one_file_that_cannot_be_used_is_refused_with_the_cause(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "system.journal").write_bytes(b"LPKSHHRH")
    (tmp_path / "long.log").write_bytes(bytes(100))
    for name, cause in (
        ("pipe", "not a regular file"),
        ("system.journal", "binary journal"),
        ("long.log", "max_bytes"),
    ):
        with pytest.raises(SourceError, match=cause):
            fetch(tmp_path / name, tmp_path / "home", max_bytes=99)
    assert [path for path in (tmp_path / "home").rglob("*") if path.is_file()] == []


def test_a_named_link_is_followed(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "current.log").symlink_to(logs / "syslog")
    entry, _ = fetch(tmp_path / "current.log", tmp_path / "home")
    assert Path(entry["members"]).name == "current.log"
    assert Path(entry["members"]).read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("event", ["grown", "cut", "gone"])
def test_a_log_that_changes_while_it_is_copied(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    real = log_copy._seek_start

    def then(stream: Any, size: int) -> int:
        if event == "grown":
            with (logs / "syslog").open("ab") as more:
                more.write(b"later\n")
        elif event == "cut":
            os.truncate(logs / "syslog", 4)
        else:
            (logs / "syslog").unlink(missing_ok=True)
        return real(stream, size)

    monkeypatch.setattr(log_copy, "_seek_start", then)
    (logs / "apt" / "history.log").unlink()
    entry, _ = fetch(logs, tmp_path / "home")
    assert copied(entry) == {"syslog": b"one\n" if event == "cut" else b"one\ntwo\n"}


def test_a_log_rotated_away_before_it_is_opened_is_left_out(
    logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = log_copy._open

    def rotated(path: Path) -> Any:
        if path.name == "syslog":
            path.unlink(missing_ok=True)
        return real(path)

    monkeypatch.setattr(log_copy, "_open", rotated)
    entry, _ = fetch(logs, tmp_path / "home")
    assert reasons(entry) == {"syslog": "unreadable: No such file or directory"}


def test_a_read_that_fails_midway_leaves_no_piece(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        yield b"on"
        raise log_copy._UnfitError("unreadable: Input/output error")

    monkeypatch.setattr(log_copy, "_chunks", broken)
    entry, _ = fetch(logs, tmp_path / "home")
    assert (copied(entry), entry["bytes"], set(reasons(entry))) == ({}, 0, {"syslog", "apt/history.log"})


def test_a_full_disk_is_not_the_logs_fault(logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(log_copy._Copier, "_target", full)
        with pytest.raises(KslmError, match="is full"):
            fetch(logs, tmp_path / "home")
    assert [path for path in (tmp_path / "home" / "landing").rglob("*") if path.is_file()] == []
    assert fetch(logs, tmp_path / "home")[0]["bytes"] == 14


def test_hashing_alone_gives_what_copying_gives(logs: Path, tmp_path: Path) -> None:
    wanted: Source = source("logs", {"path": str(logs)}, exclude=["apt/*"])
    (logs / os.fsdecode(b"caf\xe9.log")).write_text("x\n")
    (tmp_path / "into").mkdir()
    made = log_copy.take(wanted, logs, tmp_path / "into", task=TASK)
    assert made == log_copy.take(wanted, logs, None, task=TASK)
    assert sorted(os.listdir(os.fsencode(tmp_path / "into"))) == [b"caf\xe9.log", b"syslog"]
    assert made.bytes == 10


def test_the_landing_folder_is_not_copied_into_itself(logs: Path) -> None:
    home = logs / "home"
    home.mkdir()
    first, _ = fetch(logs, home)
    again, report = fetch(logs, home)
    assert (again, report.metrics["fetch/reused"]) == (first, 1)
    assert "itself" in reasons(first)["home/landing"]


def test_copies_keep_the_time_of_their_logs(logs: Path, tmp_path: Path) -> None:
    os.utime(logs / "syslog", ns=(1_500_000_000_123_456_789, 1_500_000_000_123_456_789))
    entry, _ = fetch(logs, tmp_path / "home")
    assert (Path(entry["members"]) / "syslog").stat().st_mtime_ns == 1_500_000_000_123_456_789
