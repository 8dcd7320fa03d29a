"""Small archives and a small web server, made here byte by byte."""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import zstandard

from kslm.profile import Source
from kslm.report import Task

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".xz": lzma.compress,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
TASK = Task()
MAKEFILE = b"# SPDX-License-Identifier: GPL-2.0\nVERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 192\nEXTRAVERSION =\n"
PCI_IDS = b"#\n#\tVersion: 2026.01.01\n#\n8086  Intel Corporation\n\t1533  I210 Gigabit Network Connection\n"


def tar(files: dict[str, bytes], extra: tuple[tarfile.TarInfo, ...] = ()) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return buffer.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def ar(members: dict[str, bytes]) -> bytes:
    out = b"!<arch>\n"
    for name, data in members.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return out


def deb(package: str, version: str, files: dict[str, bytes], packing: str = ".xz", depends: str = "") -> bytes:
    control = f"Package: {package}\nVersion: {version}\nArchitecture: all\n"
    control += f"Depends: {depends}\n" if depends else ""
    return ar(
        {
            "debian-binary": b"2.0\n",
            "control.tar.gz": gzip.compress(tar({"./control": control.encode()})),
            f"data.tar{packing}": PACKERS[packing](tar({f"./{name}": data for name, data in files.items()})),
        }
    )


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def kernel_files(count: int = 20) -> dict[str, bytes]:
    files = {"Makefile": MAKEFILE, "COPYING": b"GPL-2.0\n"}
    for number in range(count):
        files[f"drivers/net/ethernet/d{number}/main.c"] = f"/* driver {number} */\n".encode() * (number + 1)
        files[f"sound/s{number}.c"] = b"/* sound */\n"
    return files


def topped(files: dict[str, bytes], top: str = "linux-6.1.192") -> dict[str, bytes]:
    return {f"{top}/{name}": data for name, data in files.items()}


def source(kind: str, *places: dict[str, str], **fields: object) -> Source:
    return Source.model_validate(
        {"kind": kind, "licence": "GPL-2.0-only", "places": places or [{"path": "/nowhere"}], **fields}
    )


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


APT_GET = """#!/bin/sh
# Stands in for apt-get: `update`, and `download NAME=VERSION ...` out of a pool folder.
echo "$@" >> "$POOL/calls"
case "$*" in
*update*)
    [ -e "$POOL/broken" ] && { echo "E: Failed to fetch one repository"; exit 100; }
    exit 0 ;;
*download*)
    [ -e "$POOL/full" ] && { echo "E: write - write (28: No space left on device)"; exit 100; }
    [ -e "$POOL/offline" ] && { echo "Err:1 deb"; echo "E: Could not connect to the mirror"; exit 100; }
    shift $(( $# - $(echo "$*" | sed 's/.* download //' | wc -w) ))
    for each in "$@"; do cp "$POOL/${each%%=*}"_*.deb . || exit 100; done ;;
esac
"""
APT_CACHE = """#!/bin/sh
echo "$@" >> "$POOL/calls"
shift 4
found=
for each in "$@"; do
    [ -e "$POOL/$each.show" ] || { echo "N: Unable to locate package $each" >&2; continue; }
    cat "$POOL/$each.show"; echo; found=1
done
[ "$found" ] || { echo "E: No packages found" >&2; exit 100; }
"""


class Pool:
    """A folder of packages, and fake tools on PATH that serve it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "pool"
        self.folder.mkdir(parents=True)
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        for name, text in (("apt-get", APT_GET), ("apt-cache", APT_CACHE)):
            (bin_folder / name).write_text(text)
            (bin_folder / name).chmod((bin_folder / name).stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("POOL", str(self.folder))
        monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")

    def add(
        self, name: str, data: bytes, depends: str = "", listed: bytes | None = None, version: str = "6.1-1"
    ) -> None:
        for old in self.folder.glob(f"{name}_*.deb"):
            old.unlink()
        (self.folder / f"{name}_{version}_all.deb").write_bytes(data)
        promised = data if listed is None else listed
        (self.folder / f"{name}.show").write_text(
            f"Package: {name}\nVersion: {version}\nDepends: {depends or 'libc6'}\n"
            f"Size: {len(promised)}\nSHA256: {sha256(promised)}\n"
        )

    def calls(self, word: str) -> int:
        return sum(word in line for line in (self.folder / "calls").read_text().splitlines())


class Server:
    """Serves one body, with ranges; `breaks` cuts that many answers short, `status` fails that many first."""

    def __init__(self, body: bytes) -> None:
        self.body, self.etag = body, '"one"'
        self.breaks = 0
        self.failures = 0
        self.cut_at = len(body) // 3
        self.ranges: list[str | None] = []
        self.hang = threading.Event()
        self.hang.set()
        self.say_length = True
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/folder/file.bin"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers.get("Range")
        self.ranges.append(asked)
        if self.failures:
            self.failures -= 1
            request.send_error(503)
            return
        if request.headers.get("If-None-Match") == self.etag:
            request.send_response(304)
            request.end_headers()
            return
        start = 0
        if asked and request.headers.get("If-Range") == self.etag:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        data = self.body[start:]
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.body) - 1}/{len(self.body)}")
        if self.say_length:
            request.send_header("Content-Length", str(len(data)))
        request.send_header("ETag", self.etag)
        request.end_headers()
        if self.breaks:
            self.breaks -= 1
            request.wfile.write(data[: self.cut_at])
            request.wfile.flush()
            self.hang.wait(60)
            request.connection.close()
            return
        request.wfile.write(data)
