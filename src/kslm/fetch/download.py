"""One file over HTTP: streamed, hashed, bounded, resumed after a break or a kill.

Bytes go to `<name>.part`, and to `<name>.part.json` the address and validator they belong to (`If-Range`, RFC 9110
§13.1.5), so that a resumed download never joins two versions of a file. Both lie on local disk, because a Volume does
not take what is appended; the finished file is moved to where it stays, with what it is in `<name>.note.json`. What may
pass is tried again after short pauses; a host that does not resolve, refuses or stays silent is not, so that the next
place gets its turn soon.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from kslm.errors import SourceError
from kslm.published import file_sha256, write_atomically
from kslm.report import Task
from kslm.scratch import move

ATTEMPTS = 4
TIMEOUT = httpx.Timeout(30, connect=10)
_CHUNK = 1 << 18
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Download:
    """A finished file; `transferred` counts the bytes that came over the network this time."""

    path: Path
    sha256: str
    transferred: int


class _TryAgainError(Exception):
    """A failure that may pass."""


def file_name(url: str) -> str:
    """The last part of a URL's path, made safe as a local name."""
    name = unquote(urlsplit(url).path.rpartition("/")[2]).replace("/", "_").replace("\0", "_")
    return name if name.strip(".") else "download"


def download(
    url: str, folder: Path, *, partial: Path, max_bytes: int, task: Task, pause: float = 0.5, anew: bool = False
) -> Download:
    """Download `url` into `folder`, going on where an earlier try stopped.

    Args:
        partial: the folder of unfinished files, on local disk.
        anew: ask the server whether it has another version of a file that is there already.
        max_bytes: a larger file is refused, whether it says so or not.
        pause: seconds before the second try; doubled each time.

    Raises:
        SourceError: it cannot be had; the cause says why.
        OSError: the disk's own trouble.
    """
    partial.mkdir(parents=True, exist_ok=True)
    transfer = _OneFile(url, folder / file_name(url), partial, max_bytes, task)
    there = transfer.whole()
    if there is not None and not anew:
        return there
    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential(pause, max=8),
        retry=retry_if_exception(lambda error: isinstance(error, _TryAgainError)),
        reraise=True,
    )
    try:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=True, headers={"Accept-Encoding": "identity"}) as client:
            changed = retrying(transfer.attempt, client, transfer.validator() if there else None)
    except _TryAgainError as error:
        raise SourceError(f"cannot download {url}", cause=f"{error}, {ATTEMPTS} times") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceError(f"cannot download {url}", cause=str(error) or type(error).__name__) from None
    return transfer.publish() if changed or there is None else there


class _OneFile:
    def __init__(self, url: str, target: Path, partial: Path, max_bytes: int, task: Task) -> None:
        self.url, self.target, self.max_bytes, self.task = url, target, max_bytes, task
        self.part = partial / f"{target.name}.part"
        self.part_note = partial / f"{target.name}.part.json"
        self.note = target.with_name(f"{target.name}.note.json")
        self.hash = hashlib.sha256()
        self.size = 0
        self.transferred = 0
        self.reported = 0

    def attempt(self, client: httpx.Client, known: str | None) -> bool:
        """One request, from where the part file ends; False if the server has only what is `known`, by its validator.

        Raises:
            _TryAgainError: the connection broke, or the server is in passing trouble.
            SourceError: refused for good.
        """
        validator = self._resume()
        headers = {"Range": f"bytes={self.size}-", "If-Range": validator} if validator else {}
        if known and not validator:
            headers = {"If-None-Match" if '"' in known else "If-Modified-Since": known}
        try:
            with client.stream("GET", self.url, headers=headers) as response:
                if response.status_code == 304:
                    return False
                self._check(response)
                self._receive(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol):
            raise
        except httpx.TransportError as error:
            raise _TryAgainError(str(error) or type(error).__name__) from error
        return True

    def _resume(self) -> str | None:
        """Take up the part file; returns what proves that it is still the same file, or None to begin anew."""
        self.hash, self.size = hashlib.sha256(), 0
        note = _read(self.part_note)
        validator = note.get("validator")
        if note.get("url") != self.url or not validator or not self.part.exists():
            return None
        with self.part.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                self.hash.update(chunk)
                self.size += len(chunk)
        return str(validator) if self.size else None

    def _check(self, response: httpx.Response) -> None:
        status = response.status_code
        if self.url.startswith("https:") and response.url.scheme != "https":
            raise SourceError(f"cannot download {self.url}", cause=f"redirected to {response.url}, which is not https")
        if status == 416:
            self.part.unlink(missing_ok=True)
            raise _TryAgainError("the server refused to resume")
        if status in _PASSING:
            raise _TryAgainError(f"the server answered {status} {response.reason_phrase}")
        if status not in (200, 206):
            raise SourceError(
                f"cannot download {self.url}", cause=f"the server answered {status} {response.reason_phrase}"
            )
        if status == 200:
            self.hash, self.size = hashlib.sha256(), 0
        elif not response.headers.get("content-range", "").startswith(f"bytes {self.size}-"):
            self.part.unlink(missing_ok=True)
            raise _TryAgainError("the server resumed at another place than asked")
        self._report()
        length = response.headers.get("content-length", "")
        if length.isdigit():
            self.task.update(total=self.size + int(length))
            if self.size + int(length) > self.max_bytes:
                self._too_large()

    def _receive(self, response: httpx.Response) -> None:
        etag = response.headers.get("etag", "")
        validator = response.headers.get("last-modified") if not etag or etag.startswith("W/") else etag
        with self.part.open("ab" if self.size else "wb") as stream:
            write_atomically(self.part_note, json.dumps({"url": self.url, "validator": validator}))
            for chunk in response.iter_raw():
                if self.size + len(chunk) > self.max_bytes:
                    self._too_large()
                stream.write(chunk)
                self.hash.update(chunk)
                self.size += len(chunk)
                self.transferred += len(chunk)
                self._report()

    def _report(self) -> None:
        """Tell the task how much is there; what an earlier run left counts, what is begun anew is taken back."""
        self.task.advance(self.size - self.reported)
        self.reported = self.size

    def _too_large(self) -> None:
        self.part.unlink(missing_ok=True)
        raise SourceError(
            f"cannot download {self.url}", cause=f"larger than {self.max_bytes:,} bytes, the source's max_bytes"
        )

    def whole(self) -> Download | None:
        """The file from an earlier run, if it is still what was downloaded then."""
        note = _read(self.note)
        try:
            if note.get("url") != self.url or self.target.stat().st_size > self.max_bytes:
                return None
            digest = file_sha256(self.target)
        except OSError:
            return None
        return Download(self.target, digest, 0) if digest == note.get("sha256") else None

    def validator(self) -> str | None:
        """What the server called the version that is there: its ETag, or when it was last modified."""
        validator = _read(self.note).get("validator")
        return str(validator) if validator else None

    def publish(self) -> Download:
        """Bring the file to where it stays, and note what it is."""
        if not self.size:
            raise SourceError(f"cannot download {self.url}", cause="the file is empty")
        move(self.part, self.target)
        digest = self.hash.hexdigest()
        note = {"url": self.url, "sha256": digest, "validator": _read(self.part_note).get("validator")}
        write_atomically(self.note, json.dumps(note))
        self.part_note.unlink(missing_ok=True)
        return Download(self.target, digest, self.transferred)


def _read(note: Path) -> dict[str, object]:
    """What a note says: nothing, if it is not there or damaged."""
    try:
        content = json.loads(note.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
