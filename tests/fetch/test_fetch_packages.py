import gzip
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest
from fetch_makers import Pool, ar, deb, special, tar
from landing_runs import declared, entry, settings_of

import kslm.fetch
from kslm.errors import SettingsError, SourceError
from kslm.fetch import packages

COPYRIGHT = (
    "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
    "Files: *\nCopyright: 2020 A. Person\nLicense: {}\n"
)


def files(name: str, licence: str = "Expat") -> dict[str, bytes]:
    """One of everything that is read, and one of everything that is not."""
    return {
        f"usr/share/man/man1/{name}.1.gz": gzip.compress(b".TH X 1\n"),
        f"usr/share/man/de/man1/{name}.1.gz": b"translated",
        f"usr/share/doc/{name}/copyright": COPYRIGHT.format(licence).encode(),
        f"usr/share/doc/{name}/README.Debian": b"Read me.\n",
        f"usr/share/doc/{name}/README.css": b"body {}",
        f"usr/share/doc/{name}/NEWS.gz": b"news",
        f"usr/share/doc/{name}/changelog.Debian.gz": b"changes",
        f"usr/share/doc/{name}/html/index.html": b"<p>Guide</p>",
        f"usr/share/doc/{name}/html/_sources/index.txt": b"Guide",
        f"usr/share/doc/{name}/examples/run": b"\x7fELF",
        f"etc/{name}/{name}.conf": b"key = value\n",
        "lib/udev/hwdb.d/60-keyboard.hwdb": b"evdev:*\n",
        "usr/lib/systemd/catalog/systemd.catalog": b"-- 1\n",
        "usr/lib/systemd/catalog/systemd.de.catalog": b"-- 1\n",
        "usr/share/hwdata/pnp.ids": b"AAA\tName\n",
        f"usr/bin/{name}": b"\x7fELF",
    }


READ = {
    "usr/share/man/man1/one.1.gz", "usr/share/doc/one/copyright", "usr/share/doc/one/README.Debian",
    "usr/share/doc/one/NEWS.gz", "usr/share/doc/one/html/index.html", "etc/one/one.conf",
    "lib/udev/hwdb.d/60-keyboard.hwdb", "usr/lib/systemd/catalog/systemd.catalog", "usr/share/hwdata/pnp.ids",
}  # fmt: skip


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def of_apt(*names: str, **fields: object) -> dict[str, Any]:
    return {"docs": declared("packages", {"debian": list(names)}, **fields)}


def of_path(path: Path, **fields: object) -> dict[str, Any]:
    return {"docs": declared("packages", {"path": str(path)}, **fields)}


def make(folder: Path, name: str, version: str = "1", **kept: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}_{version}_all.deb"
    path.write_bytes(deb(name, version, files(name) | kept))
    return path


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pool:
    pool = Pool(tmp_path, monkeypatch)
    for name, licence in (("one", "Expat"), ("two", "GPL-2+")):
        pool.add(name, deb(name, "6.1-1", files(name, licence)))
    return pool


def test_a_list_of_packages_lands_with_what_is_read_and_each_ones_licence(pool: Pool, tmp_path: Path) -> None:
    report = kslm.fetch.run(settings_of(tmp_path, of_apt("two", "one")))
    found = entry(report, "docs", tmp_path / "home")
    members = Path(found["members"])
    assert {child.name for child in members.iterdir()} == {"one", "two"}
    assert below(members / "one") == READ
    assert gzip.decompress((members / "one/usr/share/man/man1/one.1.gz").read_bytes()) == b".TH X 1\n"
    assert {name: one["licence"] for name, one in found["packages"].items()} == {
        "one": "MIT",
        "two": "GPL-2.0-or-later",
    }
    assert all(one["version"] == "6.1-1" and one["sha256"] and one["bytes"] for one in found["packages"].values())
    assert (found["unreadable"], pool.calls("show"), pool.calls(" download ")) == ((), 1, 1)


def test_a_second_run_reuses_all_of_it_offline(pool: Pool, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, of_apt("one", "two"))
    first = kslm.fetch.run(settings)
    (pool.folder / "offline").touch()
    second = kslm.fetch.run(settings)
    assert (second.output_id, second.metrics["fetch/reused"], pool.calls("show")) == (first.output_id, 1, 1)
    assert second.outputs == first.outputs


def test_a_name_without_a_candidate_is_left_out_and_said(pool: Pool, tmp_path: Path) -> None:
    report = kslm.fetch.run(settings_of(tmp_path, of_apt("one", "gone")))
    assert set(entry(report, "docs", tmp_path / "home")["packages"]) == {"one"}
    (left,) = entry(report, "docs", tmp_path / "home")["unreadable"]
    assert (left["path"], left["bytes"]) == ("gone", 0)
    assert "no candidate" in left["reason"]
    assert any("gone" in note and "no candidate" in note for note in report.notes)


