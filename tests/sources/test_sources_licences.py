import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kslm.sources.licences import normalised


@pytest.mark.parametrize(
    ("expression", "normal"),
    [
        ("gpl-2.0+", "GPL-2.0-or-later"),
        ("(LGPL-2.1 with Linux-syscall-note)", "LGPL-2.1-only WITH Linux-syscall-note"),
        ("(MIT or ISC) or MIT", "ISC OR MIT"),
        ("MIT OR ISC AND Zlib", "MIT OR (ISC AND Zlib)"),
        ("LicenseRef-own", "LicenseRef-own"),
        ("", None),
        ("GPL-2.0 and", None),
        ("see COPYING", None),
        ("( ) (", None),
        ("( or v2", None),
    ],
)
def test_expressions_have_one_form(expression: str, normal: str | None) -> None:
    assert normalised(expression) == normal


WORDS = ["MIT", "GPL-2.0+", "own", "or", "AND", "with", "(", ")", "Linux-syscall-note", "-", "é"]


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS)).map(" ".join)))
def test_any_text_gives_its_form_or_none(text: str) -> None:
    found = normalised(text)
    assert found is None or normalised(found) == found


def test_many_threads_that_begin_at_once_all_get_the_answer():
    """In a process of its own, whose library has not been asked before."""
    script = (
        "import sys; sys.setswitchinterval(1e-6)\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from threading import Barrier\n"
        "from kslm.sources.licences import licensing, normalised\n"
        "licensing()\n"
        "barrier = Barrier(8)\n"
        "def one(number):\n"
        "    barrier.wait()\n"
        "    return normalised('GPL-2.0 OR MIT' + ' ' * number)\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    print({*pool.map(one, range(8))})\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told == "{'GPL-2.0-only OR MIT'}\n"
