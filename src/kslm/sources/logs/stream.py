"""Bytes of a log file as numbered lines: decompressed on the way, never more than a bounded piece in memory."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

MAX_LINE_BYTES = 1 << 20
MAX_FILE_BYTES = 16 << 30
_CHUNK = 1 << 18
# zstd expands one input byte to some 30,000 at most: this keeps one step below 128 MiB.
_ZSTD_CHUNK = 1 << 12
_GZIP, _XZ, _ZSTD = b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"


class Line(NamedTuple):
    """One line without its end; `size` is its length in bytes, above MAX_LINE_BYTES where `raw` is cut."""

    number: int
    raw: bytes
    size: int


class DamagedFileError(Exception):
    """The file ends too early or does not decompress; the lines before that were good."""


def lines(path: Path) -> Iterator[Line]:
    """The file's lines, numbered from 1.

    Raises:
        DamagedFileError: after the last good line.
        OSError: the file cannot be opened or read.
    """
    pending, size, number, total = b"", 0, 1, 0
    try:
        for chunk in chunks(path):
            total += len(chunk)
            if total > MAX_FILE_BYTES:
                raise DamagedFileError(f"more than {MAX_FILE_BYTES} bytes once decompressed")
            pieces = chunk.split(b"\n")
            for piece in pieces[:-1]:
                size += len(piece)
                yield Line(number, (pending + piece)[:MAX_LINE_BYTES], size)
                pending, size, number = b"", 0, number + 1
            size += len(pieces[-1])
            if len(pending) < MAX_LINE_BYTES:
                pending = (pending + pieces[-1])[:MAX_LINE_BYTES]
    except DamagedFileError:
        if size:
            yield Line(number, pending, size)
        raise
    if size:
        yield Line(number, pending, size)


def chunks(path: Path) -> Iterator[bytes]:
    """The file's bytes, decompressed.

    Raises:
        DamagedFileError: after the last good bytes.
        OSError: the file cannot be opened or read.
    """
    with path.open("rb") as stream:
        magic = stream.read(6)
        stream.seek(0)
        if magic.startswith(_GZIP):
            with gzip.GzipFile(fileobj=stream) as plain:
                yield from _decompressed(plain)
        elif magic.startswith(_XZ):
            with lzma.LZMAFile(stream) as plain:
                yield from _decompressed(plain)
        elif magic.startswith(_ZSTD):
            yield from _zstd(stream)
        else:
            while chunk := stream.read(_CHUNK):
                yield chunk


def _decompressed(stream: gzip.GzipFile | lzma.LZMAFile) -> Iterator[bytes]:
    while True:
        try:
            # read1 hands over what there is, so that a cut file loses nothing before the cut.
            chunk = stream.read1(_CHUNK)
        except EOFError:
            raise DamagedFileError("compressed file ends too early") from None
        except (lzma.LZMAError, zlib.error, gzip.BadGzipFile):
            raise DamagedFileError("compressed file is damaged") from None
        if not chunk:
            return
        yield chunk


def _zstd(stream: IO[bytes]) -> Iterator[bytes]:
    """Like _decompressed; zstandard's own stream reader takes a cut file for a complete one."""
    frame, fed = zstandard.ZstdDecompressor().decompressobj(), False
    while compressed := stream.read(_ZSTD_CHUNK):
        while compressed:
            try:
                fed = True
                yield frame.decompress(compressed)
            except zstandard.ZstdError:
                raise DamagedFileError("compressed file is damaged") from None
            compressed = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame, fed = zstandard.ZstdDecompressor().decompressobj(), False
    if fed:
        raise DamagedFileError("compressed file ends too early")
