from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear, repeated
from kslm.sources.kernel.dts import ALIKE, LONGEST_VALUE, extract

BOARD = """\
// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2020 Somebody
 */
/dts-v1/;
#include <dt-bindings/gpio/gpio.h>
#define PINS(a) \\
	<a>
/* The second board */
/ {
	model = "Acme {Board}; /* two */";
	compatible = "acme,board-2",
		"acme,soc";
	#address-cells = <1>;
	aliases { serial0 = &uart0; };
	reg_a: regulator-a {
		compatible = "regulator-fixed"; /* always there */
		regulator-min-microvolt = <3300000>;
		status = "okay";
	};
};

&uart0 {
	pinctrl-0 = <&pins>;
	status = "okay";
};

&i2c0 {
	status = "okay";
	/* Measures
	* temperature. */
	sensor@48 {
		compatible = "acme,t1";
		reg = <0x48>;
	};
};

&pinmux {
	uart_pins: uart-pins {
		acme,pins = <1 2 3>;
		bias-disable;
	};
};
"""


def test_nodes_without_boilerplate() -> None:
    assert extract(BOARD) == (
        "/* The second board */\n"
        "/ {\n"
        '\tmodel = "Acme {Board}; /* two */";\n'
        '\tcompatible = "acme,board-2", "acme,soc";\n'
        "\treg_a: regulator-a {\n"
        '\t\tcompatible = "regulator-fixed"; /* always there */\n'
        "\t\tregulator-min-microvolt = <3300000>;\n"
        "\t};\n"
        "};\n"
        "&i2c0 {\n"
        "\t/* Measures\n\t * temperature. */\n"
        "\tsensor@48 {\n"
        '\t\tcompatible = "acme,t1";\n'
        "\t\treg = <0x48>;\n"
        "\t};\n"
        "};"
    )


def test_long_runs_of_nodes_and_values_are_cut() -> None:
    many = "".join(f"ldo{n} {{ min = <{n}>; }};\n" for n in range(ALIKE + 5))
    lines = extract(f"regs {{\n{many} other {{ max = <1>; }};\n}};").split("\n")
    assert sum("ldo" in line for line in lines) == ALIKE
    assert "\tother {" in lines and lines[-2] == "\t/* 5 more nodes of these kinds */"
    cut = extract(f"a {{ table = <{'0x10 ' * 1000}>; }};")
    assert "0x10 ...>;" in cut and len(cut) < LONGEST_VALUE + 40


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ""),
        ("/dts-v1/;\n", ""),
        ("a { status = \"okay\"; };", ""),
        ("a { b { }; };", ""),
        ("a { x = <1>; ", "a { x = <1>; "),
        ("a { x = <1>; }; };", "a { x = <1>; }; };"),
        ("/* half", "/* half"),
        ("a { x = <1 /* one */ 2>; };", "a {\n\tx = <1 /* one */ 2>;\n};"),
        ("{" * 100 + "};" * 100, "{" * 100 + "};" * 100),
    ],
)  # fmt: skip
def test_corner_cases(text: str, kept: str) -> None:
    assert extract(text) == kept.rstrip()


@pytest.mark.parametrize(
    "piece", ["a", '"', "/", "/*", "{", "}", ";", "a {", "a;", "\n", "#if\\\n", "a: ", ' "x"', "a{};"]
)
@pytest.mark.parametrize("lead", ["", '"', "/*", "a = <", "a {"])
def test_time_grows_linearly_on_hostile_input(piece: str, lead: str) -> None:
    assert_linear(repeated(piece, lead), extract, 100_000)


@given(
    st.lists(
        st.sampled_from(["a", "b {", "};", ";", '"', "/*", "*/", "//", "x = <1>;", "\n", "#if", "l: ", "status;"])
    ).map(" ".join)
    | st.text()
)
def test_any_text_gives_text_that_reads_as_itself(text: str) -> None:
    kept = extract(text)
    assert kept == kept.rstrip()
    assert kept.count("{") - kept.count("}") == 0 or kept.count("{") <= text.count("{")


NAMES = st.text(alphabet="abcdefgh", min_size=1, max_size=6)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(0, 9), min_size=1), min_size=1))
def test_every_property_comes_back(tree: dict[str, dict[str, int]]) -> None:
    text = "\n".join(
        f"&{n} {{\n" + "".join(f"\tacme-{p} = <{v}>;\n" for p, v in ps.items()) + "};" for n, ps in tree.items()
    )
    assert extract(text) == text
