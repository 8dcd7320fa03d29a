import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.refine.sections import MAX_CONTEXT, parts, split
from kslm.kinds import of

KINDS = ("rst", "text", "man", "html", "dts", "c", "kconfig", "log")
LINES = st.sampled_from(
    [
        "Title",
        "=====",
        "-----",
        "NAME",
        "   Sub",
        "# One",
        "## Two",
        "soc {",
        "\tuart@0 {",
        "",
        "",
        "some words here",
        "x" * 90,
    ]
)
TEXTS = st.lists(LINES, max_size=60).map(lambda lines: "\n".join(lines).strip("\n"))


def dense(text):
    return "".join(text.split())


@given(st.sampled_from(KINDS), TEXTS, st.integers(200, 600))
def test_nothing_is_lost_but_blanks_at_cuts(kind, text, limit):
    found = parts(of(kind), text, min_chars=20, max_chars=limit) if len(text) > limit else []
    assert dense("".join(part.body for part in found)) == (dense(text) if found else "")
    whole = split(of(kind), text, min_chars=20, max_chars=limit)
    assert all(len(part) <= limit for part in whole)
    if len(text) <= limit:
        assert whole == [text]


@given(st.sampled_from(KINDS), st.text(max_size=2000))
def test_any_text_is_kept(kind, text):
    found = parts(of(kind), text, min_chars=20, max_chars=300)
    assert dense("".join(part.body for part in found)) == dense(text)
    assert all(len(part) <= 300 for part in split(of(kind), text, min_chars=20, max_chars=300))


def body(word, lines=12):
    return "\n".join([f"{word} is a word of this section."] * lines)


def test_rst_parts_begin_at_sections_and_say_where_they_are():
    text = (
        f"Guide\n=====\n\nFirst\n-----\n{body('one')}\n\nSecond\n------\n{body('two')}\n\nThird\n-----\n{body('three')}"
    )
    found = split(of("rst"), text, min_chars=50, max_chars=600)
    assert [part.split("\n")[0] for part in found] == ["Guide", "[Guide]", "[Guide]"]
    assert found[1].startswith("[Guide]\nSecond\n------\n")


def test_overline_belongs_to_its_title():
    text = f"{body('intro', 20)}\n\n=====\nGuide\n=====\n{body('one', 20)}"
    found = split(of("rst"), text, min_chars=50, max_chars=900)
    assert found[1].startswith("=====\nGuide\n=====")


def test_manual_sections():
    text = (
        f"tool(8)\n\nNAME\n       tool - does\n\nOPTIONS\n   Common\n{body('option', 15)}\n   Rare\n{body('rare', 15)}"
    )
    found = split(of("man"), text, min_chars=50, max_chars=700)
    assert found[0].startswith("tool(8)\n\nNAME")
    assert found[-1].startswith("[tool(8) — OPTIONS]\n   Rare\n")


def test_markdown_headings_and_device_tree_nodes():
    page = f"# Top\n{body('a', 15)}\n## Low\n{body('b', 15)}"
    assert split(of("html"), page, min_chars=50, max_chars=700)[1].startswith("[Top]\n## Low\n")
    tree = "/ {\n" + "".join(f"\tnode{n} {{\n" + "\t\treg = <0 1>;\n" * 20 + "\t};\n" for n in range(4)) + "};"
    found = split(of("dts"), tree, min_chars=50, max_chars=800)
    assert len(found) > 1
    assert all("node" in part.split("\n")[1] or "node" in part.split("\n")[0] for part in found)


def test_a_long_title_is_cut_to_its_room():
    text = f"# {'long ' * 28}\n{body('a', 10)}\n## Low\n{body('b', 15)}"
    first = split(of("html"), text, min_chars=50, max_chars=700)[1].split("\n")[0]
    assert len(first) < MAX_CONTEXT
    assert first.endswith("…]")


@pytest.mark.parametrize("kind", ["text", "c", "rst"])
def test_no_short_tail(kind):
    text = "\n\n".join([f"Paragraph {number} of some twenty words." for number in range(20)] + ["End."])
    cut = len(text) - 3 if kind == "c" else len(text) - 1
    found = split(of(kind), text, min_chars=50, max_chars=cut)
    assert len(found) == 2
    assert min(map(len, found)) >= 50
