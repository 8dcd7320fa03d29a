"""What this process, and those that it starts, do with a home that a Volume would refuse: seen by an audit hook.

Python's own calls raise audit events; what compiled writers do shows on a mount only (`volume_mount`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from volume_mount import is_local

HOME, SEEN = "VOLUME_RULES_HOME", "VOLUME_RULES_SEEN"


def environment(home: Path, folder: Path) -> dict[str, str]:
    """Variables with which a Python process watches itself; what it sees is written to folder/seen."""
    hooks = folder / "hooks"
    hooks.mkdir(parents=True, exist_ok=True)
    (hooks / "sitecustomize.py").write_text("import volume_rules\n\nvolume_rules.watch()\n")
    (folder / "seen").touch()
    paths = [str(hooks), str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {HOME: str(home), SEEN: str(folder / "seen"), "PYTHONPATH": os.pathsep.join(paths)}


def watch() -> None:
    """Write every violation below the home to the file that the environment names, from now on."""
    home = Path(os.environ[HOME])
    seen = os.open(os.environ[SEEN], os.O_WRONLY | os.O_APPEND)

    def below(path: Any) -> str | None:
        """A path, or a descriptor's, relative to the home; None if it is none, or a local engine's."""
        if isinstance(path, int):
            try:
                path = os.readlink(f"/proc/self/fd/{path}") if path >= 0 else None
            except OSError:
                return None
        if not isinstance(path, str | bytes | os.PathLike):
            return None
        whole = os.path.abspath(os.fsdecode(path))
        if not whole.startswith(f"{home}/") or is_local(whole.removeprefix(f"{home}/")):
            return None
        return whole.removeprefix(f"{home}/")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        find = _EVENTS.get(event)
        if find and (suspect := find(arguments)) and any((found := below(path)) for path in suspect):
            os.write(seen, f"{event} {found} {' '.join(sys.argv[:3])}\n".encode())

    sys.addaudithook(hook)


def _opened(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    path, _, flags = arguments
    return (path,) if flags & os.O_APPEND or flags & os.O_ACCMODE == os.O_RDWR else ()


def _renamed(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return arguments[:2] if os.path.isdir(arguments[0]) else ()


def _first(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return arguments[:1]


def _both(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    return arguments[:2]


_EVENTS: dict[str, Callable[[tuple[Any, ...]], tuple[Any, ...]]] = {
    "open": _opened,
    "os.rename": _renamed,
    "os.link": _both,
    "os.symlink": _both,
    **dict.fromkeys(
        ("os.chmod", "os.chown", "os.truncate", "fcntl.flock", "fcntl.lockf", "mmap.__new__", "sqlite3.connect"), _first
    ),
}
