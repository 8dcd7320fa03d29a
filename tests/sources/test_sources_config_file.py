from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kslm.sources.config_file import render, without_notice


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ("#\n# Copyright (C) 2009 A B\n#\n# You can redistribute it\n# or not.\n#\n# -----\n\n# The port\nport 1",
         "#\n# The port\nport 1"),
        ("#!/bin/sh\nset -e\n# Helper of x.\n# Copyright (C) 2010 A B\n# all of it\n\nprefix=/usr",
         "#!/bin/sh\nset -e\n# Helper of x.\n\nprefix=/usr"),
        ("; SPDX-License-Identifier: MIT\nkey = 1", "key = 1"),
        ("#  x is free software; you\n#  may change it.\n#\n# Entries are defaults.\n[A]",
         "# Entries are defaults.\n[A]"),
        ("# -----\n# The licence server\n# -----\nserver = licence.example.org",
         "# -----\n# The licence server\n# -----\nserver = licence.example.org"),
        ("copyright = yes\n# Redistribute routes? (c)\n",
         "copyright = yes\n# Redistribute routes? (c)\n"),
        ("x = 1\n" * 80 + "# Copyright 2001 A", "x = 1\n" * 80 + "# Copyright 2001 A"),
    ],
)  # fmt: skip
def test_the_licence_goes_and_the_documentation_stays(lines: str, kept: str) -> None:
    assert without_notice(f"# /etc/x\n{lines}") == f"# /etc/x\n{kept}"


def test_a_file_stands_below_its_name() -> None:
    assert render("# Copyright (c) 2001 A\nPort 22\n\n", "/etc/x") == "# /etc/x\nPort 22\n"


LINES = st.sampled_from(["# Copyright (c) 2001 A", "#", "# words", "", "key = 1", "# ----", "# free software"])


@given(st.lists(LINES).map("\n".join) | st.text())
def test_only_whole_lines_go_and_never_a_setting(lines: str) -> None:
    text = f"# /etc/x\n{lines}"
    kept = without_notice(text)
    remaining = iter(text.split("\n"))
    assert all(line in remaining for line in kept.split("\n"))
    assert kept.count("key = 1") == text.count("key = 1")
