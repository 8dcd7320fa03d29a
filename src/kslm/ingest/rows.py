"""Records of the readers as rows of bronze.

Identities are hashes of what a thing is, not of when it was read, so a second run gives the same rows. Logs and
snapshots are redacted here: personal data must not even reach bronze.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import xxhash

from kslm.lake.tables import FILES
from kslm.outputs import FetchedSource
from kslm.redact import Pseudonyms, is_system_account, redact
from kslm.sources.logs import snapshot
from kslm.sources.logs.snapshot_fields import fields_of
from kslm.sources.logs.templates import Miner, Template, parameters
from kslm.sources.records import Bad, ConfigSymbol, DeviceId, KernelModule, LogEvent, SnapshotSection

Row = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """What every row of one source shares."""

    source: str
    version: str | None
    licence: str | None
    sha256: str
    ingested_at: str


def identity(*parts: object) -> str:
    """XXH3-128 of the parts, as 32 hexadecimal digits; None and "" differ."""
    encoded = (b"\x01" if part is None else str(part).encode("utf-8", "surrogatepass") for part in parts)
    return xxhash.xxh3_128_hexdigest(b"\x00".join(encoded))


def document_id(source: str, path: str, content: bytes) -> str:
    """XXH3-128 of source, path and content, as 32 hexadecimal digits."""
    return xxhash.xxh3_128_hexdigest(b"\x00".join((source.encode(), path.encode(), content)))


def device_row(record: DeviceId, origin: Origin) -> Row:
    """A row of bronze.pci_ids or bronze.usb_ids."""
    key = identity(record.level, record.vendor, record.device, record.subvendor, record.subdevice)
    return {"row_id": key, **asdict(record), "version": origin.version, "sha256": origin.sha256}


def module_row(record: KernelModule, origin: Origin) -> Row:
    """A row of bronze.modules."""
    row = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(record).items()}
    return row | {
        "parameters": list(dict(record.parameters).items()),
        "version": origin.version,
        "sha256": origin.sha256,
    }


def file_row(source: FetchedSource, origin: Origin) -> Row:
    """A row of bronze.files for a source that is one package, or none."""
    return source.model_dump(include={*FILES.columns}) | {"source": origin.source}


def symbol_row(record: ConfigSymbol, path: str, doc_id: str, origin: Origin) -> Row:
    """A row of bronze.config_symbols; `path` and `doc_id` are its file's."""
    return record._asdict() | {
        "symbol_id": identity(origin.source, path, record.line, record.name),
        "doc_id": doc_id,
        "source": origin.source,
        "path": path,
        "version": origin.version,
    }


def document_row(path: str, kind: str, text: str, origin: Origin) -> Row:
    """A row of bronze.documents for a document of this process."""
    content = text.encode("utf-8")
    return {
        "doc_id": document_id(origin.source, path, content),
        "source": origin.source,
        "path": path,
        "kind": kind,
        "version": origin.version,
        "licence": origin.licence,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "text": text,
        "ingested_at": origin.ingested_at,
    }


def event_row(record: LogEvent, path: str, number: int, names: Pseudonyms, origin: Origin) -> Row:
    """A row of bronze.log_events, redacted; `number` is the event's position in its file, from 0."""
    if record.host:
        names.know("host", record.host)
    tag = record.tag
    if tag and not _says_nothing(tag):
        tag = redact(tag, pseudonyms=names, machine=True).text
    return vars(record) | {
        "event_id": identity(origin.source, path, number),
        "source": origin.source,
        "path": path,
        "host": names.pseudonym("host", record.host) if record.host else None,
        "tag": tag,
        "message": redact(record.message, pseudonyms=names, machine=True).text,
        "sha256": origin.sha256,
    }


@lru_cache(maxsize=4096)
def _says_nothing(tag: str) -> bool:
    """Whether there is nothing to redact in a tag: a log has few of them, many times."""
    return redact(tag, machine=True).count == 0


def mine(row: Row, miner: Miner) -> str | None:
    """Have a row's redacted message mined; the number of its template so far, to be given to `Finals`."""
    is_kernel = row["tag"] is None and row["format"].startswith(("dmesg", "kmsg"))
    number = miner.add("kernel" if is_kernel else row["tag"], row["message"])
    return None if number is None else str(number)


class Finals:
    """The columns template_id and parameters of events, once all have been mined."""

    def __init__(self, miner: Miner, origin: Origin) -> None:
        self._miner = miner
        self._origin = origin
        self._known: dict[str, tuple[str, str]] = {}

    def of(self, number: str | None, message: str) -> tuple[str | None, list[str] | None]:
        """Both columns of the event with this message, `number` being what `mine` said of it."""
        if number is None:
            return None, None
        if number not in self._known:
            tag, text = self._miner.template(int(number))
            self._known[number] = (identity("template", self._origin.source, tag, text), text)
        template_id, text = self._known[number]
        return template_id, parameters(message, text)


def template_row(template: Template, origin: Origin) -> Row:
    """A row of bronze.log_templates."""
    return {
        "template_id": identity("template", origin.source, template.tag, template.text),
        "source": origin.source,
        "tag": template.tag,
        "template": template.text,
        "events": template.events,
    }


def section_row(record: SnapshotSection, path: str, names: Pseudonyms, origin: Origin) -> Row:
    """A row of bronze.system_snapshots; its fields are those of the redacted text, so that they say no more than it.

    The timestamp is in ISO 8601 where it could be read, and as written otherwise.
    """
    text = redact(_without_users(record, names), pseudonyms=names, machine=True).text
    return asdict(record) | {
        "snapshot_id": identity(origin.source, path),
        "timestamp": snapshot.moment(record.timestamp) or record.timestamp,
        "fields": list(fields_of(record.section, text).items()),
        "text": text,
        "path": path,
        "sha256": origin.sha256,
    }


def _without_users(record: SnapshotSection, names: Pseudonyms) -> str:
    """The text with the users of `ps aux` replaced: nothing around a name there says that it is one."""
    if record.section != "process_list":
        return record.text
    lines = []
    for line in record.text.split("\n"):
        user, blank, rest = line.partition(" ")
        is_heading = not rest.split(None, 1)[:1] or not rest.split(None, 1)[0].isdigit()
        if is_heading or is_system_account(user):
            lines.append(line)
        else:
            names.know("user", user)
            lines.append(f"{names.pseudonym('user', user)}{blank}{rest}")
    return "\n".join(lines)


def quarantine_row(bad: Bad, origin: Origin) -> Row:
    """A row of bronze.quarantine; the sample is redacted as a machine's own, because a damaged log is a log."""
    return {
        "source": origin.source,
        "path": bad.path,
        "offset": bad.offset,
        "reason": bad.reason,
        "bytes": bad.size,
        "sample": redact(bad.sample, machine=True).text,
        "sha256": origin.sha256,
    }
