"""An answer as a person reads it: looked-up facts with their sources first, the model's words apart from them."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from kslm.serve.ask import Answer


def render(answer: Answer) -> RenderableType:
    """Facts, unknown ids, then the model's own text with what no table confirms."""
    parts: list[RenderableType] = []
    for fact in answer.facts:
        parts.append(Text.assemble((fact.text, "bold"), (f"  [{fact.source}]", "dim")))
    parts += [Text(line, style="bold yellow") for line in answer.unknown]
    if answer.model_text is not None:
        title = f"the model's own words ({answer.model_version}); unchecked"
        parts.append(Panel(Text(answer.model_text.strip() or "(no words)"), title=title, border_style="dim"))
    if answer.unverified:
        parts.append(Text(f"not confirmed by the facts above: {', '.join(answer.unverified)}", style="yellow"))
    parts += [Text(note, style="yellow") for note in answer.notes]
    return Group(*parts)
