from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growth import assert_linear, repeated
from kslm.sources.kernel.rst import render

PAGE = """\
.. SPDX-License-Identifier: GPL-2.0
.. include:: <isonum.txt>

.. _usb_core:

========
USB core
========

:Author: A B <a@example.org>
:Updated:
   Somebody else

See :c:func:`usb_alloc_urb()` and :ref:`the guide <usb_guide>`_ or
:doc:`/driver-api/index`.

.. toctree::
   :maxdepth: 1

   urb
   hcd

.. note:: Keep the
   lock.

.. code-block:: c
   :caption: example

   x = 1; /* :c:func:`kept` */
   .. kept as well

Like this::

  .. literal
     text

.. c:function:: int f(void)

   Does it.

+-------------+---+
| :ref:`a`    | b |
+-------------+---+

..
   a comment

.. [1] A footnote
.. _manual: https://example.org/m
.. |x| replace:: y

The end
"""


def test_what_only_sphinx_reads_is_left_out_and_the_layout_stays() -> None:
    assert render(PAGE) == (
        "========\nUSB core\n========\n\nSee usb_alloc_urb() and the guide_ or\n/driver-api/index.\n\n"
        "Note: Keep the\n   lock.\n\n\n   x = 1; /* :c:func:`kept` */\n   .. kept as well\n\nLike this:\n\n"
        "  .. literal\n     text\n\nint f(void)\n\n   Does it.\n\n"
        "+-------------+---+\n| a           | b |\n+-------------+---+\n\n"
        "[1] A footnote\nmanual: https://example.org/m\nThe end"
    )


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("", ""),
        ("..", ""),
        ("... and so on", "... and so on"),
        ("1..2 is a range", "1..2 is a range"),
        ("a\n\n.. flat-table:: Sizes\n    :header-rows: 1\n\n    * - :cspan:`1` Name\n      - Size",
         "a\n\nSizes\n\n    * -  Name\n      - Size"),
        ("::\n\n  code\nafter", "\n  code\nafter".strip("\n")),
        (".. only:: html\n\n   Indices\n   =======\n\nText", "Text"),
        (":Return: zero", ":Return: zero"),
        (":Manual section: 8\n\n:Author & Maintainer:\tA B\nText", "Text"),
        ("Author: A B\n\nCopyright |copy| 2001 A B\n\n**Copyright** (c) C\n\nCopyright 2001, A B\n\nText", "Text"),
        ("Authors:\n  A B\n\n  C D\n\nWritten by A B <a@example.org>\n- Maintainer: C D\nText", "Text"),
        ("Authors of drivers write it\nCopyright notices stay", "Authors of drivers write it\nCopyright notices stay"),
        ("    -  .. row 1\n\n       -  int fd", "       -  int fd"),
    ],
)  # fmt: skip
def test_corner_cases(source: str, kept: str) -> None:
    assert render(source) == kept


SECTIONS = """\
=====
Title
=====

Words

Credits and Thanks
------------------

To A B

Earlier
~~~~~~~

To C D

Usage
-----

Run it

Authors
-------
E F
"""


def test_a_section_of_credits_is_left_out_to_the_next_heading_of_its_level() -> None:
    assert render(SECTIONS) == "=====\nTitle\n=====\n\nWords\n\nUsage\n-----\n\nRun it"
    assert render("Authors\n=======\n\nA B\n") == ""


LINES = st.sampled_from(
    [
        "",
        "words",
        "  words",
        ".. note:: x",
        ".. c",
        "  .. code::",
        "   :opt: 1",
        "a::",
        ":ref:`a <b>`",
        ":Author: x",
        "====",
        "Authors",
    ]
)


@given(st.lists(LINES).map("\n".join) | st.text())
def test_any_text_gives_no_more_lines_than_it_has(text: str) -> None:
    assert render(text).count("\n") <= text.count("\n")


@given(st.lists(st.text("abc =-~|+*", min_size=1).filter(str.strip)))
def test_text_without_markup_is_unchanged(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert render(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        ".. ",
        ":a:`",
        ".. a:",
        "\n..",
        " ",
        ":a",
        "`<",
        ".. _",
        ".. a::\n",
        "::\n ",
        "a\n===\n",
        "copyright ",
        "Credits\n---\n",
    ],
)
def test_time_grows_linearly_on_hostile_input(piece: str) -> None:
    assert_linear(repeated(piece), render, 200_000)
