"""What redaction promises whatever the text: same value, same stand-in; stable; linear time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear, repeated
from kslm.card.redaction import load_cases
from kslm.redact import Pseudonyms, redact
from kslm.redact import text as of_text

PIECES = [
    "joe@example.org", "192.0.2.7", "fe80::1", "52:54:00:12:34:56", "/home/joe", " user joe", "user=joe", "password=x1",
    "token=Zx81qP02mmAa77", "serial: AB12CD34", "root@box", ":", "@", "-", ".", " ", "\n", "<", ">", "1", "a",
    "<email-1>",
    "session opened for", " from ", "8f6c2c1e-7e0e-4d0a-9e0b-3a1d5b6c7d8e", "İ",
    "(at)", " dot ", "-10-105-160-95", "=", '"', "web01.example.lan", "kestrel", "Mar  4 07:12:55 kestrel sshd[1]: ",
    "server kestrel not responding", 'user "joe"', "node=", "host ", "$6$ab$" + "aB3d" * 10,
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=200)


kinds = st.booleans()


@given(texts, kinds)
def test_redacted_text_redacts_to_itself(text, machine):
    once = redact(text, machine=machine)
    assert redact(once.text, machine=machine).text == once.text
    assert (once.count == 0) == (once.text == text)


LITERALS = [detector.literal for detector in of_text._MACHINE_DETECTORS]
messages = st.lists(st.sampled_from([*PIECES, *LITERALS, *"0123456789"]), max_size=14).map("".join)


def spans_of_every_detector(text, machine):
    lowered = of_text._lowered(text)
    detectors = of_text._MACHINE_DETECTORS if machine else of_text._PUBLISHED_DETECTORS
    searched = [one for one in detectors if one.literal in (text if one.is_cased else lowered)]
    found = [span for one in searched for span in one.find(text, lowered)]
    return of_text._spans(text, found, Pseudonyms(), machine)


@given(messages | texts, kinds)
def test_what_is_left_out_for_a_message_would_have_found_nothing(text, machine):
    assert of_text.find(text, machine=machine) == spans_of_every_detector(text, machine)


def test_what_is_left_out_of_the_labelled_cases_would_have_found_nothing():
    for case in load_cases():
        for machine in (True, False):
            for text in (case.text, redact(case.text, machine=machine).text, case.text.upper()):
                assert of_text.find(text, machine=machine) == spans_of_every_detector(text, machine)


def test_labelled_cases_redact_to_themselves_once_redacted():
    for case in load_cases():
        once = redact(case.text, machine=case.machine).text
        assert redact(once, machine=case.machine).text == once


def test_what_is_left_out_depends_on_no_digit():
    for text in ("from 192.0.2.7 port 1", "a:b:c fe80::1 52:54:00:12:34:56", "x-10-105-160-95", "usb-a_12345678-1:0"):
        for other in (text, text.replace("0", "7"), text.replace("1", ""), text.upper()):
            for machine in (True, False):
                assert of_text.find(other, machine=machine) == spans_of_every_detector(other, machine)


def test_one_value_has_one_stand_in():
    result = redact("a@example.org b@example.org A@example.org\n192.0.2.7 192.0.2.9 192.0.2.7", machine=True)
    assert result.text == "<email-1> <email-2> <email-1>\n<ipv4-1> <ipv4-2> <ipv4-1>"
    assert result.count == 6


def test_stand_ins_can_be_shared_between_texts():
    shared = Pseudonyms()
    assert shared.pseudonym("host", "thinkpad") == "<host-1>"
    assert (
        redact("rhost=thinkpad rhost=x220.example", pseudonyms=shared, machine=True).text
        == "rhost=<host-1> rhost=<host-2>"
    )
    assert shared.pseudonym("host", "<host-1>") == "<host-1>"


def test_stand_ins_already_there_keep_their_numbers():
    assert redact("<email-1> and new@example.org").text == "<email-1> and <email-2>"


@pytest.mark.parametrize("machine", [True, False])
@pytest.mark.parametrize(
    "piece",
    ["a", "@", "1.", "a:", "-", "user=", "aa@", "0:", "for user ", "serial: ", ".1.1.1", " at a dot ", "://a:"],
)
def test_time_is_linear_in_one_long_line(piece, machine):
    assert_linear(repeated(piece), lambda text: redact(text, machine=machine), 300_000)


@pytest.mark.parametrize("machine", [True, False])
@pytest.mark.parametrize("text", ["2\n.0.2.1", "192\n.0.2.1 is up", "52\n:54:00:12:34:56"])
def test_an_address_does_not_go_on_in_the_next_line(text, machine):
    assert redact(text, machine=machine).text == text
