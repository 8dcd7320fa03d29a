"""Published variants: artefacts/<run>/<variant>/, each described by a manifest.json that is written last.

A folder without a valid manifest is half-written and is built again; a folder with one is what the manifest says,
byte for byte. Files are copied to their final names (a Volume has no cheap rename), so only the manifest decides.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from kslm.published import write_atomically

MANIFEST = "manifest.json"


def file_sha256(path: Path) -> str:
    """Hexadecimal sha256 of one file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def content_id(*parts: Any) -> str:
    """Identity of what a variant is made of (weights, tokenizer, recipe, tool versions): 32 hexadecimal digits."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def publish(staged: Path, folder: Path, description: dict[str, Any]) -> dict[str, Any]:
    """Copy a finished build to `folder` and describe it; replaces whatever stood there.

    Args:
        staged: folder of plain files.
        description: what the manifest says beside the files: content_id, variant, lineage ...

    Returns:
        The manifest: `description`, `files` (name to bytes and sha256), `bytes` in all and `metrics` (still empty).
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(p for p in staged.rglob("*") if p.is_file()):
        name = str(path.relative_to(staged))
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
        files[name] = {"bytes": path.stat().st_size, "sha256": file_sha256(folder / name)}
    total = sum(record["bytes"] for record in files.values())
    manifest = {**description, "files": files, "bytes": total, "metrics": {}}
    write_manifest(folder, manifest)
    return manifest


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest atomically."""
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))


def current(folder: Path, identity: str | None = None) -> dict[str, Any] | None:
    """The manifest of a whole, unaltered artefact, or None.

    Args:
        identity: the content_id it must carry; None accepts any.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        whole = all(
            (folder / name).stat().st_size == record["bytes"] and file_sha256(folder / name) == record["sha256"]
            for name, record in manifest["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return manifest if whole and identity in (None, manifest.get("content_id")) else None
