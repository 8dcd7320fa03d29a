"""Which code this is: a hash of the syntax of parts of the package, for what must be made anew when it changes.

Comments, docstrings and layout decide nothing, so they are not part of it; files that are shipped as data are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import xxhash

_HERE = Path(__file__).parent


@cache
def code_hash(rooms: tuple[str, ...]) -> str:
    """Hash of what these packages and modules of kslm do, and of the data they are shipped with.

    Args:
        rooms: names below kslm: `curate`, `sources.man`, `prompt`.
    """
    digest = xxhash.xxh3_128()
    for room in rooms:
        place = _HERE.joinpath(*room.split("."))
        module = place.with_suffix(".py")
        for file in [module] if module.exists() else sorted(_files_below(place)):
            digest.update(f"{file.relative_to(_HERE)}\0{_file_hash(file)}\0".encode())
    return digest.hexdigest()


def versions(libraries: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of distributions; those that are not installed are left out."""
    installed = {}
    for name in libraries:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


@cache
def _file_hash(file: Path) -> str:
    raw = file.read_bytes()
    if file.suffix != ".py":
        return xxhash.xxh3_128_hexdigest(raw)
    return xxhash.xxh3_128_hexdigest("\0".join(_syntax(ast.parse(raw))).encode())


def _syntax(node: ast.AST) -> Iterator[str]:
    """The tree in pre-order, without docstrings and empty fields: the same on every version of Python that reads it."""
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        for item in value if isinstance(value, list) else [value]:
            if name == "body" and _is_docstring(item):
                continue
            if isinstance(item, ast.AST):
                yield f"<{name}"
                yield from _syntax(item)
                yield ">"
            elif item is not None and name not in ("ctx", "kind", "type_comment"):
                yield f"{name}={item!r}"


def _is_docstring(statement: object) -> bool:
    """A string by itself, wherever it stands: attributes are documented that way as well."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _files_below(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
