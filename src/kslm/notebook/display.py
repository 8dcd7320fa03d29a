"""How a notebook shows a table, a plot or a text: Databricks' own way, Jupyter's, or as text."""

from __future__ import annotations

import builtins
import io
import math
import warnings
from collections.abc import Callable, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import pandas as pd
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler

# Libraries that draw bars of their own say at import that ipywidgets is missing; kslm draws none with it.
warnings.filterwarnings("ignore", message="IProgress not found")

WIDTH = 800
"""Of a plot, in pixels of the page."""
LONG = 40
"""Characters beyond which a column's texts are broken into lines."""


def display_of(names: Mapping[str, Any]) -> Callable[[Any], None]:
    """What shows a value where the notebook is opened; `names` are its `globals()`."""
    if "dbutils" in names:
        return names.get("display") or getattr(builtins, "display")  # noqa: B009 (there on Databricks alone)
    if hasattr(builtins, "get_ipython"):
        return _in_jupyter
    return _as_text


def _in_jupyter(value: Any) -> None:
    from IPython.display import HTML, Image, display

    if isinstance(value, Figure):
        picture = io.BytesIO()
        value.savefig(picture, format="png")
        value = Image(picture.getvalue(), width=WIDTH)
    if isinstance(value, pd.DataFrame):
        value = HTML("<i>no rows</i>") if value.empty else _styled(value)
    display(value)


def _styled(table: pd.DataFrame) -> Styler:
    """Thousands in groups, four decimals at most, texts to the left, and no index but one that says something."""
    style = table.style.format(_readable, escape="html", na_rep="")
    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name]):
            longest = int(table[name].astype(str).str.len().max())
            wrapped = ("overflow-wrap", "anywhere") if longest > LONG else ("white-space", "nowrap")
            props: list[tuple[str, str | float]] = [("text-align", "left"), wrapped]
            style = style.set_table_styles({name: [{"selector": "", "props": props}]}, overwrite=False)
    return style.hide(axis="index") if isinstance(table.index, pd.RangeIndex) else style


def _as_text(value: Any) -> None:
    if isinstance(value, Figure):
        print(f"[plot: {value.axes[0].get_title(loc='left')}]")
    elif isinstance(value, pd.DataFrame):
        index = not isinstance(value.index, pd.RangeIndex)
        text = value.map(_readable).to_string(index=index, max_colwidth=80, line_width=160)
        print("no rows" if value.empty else text)
    else:
        print(value)


def _readable(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    number = float(value)
    if not math.isfinite(number):
        return "" if math.isnan(number) else value
    return f"{number:,.4g}" if abs(number) < 1000 and not number.is_integer() else f"{number:,.0f}"
