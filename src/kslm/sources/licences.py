"""Licence expressions in one form, whoever wrote them.

Grammar: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/; license-expression knows it and the list of
identifiers.
"""

from __future__ import annotations

from functools import cache, lru_cache
from threading import Lock
from typing import Any

_ONE_AT_A_TIME = Lock()
"""The library makes its tokenizer when it is first asked, where another thread may find half of it; an engine's workers
may be threads."""


@lru_cache(4096)
def normalised(expression: str) -> str | None:
    """An SPDX expression with current identifiers, simplified; None for an empty or malformed one. Never raises.

    Deprecated identifiers get their current form (GPL-2.0 -> GPL-2.0-only, GPL-2.0+ -> GPL-2.0-or-later), operators are
    upper case, terms sorted and told once, parentheses stay only where AND and OR are mixed. A name that SPDX does not
    list stays as it is written.
    """
    with _ONE_AT_A_TIME:
        try:
            parsed = licensing().parse(expression)
        except Exception:  # beside its own errors its parser lets IndexError and AssertionError through
            return None
        # It takes "see COPYING" for one name; SPDX's have no blanks.
        if parsed is None or any(" " in key for key in licensing().license_keys(parsed)):
            return None
        return str(parsed.simplify().render())


@cache
def licensing() -> Any:
    """A `license_expression.Licensing` of SPDX's identifiers and of what else each was called."""
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()
