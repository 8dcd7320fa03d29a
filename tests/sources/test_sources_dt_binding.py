from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.dt_binding import compatibles, extract

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
    title = "Foo Ethernet controller"
    assert compatibles(BINDING) == [("acme,foo-1", title), ("acme,foo-2", title), ("acme,foo", title)]
    assert compatibles("* Foo controller") == compatibles("$id: [") == []


def test_plain_text_comes_back() -> None:
    assert extract("* Foo controller\n\nRequired properties:\n") == "* Foo controller\n\nRequired properties:"


@pytest.mark.parametrize(
    "text", ["$id: [", "$id: a\n\tb: c", "- $id: x", "$schema: a\nb: " + "[" * 100_000, "$id: &a x\nb: *a"]
)
def test_broken_yaml_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        extract(text)


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
    assert all(name and title for name, title in compatibles(json.dumps(tree | {"title": "x"})) if name)


@given(st.text())
def test_any_text_gives_text_or_a_value_error(text: str) -> None:
    if "$" not in text and not text.startswith("%YAML"):
        assert extract(text) == text.strip("\n")
    try:
        assert compatibles("$id: " + text) == []
        assert isinstance(extract("$id: " + text), str)
    except ValueError as error:
        assert str(error)
