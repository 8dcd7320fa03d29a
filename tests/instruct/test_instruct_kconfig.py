from __future__ import annotations

from dataclasses import replace

import pytest

from kslm.texts import shortened
from questions_world import ENTITIES, document
from questions_world import asked as symbols_asked

SMP = """\
if PCI || EISA
config SMP
\tbool "Set up \\"all\\" processors." if EXPERT
\tdepends on CPUS
\thelp
\t  Uses more than one CPU.
config TWICE
\tbool "Said twice"
\tdepends on A
\thelp
\t  Of A.
config TWICE
\tbool "Said twice"
\tdepends on B
endif
"""


def asked(path: str) -> dict[str, tuple[str, str]]:
    pairs = {}
    for text in symbols_asked(document("kconfig", path, SMP), ENTITIES):
        question, _, answer = text.text.removeprefix("Question: ").partition("\nAnswer: ")
        pairs[text.path.partition("#")[2]] = (question, answer)
    return pairs


def test_all_that_a_symbol_needs_is_said_in_parentheses() -> None:
    found = asked("init/Kconfig")
    needs = "It depends on (PCI || EISA) && CPUS. It is offered only with EXPERT."
    assert found["CONFIG_SMP"][1] == f'CONFIG_SMP: Set up "all" processors. Uses more than one CPU. {needs}'
    assert found["CONFIG_SMP.enable"][1] == (
        f'Set CONFIG_SMP to y; it is in init/Kconfig as "Set up "all" processors.". {needs} '
        "Look at the present state with: grep CONFIG_SMP= /boot/config-$(uname -r)"
    )


def test_a_prompt_is_quoted_in_a_question() -> None:
    for path in ("init/Kconfig", "arch/mips/Kconfig"):
        assert "\"Set up 'all' processors\"" in asked(path)["CONFIG_SMP.enable"][0]


def test_a_symbol_of_one_architecture_is_asked_about_with_it() -> None:
    for question, answer in asked("arch/mips/Kconfig").values():
        assert "mips" in question and "mips" in answer
    assert not any("mips" in question + answer for question, answer in asked("init/Kconfig").values())


def test_a_prompt_that_a_file_has_twice_is_not_asked_about() -> None:
    assert {name.removesuffix(".2") for name in asked("init/Kconfig")} == {
        *("CONFIG_SMP", "CONFIG_SMP.enable", "CONFIG_TWICE"),
    }


def test_of_a_symbol_defined_twice_no_need_is_said() -> None:
    assert asked("init/Kconfig")["CONFIG_TWICE"][1] == "CONFIG_TWICE: Said twice. Of A."


def test_a_symbol_without_a_prompt_is_not_asked_about_as_one_that_is_set() -> None:
    hidden = "".join(f"config HIDDEN_{number}\n\tbool\n\thelp\n\t  What the driver needs.\n" for number in range(40))
    for path in ("init/Kconfig", "arch/mips/Kconfig"):
        found = [text.text for text in symbols_asked(document("kconfig", path, hidden), ENTITIES)]
        assert len(found) >= 40
        assert not any(said in text for text in found for said in ("menuconfig", "Should I", "not set"))


MODULE = """\
config GYRO
\ttristate "Gyroscopes gyro_core, gyro_x1"
\thelp
\t  Supports gyro_core, gyro_x1.
\t  To compile this as a module, choose M: the module will be called {}.
"""


@pytest.mark.parametrize(
    ("called", "built", "is_asked"),
    [
        ("gyro_core", "", True),
        ("gyro-core", "gyro_core gyro_other", True),
        ("gyro_core and will be loaded at boot", "", True),
        ("gyro_core", "gyro_main", False),
        ("gyro_core or gyro", "", False),
        ("gyro_core and gyro_spi", "", False),
        ('"gyro_core.ko", gyro_spi', "", False),
    ],
)
def test_a_module_is_asked_about_where_it_is_sure(called: str, built: str, *, is_asked: bool) -> None:
    entities = replace(ENTITIES, options={"GYRO": built} if built else {})
    found = symbols_asked(document("kconfig", "drivers/iio/gyro/Kconfig", MODULE.format(called)), entities)
    assert any(".module" in text.path for text in found) == is_asked


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ICPlus cards\n\nTo compile this", "ICPlus cards. To compile this"),
        ("Say Y (or M)\n  \n\n  If unsure", "Say Y (or M). If unsure"),
        ("It is so.\n\nIf unsure", "It is so. If unsure"),
        ("(most will.)\n\nIf unsure", "(most will.) If unsure"),
        ("These:\n\nA\nB", "These: A B"),
        ("of the\n\nother kind", "of the other kind"),
    ],
)
def test_paragraphs_on_one_line_stay_apart(text: str, line: str) -> None:
    assert shortened(text) == line
