"""A machine's own text: names wherever they stand, names that are known, and what published text keeps."""

import pytest

from kslm.redact import Pseudonyms, redact
from kslm.redact.words import is_ordinary, may_carry

HEADED = (
    "Mar  4 07:12:55 kestrel sshd[1]: Connected to the kestrel\n2024-03-04T07:12:56+01:00 kestrel kernel: KESTREL up\n"
)


def machine(text, names=None):
    return redact(text, pseudonyms=names, machine=True).text


def test_a_domain_name_goes_from_a_machines_text_and_stays_in_published_text():
    text = "lookup of build7.example.net, see www.example.org, http://deb.debian.org/debian"
    assert machine(text) == "lookup of <host-1>, see www.example.org, http://deb.debian.org/debian"
    assert redact(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "org.freedesktop.login1 net.ipv4.ip_forward /etc/rc.local Main.in setup.py:12 libfoo.so configure.ac",
        "server process is not responding to node events of the host controller",
        "by user request for user session at host address",
        "host eth0 node cpu3 server sda1 peer wg0",
    ],
)
def test_what_only_looks_like_a_name_stays(text):
    assert machine(text) == text


def test_the_host_of_a_header_goes_from_any_text_and_is_known_in_a_machines():
    assert redact(HEADED).text.count("<host-1>") == 2
    assert machine(HEADED).lower().count("kestrel") == 0


def test_a_known_name_goes_before_and_after_and_from_later_texts():
    names = Pseudonyms()
    assert machine("wilma waits; session opened for user wilma(uid=1000)", names).startswith("<user-1> waits")
    assert machine("Wilma's job, wilma-home, wilmaX", names) == "<user-1>'s job, <user-1>-home, wilmaX"
    assert redact("wilma", pseudonyms=names).text == "wilma"


def test_a_name_that_is_a_word_or_short_or_only_guessed_is_not_looked_for():
    names = Pseudonyms()
    assert [names.know("host", name) for name in ("server", "debian", "root", "eth0", "bob", "kestrel", "Kestrel")] == [
        *[False] * 5,
        True,
        False,
    ]
    machine("Failed password for invalid user mulberry from 192.0.2.7 port 1 ssh2", names)
    assert machine("mulberry", names) == "mulberry"
    assert is_ordinary("cpu3")
    assert not may_carry("2023")


def test_known_names_are_bounded():
    names = Pseudonyms()
    known = sum(names.know("host", f"kestrel-{number}a") for number in range(1000))
    assert 100 <= known < 1000


def test_published_uuids_stay_and_a_disks_own_goes():
    text = "type c12a7328-f81f-11d2-ba4b-00a0c93ec93b id 91e4c7b2-33d0-4a5f-86c9-7bd1f02e4a68"
    assert machine(text) == "type c12a7328-f81f-11d2-ba4b-00a0c93ec93b id <uuid-1>"


def test_a_known_name_is_found_among_many_and_never_inside_a_word_or_a_stand_in():
    names = Pseudonyms()
    for number in range(40):
        names.know("host", f"kestrel-{number}a")
    names.know("host", "kestrel-7a-backup")
    found = [(span.start, span.end) for span in names.known("kestrel-7a-backup kestrel-7ab <kestrel-3a> (kestrel-3a)")]
    assert found == [(0, 17), (44, 54)]


def test_an_examples_hardware_address_stays():
    text = "00:11:22:33:44:55 aa:bb:cc:dd:ee:ff 02:03:04:05:06:07 12:34:56:78:9a:bc 44:33:22:11:00:99"
    assert machine(text) == text
    assert machine("52:54:00:12:34:56") == "<mac-1>"
