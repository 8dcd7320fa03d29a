"""Calls, in source, that write otherwise than from start to end, map a file, lock, or link."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ANYWHERE = frozenset(
    (
        "FileLock", "NamedTemporaryFile", "ParquetWriter", "SpooledTemporaryFile", "TemporaryDirectory",
        "TemporaryFile", "TrainingArguments", "ZipFile", "chmod", "chown", "copy2", "copymode", "copystat", "copytree",
        "download_artifacts", "fchmod", "flock", "ftruncate", "hardlink_to", "lchmod", "lockf", "make_archive",
        "memmap", "mkdtemp", "mkstemp", "mmap", "quantize_dynamic", "rename", "renames", "save_file", "save_model",
        "save_pretrained", "savefig", "symlink_to", "truncate", "write_dataset", "write_table",
    )
)  # fmt: skip
"""Names that say it, on whatever they are called."""
OF_MODULES = {
    "link": {"os"},
    "symlink": {"os"},
    "mknod": {"os"},
    "copy": {"shutil"},
    "move": {"shutil"},
    "connect": {"sqlite3"},
    "save": {"np", "numpy", "onnx", "torch"},
    "savez": {"np", "numpy"},
    "open_memmap": {"np", "format"},
}
"""Names that say it as these modules' functions."""


def found(path: Path) -> Iterator[str]:
    """Names of such calls in one file, each as often as it occurs."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ANYWHERE or _of(node, OF_MODULES.get(name, set())) or (name == "replace" and _of_a_path(node)):
                yield name
            elif name == "open" and (mode := _mode(node)):
                yield f"open {mode}"


def _of(node: ast.Call, modules: set[str]) -> bool:
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    return getattr(owner, "id", getattr(owner, "attr", None)) in modules


def _of_a_path(node: ast.Call) -> bool:
    """A path's takes one argument, os.replace two; a text's takes two, a date's and a dataclass's have names."""
    return _of(node, {"os"}) or (isinstance(node.func, ast.Attribute) and len(node.args) == 1 and not node.keywords)


def _mode(node: ast.Call) -> str:
    """What a file is opened for, if it is for appending, or for reading and writing; "" otherwise."""
    flags = {part.attr for argument in node.args for part in ast.walk(argument) if isinstance(part, ast.Attribute)}
    if wrong := flags & {"O_APPEND", "O_RDWR"}:
        return " ".join(sorted(wrong))
    given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
    texts = [part.value for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return next((text for text in texts if set(text) <= set("rwaxbt+") and set(text) & set("a+")), "")