def test_a_list_without_any_candidate_is_no_place(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no candidate"):
        kslm.fetch.run(settings_of(tmp_path, of_apt("gone", "lost")))


def test_only_a_package_with_a_newer_candidate_is_fetched_when_asked_to(pool: Pool, tmp_path: Path) -> None:
    sources = of_apt("one", "two")
    first = kslm.fetch.run(settings_of(tmp_path, sources))
    newer = deb("two", "6.1-2", files("two") | {"etc/two/new.conf": b"new\n"})
    pool.add("two", newer, version="6.1-2")
    assert kslm.fetch.run(settings_of(tmp_path, sources)).output_id == first.output_id
    second = kslm.fetch.run(settings_of(tmp_path, sources, refresh=True))
    found = entry(second, "docs", tmp_path / "home")
    assert second.metrics["fetch/transferred_bytes"] == len(newer)
    assert {name: one["version"] for name, one in found["packages"].items()} == {"one": "6.1-1", "two": "6.1-2"}
    assert (Path(found["members"]) / "two/etc/two/new.conf").read_bytes() == b"new\n"
    assert second.output_id != first.output_id
    third = kslm.fetch.run(settings_of(tmp_path, sources, refresh=True))
    assert (third.output_id, third.metrics["fetch/reused"]) == (second.output_id, 1)


def test_what_cannot_be_refreshed_is_kept_with_a_note(pool: Pool, tmp_path: Path, monkeypatch: Any) -> None:
    sources = of_apt("one")
    first = kslm.fetch.run(settings_of(tmp_path, sources))
    monkeypatch.setenv("PATH", str(tmp_path))
    second = kslm.fetch.run(settings_of(tmp_path, sources, refresh=True))
    assert (second.output_id, second.metrics["fetch/reused"]) == (first.output_id, 1)
    assert any("kept as it had landed" in note and "no apt-get" in note for note in second.notes)
    assert not kslm.fetch.run(settings_of(tmp_path, sources)).notes


def test_include_and_exclude_select_but_the_copyright_stays(pool: Pool, tmp_path: Path) -> None:
    cut = {"include": ["one/*/man1/*", "*/etc/*"], "exclude": ["two/etc/*"]}
    report = kslm.fetch.run(settings_of(tmp_path, of_apt("one", "two", **cut)))
    found = entry(report, "docs", tmp_path / "home")
    assert below(Path(found["members"])) == {
        "one/usr/share/man/man1/one.1.gz", "one/usr/share/doc/one/copyright", "one/etc/one/one.conf",
    }  # fmt: skip
    assert [(left["path"], left["reason"]) for left in found["unreadable"]] == [
        ("two", "nothing in it is selected: left out")
    ]


def test_a_folder_of_debs_gives_the_newest_of_each(tmp_path: Path) -> None:
    for version in ("1.9", "1.10", "1.10~rc1"):
        make(tmp_path / "debs", "one", version)
    make(tmp_path / "debs", "two")
    (tmp_path / "debs" / "broken_1_all.deb").write_bytes(b"!<arch>\nshort")
    settings = settings_of(tmp_path, of_path(tmp_path / "debs"))
    first = kslm.fetch.run(settings)
    found = entry(first, "docs", tmp_path / "home")
    assert {name: one["version"] for name, one in found["packages"].items()} == {"one": "1.10", "two": "1"}
    assert sorted(left["path"] for left in found["unreadable"]) == [
        "broken_1_all.deb", "one_1.10~rc1_all.deb", "one_1.9_all.deb",
    ]  # fmt: skip
    assert kslm.fetch.run(settings).metrics["fetch/reused"] == 1
    make(tmp_path / "debs", "two", "2")
    assert entry(kslm.fetch.run(settings), "docs", tmp_path / "home")["packages"]["two"]["version"] == "2"


def test_one_deb_is_a_source_with_its_version(tmp_path: Path) -> None:
    path = make(tmp_path / "debs", "one", "1.2-3")
    assert entry(kslm.fetch.run(settings_of(tmp_path, of_path(path))), "docs", tmp_path / "home")["version"] == "1.2-3"


def unpacked(root: Path) -> Path:
    for name, data in files(root.name).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "etc" / "link.conf").symlink_to("/etc/passwd")
    return root


def test_unpacked_packages_are_copied_and_watched(tmp_path: Path) -> None:
    one = unpacked(tmp_path / "roots" / "one")
    unpacked(tmp_path / "roots" / "two")
    found = entry(kslm.fetch.run(settings_of(tmp_path, of_path(one))), "docs", tmp_path / "home")
    assert below(Path(found["members"]) / "one") == READ
    settings = settings_of(tmp_path, of_path(tmp_path / "roots"))
    first = kslm.fetch.run(settings)
    assert {name: each["version"] for name, each in entry(first, "docs", tmp_path / "home")["packages"].items()} == {
        "one": "local",
        "two": "local",
    }
    (one / "usr" / "bin" / "one").write_bytes(b"another binary")
    assert kslm.fetch.run(settings).metrics["fetch/reused"] == 1
    (one / "etc" / "one" / "one.conf").write_bytes(b"key = other\n")
    second = kslm.fetch.run(settings)
    assert second.output_id != first.output_id
    shutil.rmtree(tmp_path / "roots")
    assert kslm.fetch.run(settings).output_id == second.output_id


