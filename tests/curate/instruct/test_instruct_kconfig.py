from __future__ import annotations

from kslm.curate.instruct.kconfig import symbols
from questions_world import ENTITIES, document

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
    for text in symbols(document("kconfig", path, SMP), ENTITIES):
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
