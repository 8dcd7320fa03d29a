from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear
from kslm.sources.kernel.dt_binding import Compatible, compatibles, document, parse, vendors

BINDING = """\
%YAML 1.2
---
$id: http://devicetree.org/schemas/net/foo.yaml#
title: Foo Ethernet controller
description: |
  A controller with two ports.
properties:
  compatible:
    oneOf:
      - items:
          - enum: ["acme,foo-1", "acme,foo-2"]
          - const: acme,foo
      - const: acme,foo
      - pattern: ^b.*
  reg:
    maxItems: 1
  clock-names:
    items: [{const: bus}, {description: core clock.}]
  acme,mode:
    description: |
      How it
      runs.
    $ref: /schemas/types.yaml#/definitions/uint32
    enum: [0, 1]
    default: 1
  flag: {type: boolean}
  kind: {const: 3}
  ports:
    description: Ports of the switch.
    properties:
      phy-mode:
        description: Wiring of the port.
        items: {enum: [a, b]}
patternProperties:
  "^port@":
    properties:
      speed: {minimum: 1, maximum: 9}
required: [compatible, reg]
examples:
  - |
    ethernet@0 { };
"""


def extract(text: str) -> str:
    return document(parse(text))


def named(text: str) -> list[Compatible]:
    return compatibles(parse(text))


def test_what_is_said_of_a_device_is_kept() -> None:
    assert extract(BINDING) == (
        "Foo Ethernet controller\n\nA controller with two ports.\n\nCompatible: acme,foo-1, acme,foo-2, acme,foo, ^b.*"
        "\n\n"
        "Properties:\n"
        "clock-names: bus, core clock\n"
        "acme,mode: How it runs; uint32; one of 0, 1; default 1\n"
        "flag: boolean\n"
        "kind: always 3\n"
        "ports: Ports of the switch\n"
        "  phy-mode: Wiring of the port; each one of a, b\n"
        "^port@:\n"
        "  speed: minimum 1; maximum 9\n\n"
        "Required: compatible, reg\n\n"
        "Example:\nethernet@0 { };"
    )


def test_compatible_strings_with_the_title_and_without_patterns() -> None:
    first, second, general = named(BINDING)
    assert first == Compatible("acme,foo-1", "Foo Ethernet controller", "", ("acme,foo",), False)
    assert second == first._replace(name="acme,foo-2")
    assert general == first._replace(name="acme,foo", general=())
    assert named("* Foo controller") == named("$id: [") == []


BOARDS = """\
$id: http://devicetree.org/schemas/arm/acme.yaml#
title: ACME
properties:
  $nodename: {const: "/"}
  compatible:
    oneOf:
      - items:
          - enum:
              # Boards with a fan
              - acme,one  #  ACME One  board
              - acme,two
          - enum: ["acme,soc-a", "acme,soc-b"]
          - const: acme,soc  # any of them
      - items:
          - enum:
              # ACME Three,
              # second edition
              - acme,three
              # these:
              - acme,four
"""


def test_boards_are_of_the_root_node_and_remarks_say_what_one_is() -> None:
    found = {one.name: one for one in named(BOARDS)}
    assert {name: one.remark for name, one in found.items()} == {
        "acme,one": "ACME One board",
        "acme,two": "",
        "acme,soc-a": "",
        "acme,soc-b": "",
        "acme,soc": "any of them",
        "acme,three": "ACME Three, second edition",
        "acme,four": "",
    }
    assert all(one.of_root for one in found.values())
    assert found["acme,one"].general == found["acme,soc-a"].general == ("acme,soc",)


def test_names_of_vendors() -> None:
    text = '$id: x\npatternProperties:\n  "^(a|b),.*": true\n  "^abb,.*":\n    description: ABB\n'
    text += '  "^gw,.*":\n    description: Use another\n    deprecated: true\n'
    assert vendors(text) == {"abb": "ABB"}
    assert vendors(BINDING) == vendors("abb: ABB") == vendors("$id: [") == {}


def test_time_grows_linearly_on_many_items() -> None:
    def listing(size: int) -> str:
        items = "".join(f"\n    - const: acme,{number}" for number in range(size))
        return f"$id: x\ntitle: T\nproperties:\n  compatible:\n    items:{items}\n"

    chain = named(listing(5_000))
    assert len(chain) == 5_000 and chain[0].general == ("acme,1", "acme,2", "acme,3")
    assert_linear(listing, named, 5_000)
    assert_linear(lambda size: "$id: x\n" + "# a\n" * size + " " * size, named, 30_000)


def test_plain_text_comes_back() -> None:
    assert extract("* Foo controller\n\nRequired properties:\n") == "* Foo controller\n\nRequired properties:"


@pytest.mark.parametrize(
    "text", ["$id: [", "$id: a\n\tb: c", "- $id: x", "$schema: a\nb: " + "[" * 100_000, "$id: &a x\nb: *a"]
)
def test_broken_yaml_is_text(text: str) -> None:
    assert extract(text) == text
    assert named(text) == []


TREES = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["compatible", "oneOf", "enum", "items", "const", "$ref", "properties", "description"]),
            inner,
        )
    ),
    max_leaves=15,
)


@given(st.fixed_dictionaries({"$id": st.just("x"), "properties": TREES, "examples": TREES, "description": TREES}))
def test_any_schema_gives_text(tree: dict[str, object]) -> None:
    assert isinstance(extract(json.dumps(tree)), str)
    assert all(one.title == "x" for one in named(json.dumps(tree | {"title": "x"})))
    assert isinstance(vendors(json.dumps(tree)), dict)


@given(st.text())
def test_any_text_gives_text(text: str) -> None:
    if "$" not in text and not text.startswith("%YAML"):
        assert extract(text) == text.strip("\n")
    assert named("$id: " + text) == []
    assert isinstance(extract("$id: " + text), str)
