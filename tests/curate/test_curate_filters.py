import pytest

from kslm.curate.filters import refuse

PROSE = "The driver registers itself with the bus and waits for a device to appear.\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("Too short.", "too short"),
        ("=-+*/#" * 40, "symbols"),
        ("0123 4567 89ab\n" * 3 + "0000 1111 2222 3333 4444 5555 6666\n" * 4, "few letters"),
        (PROSE * 40, "repeated lines"),
    ],
)
def test_refused_with_reason_and_figure(text, reason):
    refusal = refuse(text, 50)
    assert refusal is not None
    assert refusal.reason == reason
    assert refusal.figure >= 0


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "PCI device 8086:1533 is I210 Gigabit Network Connection.\nPCI device 8086:10d3 is 82574L.",
        'ethernet@0 {\n\tcompatible = "intel,ixp4xx-ethernet";\n\treg = <0xc8009000 0x1000>;\n\tstatus = "okay";\n};',
        "Der Treiber meldet sich beim Bus an und wartet auf das Gerät. Здесь тоже буквы, а не символы.",
    ],
)
def test_ordinary_text_passes(text):
    assert refuse(text, 50) is None


def test_figure_is_the_measured_one():
    assert refuse("abc", 50) == ("too short", 3.0)
    assert refuse("\n".join(["same line of text"] * 30 + ["other"]), 10) == (
        "repeated lines",
        pytest.approx(2 / 31, abs=1e-4),
    )