def with_member(name: str, path: Path, *extra: tarfile.TarInfo, **members: bytes) -> None:
    control = tar({"./control": f"Package: {name}\nVersion: 1\n".encode()})
    data = tar(files(name) | members, extra)
    path.write_bytes(ar({"debian-binary": b"2.0\n", "control.tar": control, "data.tar": data}))


@pytest.mark.parametrize(
    ("extra", "members", "reason"),
    [
        ((), {"../../etc/passwd": b"x"}, "leads out"),
        ((), {"/etc/passwd": b"x"}, "leads out"),
        ((special("etc/null", tarfile.CHRTYPE),), {}, "special file"),
        ((), {"usr/share/doc/bad/bomb.txt": bytes(5_000_000)}, "max_bytes"),
    ],
)
def test_a_package_that_is_unsound_is_left_out_whole(
    tmp_path: Path, extra: tuple[tarfile.TarInfo, ...], members: dict[str, bytes], reason: str
) -> None:
    make(tmp_path / "debs", "good")
    with_member("bad", tmp_path / "debs" / "bad_1_all.deb", *extra, **members)
    found = entry(
        kslm.fetch.run(settings_of(tmp_path, of_path(tmp_path / "debs", max_bytes=1_000_000))),
        "docs",
        tmp_path / "home",
    )
    assert [child.name for child in Path(found["members"]).iterdir()] == ["good"]
    (left,) = found["unreadable"]
    assert left["path"] == "bad"
    assert reason in left["reason"]
    (tmp_path / "debs" / "good_1_all.deb").unlink()
    with pytest.raises(SourceError, match=reason):
        kslm.fetch.run(
            settings_of(
                tmp_path, {"other": declared("packages", {"path": str(tmp_path / "debs")}, max_bytes=1_000_000)}
            )
        )


def test_links_are_not_followed_and_large_files_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "LARGEST", 1000)
    (tmp_path / "debs").mkdir()
    link = special("etc/shadow", tarfile.SYMTYPE, "/etc/shadow")
    with_member("one", tmp_path / "debs" / "one.deb", link, **{"etc/large.conf": bytes(1001)})
    found = entry(kslm.fetch.run(settings_of(tmp_path, of_path(tmp_path / "debs"))), "docs", tmp_path / "home")
    assert below(Path(found["members"]) / "one") == READ
    assert found["unreadable"] == (
        {"path": "one/etc/large.conf", "reason": "larger than 16 MiB: left out", "bytes": 1001},
    )


def test_a_name_that_leads_elsewhere_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "debs").mkdir()
    with_member("../up", tmp_path / "debs" / "one.deb")
    with pytest.raises(SourceError, match="proper Package"):
        kslm.fetch.run(settings_of(tmp_path, of_path(tmp_path / "debs")))


def test_a_package_without_copyright_has_the_declared_licence(tmp_path: Path) -> None:
    root = unpacked(tmp_path / "one")
    settings = settings_of(tmp_path, of_path(root))
    (root / "usr/share/doc/one/copyright").unlink()
    first = kslm.fetch.run(settings)
    assert entry(first, "docs", tmp_path / "home")["packages"]["one"]["licence"] == "GPL-2.0-only"
    other = of_path(root)
    other["docs"]["licence"] = "ISC"
    second = kslm.fetch.run(settings_of(tmp_path, other))
    assert (entry(second, "docs", tmp_path / "home")["packages"]["one"]["licence"], second.metrics["fetch/reused"]) == (
        "ISC",
        1,
    )
    assert second.output_id != first.output_id


def test_places_that_hold_no_package_are_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("x" * 100)
    for path, cause in (("empty", r"no \.deb"), ("text", "not a Debian package"), ("nowhere", "no such file")):
        with pytest.raises(SourceError, match=cause):
            kslm.fetch.run(settings_of(tmp_path, of_path(tmp_path / path)))
    with pytest.raises(SettingsError, match="kind packages only"):
        settings_of(tmp_path, {"x": declared("pci_ids", {"debian": ["one", "two"]})})


def test_a_package_without_copyright_has_the_licence_of_another_of_its_source(pool: Pool, tmp_path: Path) -> None:
    bare = files("one-extra")
    del bare["usr/share/doc/one-extra/copyright"]
    pool.add("one-extra", deb("one-extra", "6.1-1", bare))
    listed = pool.folder / "one-extra.show"
    listed.write_text("Source: one (6.1)\n" + listed.read_text())
    found = entry(kslm.fetch.run(settings_of(tmp_path, of_apt("one", "one-extra", "two"))), "docs", tmp_path / "home")
    assert {name: one["licence"] for name, one in found["packages"].items()} == {
        "one": "MIT", "one-extra": "MIT", "two": "GPL-2.0-or-later",
    }  # fmt: skip
