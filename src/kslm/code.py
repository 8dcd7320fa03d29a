"""Which code this is: a hash of the source of parts of the package, for what must be made anew when it changes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import xxhash


@cache
def code_hash(rooms: tuple[str, ...]) -> str:
    """Hash of the source of these packages and modules of kslm, and of the data they are shipped with."""
    here = Path(__file__).parent
    digest = xxhash.xxh3_128()
    for room in rooms:
        module = here / f"{room}.py"
        for file in [module] if module.exists() else sorted(_source_files(here / room)):
            digest.update(str(file.relative_to(here)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _source_files(folder: Path) -> Iterator[Path]:
    return (path for suffix in ("py", "yml") for path in folder.rglob(f"*.{suffix}"))
