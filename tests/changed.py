"""The tests of what differs from a branch, the working tree included: `python tests/changed.py [main]`.

A source file's tests are those of its name (`curate/text.py`: `test_curate_text.py`), else those of its folder; a
helper's are those that import it. What only the whole suite can tell (that engines agree, that stages fit) is not here.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
ELSEWHERE = {
    "notebooks": "test_notebooks.py",
    "resources": "test_bundle.py",
    "jobs": "test_bundle.py",
    "databricks.yml": "test_bundle.py",
    "conf": "test_settings.py",
    "benchmarks": "test_fuzz_readers.py",
}


def changed(base: str) -> list[str]:
    """Paths that differ from where the branch left `base` (or from the last commit, where there is no such branch)."""
    known = subprocess.run(["git", "merge-base", base, "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    since = known.stdout.strip() or "HEAD"
    told = [
        subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for command in (["diff", "--name-only", since], ["ls-files", "--others", "--exclude-standard"])
    ]
    return sorted({line for text in told for line in text.splitlines()})


def tests_of(paths: Iterable[str], tests: Path) -> list[str]:
    """Test files and folders to run for changed paths, relative to `tests`."""
    found: set[Path] = set()
    for path in map(PurePosixPath, paths):
        if path.parts[:2] == ("src", "kslm") and len(path.parts) > 2:
            found.update(_of_source(path.with_suffix("").parts[2:], tests))
        elif path.parts[0] == "tests" and path.suffix == ".py":
            found.update(_of_test(tests.joinpath(*path.parts[1:]), tests))
        elif path.parts[0] in ELSEWHERE:
            found.add(tests / ELSEWHERE[path.parts[0]])
    there = {path for path in found if path.exists()}
    return sorted(str(path.relative_to(tests)) for path in there if there.isdisjoint(path.parents))


def _of_source(parts: tuple[str, ...], tests: Path) -> set[Path]:
    parts = parts[:-1] if parts[-1] == "__init__" else parts
    names = {"test_" + "_".join(parts[first:]) + ".py" for first in range(len(parts))}
    mirrors = {path for path in tests.rglob("test_*.py") if path.name in names}
    folders = [tests.joinpath(*parts[:end]) for end in range(len(parts), 0, -1)]
    return mirrors or set([path for path in folders if path.is_dir()][:1])


def _of_test(path: Path, tests: Path) -> set[Path]:
    if path.name.startswith("test_"):
        return {path}
    if path.name == "conftest.py":
        return {path.parent} - {tests}
    imports = re.compile(rf"^\s*(?:import|from) {re.escape(path.stem)}\b", re.MULTILINE)
    return {test for test in tests.rglob("test_*.py") if imports.search(test.read_text("utf-8"))}


if __name__ == "__main__":
    print(*(f"tests/{name}" for name in tests_of(changed(*sys.argv[1:] or ["main"]), ROOT / "tests")))
