"""Whether code counts as changed."""

from __future__ import annotations

import pytest

from kslm import code

SOURCE = '''"""A module."""

import os

LIMIT = 3
"""How many."""


def double(value: int, *, twice: bool = False) -> int:
    """Twice the value."""
    # Because.
    return f"{value * 2}" if twice else value
'''


@pytest.fixture
def hash_of(tmp_path, monkeypatch):
    """The hash of a package that holds one module of this text, and these other files."""
    monkeypatch.setattr(code, "_HERE", tmp_path)

    def hashed(text, **others):
        code.code_hash.cache_clear()
        code._file_hash.cache_clear()
        (tmp_path / "room").mkdir(exist_ok=True)
        (tmp_path / "room" / "module.py").write_text(text)
        for name, content in others.items():
            (tmp_path / "room" / name).write_text(content)
        return code.code_hash(("room",))

    yield hashed
    code.code_hash.cache_clear()
    code._file_hash.cache_clear()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A module.", "Another text."),
        ("How many.", "At most."),
        ("Twice the value.", "The value, twice."),
        ("# Because.", "# For another reason."),
        ("import os\n\n", "import os\n\n\n\n"),
    ],
)
def test_docstrings_comments_and_layout_decide_nothing(hash_of, before, after):
    assert before in SOURCE
    assert hash_of(SOURCE.replace(before, after)) == hash_of(SOURCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("LIMIT = 3", "LIMIT = '3'"),
        ("* 2", "+ 2"),
        ("twice: bool", "thrice: bool"),
        ("bool = False", "bool = True"),
        ("import os", "import sys"),
        ("if twice", "if not twice"),
        ("*, twice", "twice"),
    ],
)
def test_anything_that_is_run_decides(hash_of, before, after):
    assert before in SOURCE
    assert hash_of(SOURCE.replace(before, after)) != hash_of(SOURCE)


def test_data_that_is_shipped_decides(hash_of):
    assert len({hash_of(SOURCE), hash_of(SOURCE, **{"words.txt": "one"}), hash_of(SOURCE, **{"words.txt": "two"})}) == 3


def test_libraries_that_are_not_there_have_no_version():
    assert list(code.versions(("numpy", "no-such-library"))) == ["numpy"]
