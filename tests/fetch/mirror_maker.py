"""A small Debian mirror on this machine: lists and packages made here, signed with a key made here."""

import gzip
import lzma
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pysequoia
from fetch_makers import sha256

LIST = "dists/trixie/main/binary-amd64/Packages"


class SmallMirror:
    """Serves `files` by path, with ranges, and cuts short the first `breaks` answers to paths that end in .deb."""

    def __init__(self) -> None:
        self.key = pysequoia.Tsk.generate("archive@example.org")
        self.files: dict[str, bytes] = {}
        self.paragraphs: list[str] = []
        self.asked: list[tuple[str, str | None]] = []
        self.breaks = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/debian"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def keyring(self, folder: Path) -> Path:
        path = folder / "keyring.pgp"
        path.write_bytes(bytes(pysequoia.Tsk.generate("other@example.org").extract_certificate()))
        with path.open("ab") as stream:
            stream.write(bytes(self.key.extract_certificate()))
        return path

    def add(self, name: str, data: bytes, depends: str = "", version: str = "6.1-1") -> str:
        """A package in the pool and in the list; the path of its file."""
        path = f"pool/main/{name[0]}/{name}/{name}_{version.partition(':')[2] or version}_all.deb"
        self.files[path] = data
        self.paragraphs.append(
            f"Package: {name}\nVersion: {version}\nDepends: {depends or 'libc6'}\nFilename: {path}\n"
            f"Size: {len(data)}\nSHA256: {sha256(data)}\n"
        )
        return path

    def publish(self, fields: str = "", suite: str = "stable", codename: str = "trixie", key: Any = None) -> None:
        """Make the lists from what was added, and sign them."""
        plain = "\n".join(self.paragraphs).encode()
        packed = lzma.compress(plain)
        rows = "".join(
            f" {sha256(data)} {len(data)} main/binary-amd64/Packages{suffix}\n"
            for suffix, data in (("", plain), (".xz", packed), (".gz", gzip.compress(plain)))
        )
        text = f"Suite: {suite}\nCodename: {codename}\n{fields}SHA256:\n{rows}"
        signer = (key or self.key).signer()
        self.files["dists/trixie/InRelease"] = pysequoia.sign(signer, text.encode(), mode=pysequoia.SignatureMode.CLEAR)
        self.files[f"{LIST}.xz"] = packed
        self.files[f"dists/trixie/main/binary-amd64/by-hash/SHA256/{sha256(packed)}"] = packed

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, asked = request.path.removeprefix("/debian/"), request.headers.get("Range")
        self.asked.append((path, asked))
        data = self.files.get(path)
        if data is None:
            request.send_error(404)
            return
        etag = f'"{sha256(data)}"'
        if request.headers.get("If-None-Match") == etag:
            request.send_response(304)
            request.end_headers()
            return
        resumed = asked is not None and request.headers.get("If-Range") == etag
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and resumed else 0
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        request.send_header("Content-Length", str(len(data) - start))
        request.send_header("ETag", etag)
        request.end_headers()
        if self.breaks and path.endswith(".deb"):
            self.breaks -= 1
            request.wfile.write(data[start : start + 100])
            request.wfile.flush()
            request.connection.close()
            return
        request.wfile.write(data[start:])

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
