from __future__ import annotations

from dataclasses import replace

from kslm.instruct.bindings import bindings
from kslm.instruct.phrasings import load
from kslm.sources.kernel import dt_binding
from questions_world import ENTITIES, document

BOARDS = """\
$id: http://devicetree.org/schemas/arm/acme.yaml#
title: ACME
properties:
  $nodename: {const: "/"}
  compatible:
    items:
      - enum:
          - acme,one  # ACME One board
          - acme,two
      - const: chips,soc
"""
PATH = "Documentation/devicetree/bindings/arm/acme.yaml"


def asked(text: str) -> dict[str, tuple[str, str]]:
    entities = replace(ENTITIES, vendors={"acme": "ACME Corporation"})
    pairs = {}
    for found in bindings(document("dt_binding", PATH, text), dt_binding.parse(text), entities):
        question, _, answer = found.text.removeprefix("Question: ").partition("\nAnswer: ")
        pairs[found.path.partition("#")[2]] = (question, answer)
    return pairs


def test_an_answer_says_what_is_known_of_a_board() -> None:
    assert asked(BOARDS)["acme,one"][1] == (
        'acme,one is in the list of boards and chips "ACME". The binding says of it: ACME One board. '
        f"The vendor acme is ACME Corporation. The more general chips,soc may follow it. See {PATH}."
    )
    assert asked(BOARDS)["chips,soc"][1] == f'chips,soc is in the list of boards and chips "ACME". See {PATH}.'


def test_of_a_board_without_a_remark_only_its_place_is_asked() -> None:
    where = load().questions["compatible_where"].ask
    for name, (question, _) in asked(BOARDS).items():
        template = question.replace(name.removesuffix(".2"), "{compatible}")
        assert (template in where) == (not name.startswith("acme,one"))
    of_a_node = asked(BOARDS.replace('  $nodename: {const: "/"}\n', ""))
    assert all(answer.partition(" ")[2].startswith("is described by") for _, answer in of_a_node.values())


def test_what_many_bindings_list_is_not_asked_about() -> None:
    text = BOARDS.replace("acme,two", "syscon").replace("chips,soc", "arm,primecell")
    assert {name.removesuffix(".2") for name in asked(text)} == {"acme,one"}
