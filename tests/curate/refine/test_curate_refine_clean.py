import re

from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.refine.clean import clean, split

ROUGH = st.text(alphabet=st.sampled_from("ab c\n\r\t\x00\x08\x0c\x1b\u2028\ufeff\ud800é漢"), max_size=80)


def test_line_ends_blanks_and_control_characters():
    assert clean("a \r\nb\t\rc\x00\x07d\n\n\n\n\n\ne\n") == "a\nb\ncd\n\n\ne"


def test_overstruck_bold_of_manual_pages():
    assert clean("N\x08NA\x08AME") == "NAME"


def test_indentation_and_special_token_text_survive():
    text = "\tint x;\n  <|endoftext|> is text here"
    assert clean(text) == text


@given(ROUGH)
def test_clean_is_idempotent_and_encodes(text):
    once = clean(text)
    assert clean(once) == once
    once.encode()
    assert not re.search(r"[ \t]\n|\n{4}|\r|\x00", once)


PARAGRAPHS = st.text(alphabet=st.sampled_from("ab \n"), max_size=400)


@given(PARAGRAPHS, st.integers(1, 60))
def test_split_keeps_every_word_character_within_the_limit(text, limit):
    parts = split(text, limit)
    assert all(len(part) <= limit for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_split_prefers_paragraphs_then_lines_then_blanks():
    assert split("aaa aaa\n\nbbb\n\nccc", 13) == ["aaa aaa\n\nbbb", "ccc"]
    assert split("aaaa\nbbbb\ncccc", 9) == ["aaaa\nbbbb", "cccc"]
    assert split("aaaa bbbb cccc", 9) == ["aaaa bbbb", "cccc"] or split("aaaa bbbb cccc", 9) == ["aaaa", "bbbb cccc"]
    assert split("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_split_of_one_huge_line_is_quick():
    assert len(split("word " * 1_000_000, 100_000)) in (50, 51)
