"""Templates: masks, what Drain makes of them, and parameters that give the message back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.logs.templates import MAX_TOKENS, Miner, Template, fill, mask, parameters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("usb 1-1.2: device number 4", "usb <NUM>-<NUM>: device number <NUM>"),
        ("pci 0000:00:1f.2: [8086:1533] at 0xfe00", "pci <PCI>: [<ID>] at <HEX>"),
        ("from 203.0.113.9:22, version 6.1.0-56", "from <IP>:<NUM>, version <NUM>-<NUM>"),
        ("mac 52:54:00:12:34:56 id 123e4567-e89b-12d3-a456-426614174000", "mac <MAC> id <UUID>"),
        ("<user-1> at <host-2> opened /var/log/x-1.log (12kB, 3ms)",
         "<PSEUDONYM> at <PSEUDONYM> opened <PATH> (<NUM>kB, <NUM>ms)"),
        ("eth0, sda1, x86_64, and/or, deadbeef00 facade", "eth0, sda1, x86_64, and/or, <HEX> facade"),
        ("[   12.345678] x", "[   <NUM>] x"),
    ],
)  # fmt: skip
def test_masks(text, expected):
    assert mask(text) == expected


def mined(messages, **options):
    miner = Miner(**options)
    return miner, [miner.add(tag, message) for tag, message in messages]


def test_programs_have_templates_of_their_own_and_words_that_vary_become_holes():
    users = ["ann", "bob", "eve"]
    messages = [("sshd", f"session opened for user {name} by root") for name in users]
    messages += [("cron", "session opened for user ann by root")]
    miner, numbers = mined(messages)
    assert miner.templates() == [
        Template("cron", "session opened for user ann by root", 1),
        Template("sshd", "session opened for user <*> by root", 3),
    ]
    texts = [miner.template(number)[1] for number in numbers]
    found = [parameters(message, text) for (_, message), text in zip(messages, texts, strict=True)]
    assert found == [["ann"], ["bob"], ["eve"], []]


def test_the_first_line_counts_and_long_messages_end_in_a_rest():
    miner, (one, two) = mined([(None, "Oops: 0000\nRIP: f"), (None, " ".join(f"w{n}" for n in range(200)))])
    assert miner.template(one)[1] == "Oops: <NUM>"
    text = miner.template(two)[1]
    assert (len(text.split()), text[-7:]) == (MAX_TOKENS, " <REST>")
    assert parameters(" ".join(f"w{n}" for n in range(200)), text)[-1].startswith("w63 w64")


def test_the_bound_on_templates_holds_and_known_ones_still_match():
    messages = [(f"tag{n}", f"message about thing {n}") for n in range(20)]
    miner, numbers = mined([*messages, messages[0], ("tag1", "something else entirely said now")], max_templates=5)
    assert [number is None for number in numbers] == [False] * 5 + [True] * 15 + [False, True]
    assert (len(miner.templates()), miner.unmatched) == (5, 16)


WORDS = st.sampled_from(
    ["usb", "1-1:", "0x1f", "10.0.0.1", "<NUM>", "<*>", "<REST>", "/a/b", "é", "<user-1>", "\t", "\x1c", "a=5,b=6"]
)


@given(
    st.lists(
        st.tuples(st.sampled_from([None, "a", "b"]), st.lists(WORDS | st.text(max_size=6), max_size=8).map(" ".join))
    )
)
def test_template_and_parameters_give_the_message_back_and_mining_is_repeatable(messages):
    miner, numbers = mined(messages)
    for (tag, message), number in zip(messages, numbers, strict=True):
        of_tag, text = miner.template(number)
        assert of_tag == tag
        assert fill(text, parameters(message, text)) == " ".join(message.partition("\n")[0].split())
    assert sum(one.events for one in miner.templates()) == len(messages)
    assert mined(messages)[0].templates() == miner.templates()


PIECES = ["<", "/", ":", "-", ".", " ", "\t", "\xa0", "0x1f", "12345678", "7", "abcdef", "deadbeef1", "<NUM>",
          "<user-1>", "[8086:1234]", "aa:bb:cc:dd:ee:ff", "0000:00:1f.2", "1.2.3.4", "/usr/bin/x", "kB", "=", "é", "²",
          "٣"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=80))
def test_a_line_is_masked_word_by_word(line):
    line = line.partition("\n")[0]
    miner = Miner()
    number = miner.add("x", line)
    assert miner.template(number)[1].split() == mask(line).split()
