from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.kernel.kconfig import Sourced, read
from kslm.sources.kernel.kconfig_tree import entries

TREE = {
    "Kconfig": 'source "net/Kconfig"\nsource "arch/$(SRCARCH)/Kconfig"\nsource net/free/Kconfig\n',
    "net/Kconfig": 'config NET\nif NET\nmenu "m"\ndepends on INET || X\nrsource "dev/Kconfig"\nendmenu\nendif\n'
    'source "lib/Kconfig"\n',
    "net/dev/Kconfig": 'if DEV\nosource "net/dev/foo/Kconfig" # here\nendif\n',
    "net/dev/foo/Kconfig": "config FOO\n\tdepends on PCI\n",
    "net/free/Kconfig": "config FREE\n",
    "arch/a/Kconfig": 'if A && B\nif C\nsource "lib/Kconfig"\nendif\nsource "arch/a/own"\nendif\n',
    "arch/b/Kconfig": 'if C\nsource "lib/some"\nendif\n',
    "arch/a/own": "",
    "lib/Kconfig": 'if D\nsource "lib/some"\nendif\nif C\nsource "lib/some"\nendif\n',
    "lib/some": "",
}


def around(tree: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """What surrounds each file, told by an entry added to it; of a file of which nothing is asked, nothing."""
    told = {path: f"config LAST\n{text}" for path, text in tree.items()}
    return {path: entry.around for path, entry in entries(told) if entry.name == "LAST" and entry.around}


def test_what_surrounds_a_file_through_all_that_source_it() -> None:
    assert around(TREE) == {
        "net/dev/Kconfig": ("NET", "INET || X"),
        "net/dev/foo/Kconfig": ("NET", "INET || X", "DEV"),
        "arch/a/own": ("A && B",),
    }


def test_of_a_file_sourced_twice_only_what_both_places_ask_for() -> None:
    twice = {"a": 'if X\nif Y\nsource "c"\nendif\nendif\n', "b": 'if Y\nsource "c"\nendif\n', "c": ""}
    assert around(twice) == {"c": ("Y",)}


def test_entries_of_a_sourced_file_require_what_is_around_it() -> None:
    symbols = {path: entry.symbol for path, entry in entries(TREE)}
    assert symbols["net/dev/foo/Kconfig"].requires == "NET && (INET || X) && DEV && PCI"
    assert list(symbols) == sorted(path for path in TREE if "config " in TREE[path])


def test_source_statements_are_read_in_place() -> None:
    sourced = [one for one in read(TREE["net/dev/Kconfig"]) if isinstance(one, Sourced)]
    assert sourced == [Sourced("osource", "net/dev/foo/Kconfig", ("DEV",))]


def test_files_that_source_each_other_and_long_chains_end() -> None:
    assert around({"a": 'if A\nsource "b"\nendif', "b": 'source "a"'}).get("b", ("A",)) == ("A",)
    chain = {f"f{number}": f'if C\nsource "f{number + 1}"\nendif\n' for number in range(3000)}
    assert around(chain)["f2999"] == ("C",)


PATHS = st.sampled_from(["a", "b", "c", "d/e"])
STATEMENTS = st.lists(st.sampled_from(["if X", "if Y", "endif", 'source "a"', 'source "b"', 'rsource "c"', "endmenu"]))


@given(st.dictionaries(PATHS, STATEMENTS.map("\n".join) | st.text()))
def test_any_tree_gives_conditions_that_are_in_it(tree: dict[str, str]) -> None:
    found = around(tree)
    assert found.keys() <= tree.keys()
    assert all(one in " ".join(" ".join(tree.values()).split()) for asked in found.values() for one in asked)
    assert found == around(dict(reversed(tree.items())))
