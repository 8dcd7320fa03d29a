"""Which tests `make check` runs."""

from __future__ import annotations

import pytest

import changed


@pytest.fixture
def tests(tmp_path):
    files = {
        "test_report.py": "",
        "test_notebooks.py": "",
        "curate/test_curate_text.py": "import landed\n",
        "curate/instruct/test_instruct_tables.py": "from landed import build_home\n",
        "curate/conftest.py": "",
        "sources/test_sources_logs_templates.py": "",
        "landed.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("src/kslm/report.py", ["test_report.py"]),
        ("src/kslm/curate/text.py", ["curate/test_curate_text.py"]),
        ("src/kslm/curate/instruct/tables.py", ["curate/instruct/test_instruct_tables.py"]),
        ("src/kslm/curate/instruct/phrasings.yml", ["curate/instruct"]),
        ("src/kslm/curate/gold.py", ["curate"]),
        ("src/kslm/sources/logs/templates.py", ["sources/test_sources_logs_templates.py"]),
        ("src/kslm/sources/logs/__init__.py", ["sources"]),
        ("src/kslm/errors.py", []),
        ("notebooks/tour.py", ["test_notebooks.py"]),
        ("tests/curate/test_curate_text.py", ["curate/test_curate_text.py"]),
        ("tests/curate/test_curate_gone.py", []),
        ("tests/curate/conftest.py", ["curate"]),
        ("tests/conftest.py", []),
        ("tests/landed.py", ["curate/instruct/test_instruct_tables.py", "curate/test_curate_text.py"]),
        ("README.md", []),
    ],
)
def test_a_changed_file_has_tests(tests, path, found):
    assert changed.tests_of([path], tests) == found


def test_what_a_folder_holds_is_not_run_twice(tests):
    paths = ["src/kslm/curate/gold.py", "src/kslm/curate/text.py", "src/kslm/report.py"]
    assert changed.tests_of(paths, tests) == ["curate", "test_report.py"]


def test_every_file_that_differs_is_known():
    assert "tests/no_such_file.py" not in changed.changed("main")
    assert all("\n" not in path for path in changed.changed("no-such-branch"))
