from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.dt_binding import extract

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
  reg:
    maxItems: 1
  ports:
    description: Ports of the switch.
    properties:
      phy-mode:
        description: Wiring of the port.
examples:
  - |
    ethernet@0 { };
"""


def test_title_descriptions_names_and_examples_are_kept() -> None:
    assert extract(BINDING) == (
        "Foo Ethernet controller\n\nA controller with two ports.\n\nCompatible: acme,foo-1, acme,foo-2, acme,foo\n\n"
        "ports: Ports of the switch.\n\nphy-mode: Wiring of the port.\n\nExample:\nethernet@0 { };"
    )


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
        | st.dictionaries(st.sampled_from(["compatible", "oneOf", "enum", "properties", "description", "title"]), inner)
    ),
    max_leaves=15,
)


@given(st.fixed_dictionaries({"$id": st.just("x"), "properties": TREES, "examples": TREES, "description": TREES}))
def test_any_schema_gives_text(tree: dict[str, object]) -> None:
    assert isinstance(extract(json.dumps(tree)), str)


@given(st.text())
def test_any_text_gives_text_or_a_value_error(text: str) -> None:
    assert extract(text) == text.strip("\n")
    try:
        assert isinstance(extract("$id: " + text), str)
    except ValueError as error:
        assert str(error)
