from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.kernel.abi import Stanza, extract, parse

TEXT = """\
What:		/sys/bus/foo/bind
What:		/sys/bus/foo/unbind
		/sys/bus/foo/rebind
Date:		December 2003
Contact:	A Person <a@example.org>
Description:
		Writing binds.  For example::

			# echo 1 > bind

		Note: not twice.
Users:		foo-tool <b@example.org>

what:		/sys/x
KernelVersion:	v4.19
Description:	Reads x:
		0 or 1.
Values:		0, 1
What:		/sys/empty
Contact:	nobody
"""


def test_stanzas_without_people() -> None:
    assert list(parse(TEXT)) == [
        Stanza(
            ("/sys/bus/foo/bind", "/sys/bus/foo/unbind", "/sys/bus/foo/rebind"),
            "December 2003",
            "",
            "Writing binds.  For example::\n\n        # echo 1 > bind\n\nNote: not twice.",
        ),
        Stanza(("/sys/x",), "", "v4.19", "Reads x:\n                0 or 1.\nValues:         0, 1"),
    ]


def test_text_of_a_file() -> None:
    assert extract(TEXT).startswith(
        "/sys/bus/foo/bind\n/sys/bus/foo/unbind\n/sys/bus/foo/rebind\nSince December 2003.\nWriting binds."
    )
    assert "\n\n/sys/x\nSince kernel 4.19.\nReads x:" in extract(TEXT)
    assert "example.org" not in extract(TEXT)
    assert extract("This folder\nholds files.\n") == "This folder\nholds files."


LINES = st.sampled_from(["What: /sys/a", "Description:", "\tSome text.", "Contact: a@b", "", "Users: c@d", "Date: now"])


@given(st.lists(LINES).map("\n".join) | st.text())
def test_any_text_gives_stanzas_with_paths_and_descriptions(text: str) -> None:
    for stanza in parse(text):
        assert stanza.what and all(stanza.what) and stanza.description == stanza.description.strip() != ""
    assert "@" in text or "@" not in extract(text)


@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.text(alphabet="abc xyz", min_size=1).map(str.strip).filter(bool)), min_size=1
    )
)
def test_every_description_comes_back(pairs: list[tuple[int, str]]) -> None:
    text = "\n".join(f"What:\t/sys/{number}\nContact: x\nDescription:\t{words}\n" for number, words in pairs)
    assert [(stanza.what, stanza.description) for stanza in parse(text)] == [((f"/sys/{n}",), w) for n, w in pairs]
