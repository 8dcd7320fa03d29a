import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.curate.refine.language import non_english, suspect

ENGLISH = (
    "The driver registers itself with the bus and waits until a device appears that it knows how to handle.\n\n" * 6
)
GERMAN = "Der Treiber meldet sich am Bus an und wartet, bis ein Gerät erscheint, das er nicht abweisen muss.\n\n" * 6
OTHERS = [
    "Le pilote est dans le noyau, et les modules sont pour les cartes que vous avez avec une interface. " * 4,
    "El controlador para los dispositivos que una persona puede cargar con las opciones del sistema. " * 4,
    "Драйвер регистрируется на шине и ждёт появления устройства, которое он умеет обслуживать. " * 4,
    "驱动程序在总线上注册，并等待设备出现。" * 10,
    "Het stuurprogramma wordt niet geladen voor een apparaat dat van een ander is. " * 4,
]


def test_shares_are_of_words():
    assert non_english(ENGLISH) == 0
    assert non_english(GERMAN) == 1
    assert non_english(ENGLISH + GERMAN) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("text", OTHERS)
def test_other_languages_are_known(text):
    assert non_english(text) > 0.9


@pytest.mark.parametrize(
    "text",
    [
        "ethtool -K eth0 tso off gso off\nmodprobe -r igb\nlspci -nn | grep 8086",
        "CONFIG_IGB: Intel(R) 82575/82576 PCI-Express Gigabit Ethernet support",
        "int para = del(con, los);\nfor (die = 0; die < das; die++)",
        "┌──────┬──────┐\n│ CPU  │ NUMA │\n└──────┴──────┘",
    ],
)
def test_what_is_no_language_is_not_foreign(text):
    assert non_english(text) == 0


def test_suspicion_takes_several_words_of_one_language():
    assert not suspect("mit der los", {"mit", "los", "che"})
    assert suspect("mit der auf", {"mit", "der", "auf"})


@given(st.text(max_size=300))
def test_any_text_has_a_share(text):
    assert 0 <= non_english(text) <= 1
