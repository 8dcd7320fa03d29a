"""tokens/latest.json: which fingerprint is each profile's newest.

Whoever updates it holds the home's lock, so read, change, replace is enough.
"""

from __future__ import annotations

import json
from pathlib import Path

from kslm.errors import DataError
from kslm.published import write_atomically


def publish_latest(tokens: Path, profile: str, fingerprint: str) -> None:
    """Name `fingerprint` the newest of `profile`; other profiles' entries stay."""
    entries = {**_read(tokens), profile: fingerprint}
    write_atomically(tokens / "latest.json", json.dumps(entries, indent=1, sort_keys=True))


def latest_folder(tokens: Path, profile: str) -> Path:
    """Folder of a profile's newest shards.

    Raises:
        DataError: the profile has none.
    """
    fingerprint = _read(tokens).get(profile)
    if fingerprint is None:
        raise DataError(
            f"no token shards of profile {profile!r} in {tokens}", remedy=f"kslm tokenize --profile {profile}"
        )
    return tokens / fingerprint


def _read(tokens: Path) -> dict[str, str]:
    path = tokens / "latest.json"
    try:
        entries = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DataError(f"{path} is not JSON", cause=str(error), remedy="delete it and run kslm tokenize") from None
    if not isinstance(entries, dict) or not all(isinstance(value, str) for value in entries.values()):
        raise DataError(f"{path} does not map profiles to fingerprints", remedy="delete it and run kslm tokenize")
    return entries
