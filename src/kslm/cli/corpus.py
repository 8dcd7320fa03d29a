"""`kslm corpus`: look at the corpus, and keep its tables in order. Functions of kslm.explore, printed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kslm.cli.console import ProfileOption, err, out
from kslm.settings import Settings, load_settings

if TYPE_CHECKING:
    from kslm.explore import Document, Explanation, Hit, PastRun, Upkeep
    from kslm.explore.overview import Count
    from kslm.lake import Lake

AtOption = Annotated[
    Path | None,
    typer.Option("--at", help="A report or a shards' manifest.json: read the tables as that past run left them."),
]
IdArgument = Annotated[str, typer.Argument(metavar="DOC_ID", help="The id, or its first 6 characters or more.")]
RETENTION_HOURS = 168

app = typer.Typer(
    name="corpus",
    invoke_without_command=True,
    rich_markup_mode="rich",
    help="Look at the corpus: without a command, its documents and bytes by slice, source and split.",
    epilog="Find a document with [bold]kslm corpus search interrupt[/bold]; read it with [bold]show[/bold]; ask "
    "where it came from and why it is in its split, or was refused, with [bold]explain[/bold]. "
    "[bold]history[/bold] lists past runs; [bold]--at[/bold] with one's report shows the corpus as it was then.",
)


@contextmanager
def _opened(settings: Settings, at: Path | None = None) -> Iterator[Lake]:
    import kslm.lake

    with err.status("reading the tables ..."), kslm.lake.open(settings, at=at) as lake:
        yield lake


@app.callback()
def corpus(context: typer.Context, profile: ProfileOption = "quick", at: AtOption = None) -> None:
    """Print the overview, unless a command follows."""
    if context.invoked_subcommand is None:
        from kslm.explore import overview

        with _opened(load_settings(profile), at) as lake:
            counts = overview(lake)
        out.print(_overview(counts))


@app.command()
def show(doc_id: IdArgument, profile: ProfileOption = "quick", at: AtOption = None) -> None:
    """Print one document: what the tables say of it, and its text."""
    from kslm.explore import show as look

    with _opened(load_settings(profile), at) as lake:
        document = look(lake, doc_id)
    text = document.text if document.text is not None else "(refused: no text)"
    out.print(Group(_facts(document), Text(), Text(text)))


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help='Words, in any order: "interrupt coalescing".')],
    *,
    profile: ProfileOption = "quick",
    slice_: Annotated[str | None, typer.Option("--slice", help="os, hardware, admin or instructions only.")] = None,
    kind: Annotated[str | None, typer.Option(help="This kind only: c, kconfig, man, question, log ...")] = None,
    limit: Annotated[int, typer.Option(help="Documents at most.", min=1, max=1000)] = 10,
    at: AtOption = None,
) -> None:
    """Find documents by words in their text, the best first (BM25); letter case does not matter."""
    from kslm.explore import search as look

    with _opened(load_settings(profile), at) as lake:
        hits = look(lake, " ".join(words), slice_=slice_, kind=kind, limit=limit)
    out.print(_hits(hits) if hits else Text("no document holds any of these words", style="yellow"))


@app.command()
def explain(doc_id: IdArgument, profile: ProfileOption = "quick", at: AtOption = None) -> None:
    """Say where a document came from, what was redacted, and why it is in its split, or why it was refused."""
    from kslm.explore import explain as look

    settings = load_settings(profile)
    with _opened(settings, at) as lake:
        explanation = look(lake, settings.profile, doc_id)
    out.print(_explanation(explanation))


@app.command()
def history(profile: ProfileOption = "quick") -> None:
    """List the past runs that wrote tables, with the versions they left; --at takes their reports."""
    from kslm.explore import history as look

    runs = look(load_settings(profile))
    out.print(_history(runs) if runs else Text("no runs yet: kslm run makes the first", style="yellow"))


@app.command()
def card(
    folder: Annotated[Path, typer.Argument(help="Where data-card.md and its pictures are written.")] = Path(),
    profile: ProfileOption = "quick",
) -> None:
    """Write the data card: what the corpus holds, counted from the tables; run tokenize first."""
    from kslm.card import collect, write

    with err.status("counting ..."):
        path = write(collect(load_settings(profile)), folder)
    out.print(Text(f"wrote {path}"))


@app.command()
def maintain(
    profile: ProfileOption = "quick",
    retention_hours: Annotated[
        int,
        typer.Option(help="Keep the files of versions younger than this: past runs can be opened that long.", min=0),
    ] = RETENTION_HOURS,
) -> None:
    """Merge the tables' small files, and delete those that only old versions need. Contents stay."""
    from kslm.explore import maintain as tidy
    from kslm.pipeline import hold

    settings = load_settings(profile)
    with hold(settings), _opened(settings) as lake:
        upkeep = tidy(lake, retention_hours=retention_hours)
    out.print(_upkeep(upkeep))


def _table(title: str, *columns: str, right: int = 0) -> Table:
    """A plain table; the last `right` columns hold numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2), pad_edge=False)
    for number, column in enumerate(columns):
        numeric = number >= len(columns) - right
        table.add_column(column, justify="right" if numeric else "left", header_style="dim", no_wrap=numeric)
    return table


def _overview(counts: list[Count]) -> Table:
    splits = ("train", "val", "test")
    table = _table(
        "Documents, and MB of text", "slice", "source", *splits, *(f"{name} MB" for name in splits), "all MB", right=7
    )

    def add(slice_: str, source: str, counts: list[Count], style: str | None = None) -> None:
        by_split = [[count for count in counts if count.split == name] for name in splits]
        documents = [f"{sum(count.documents for count in part):,}" if part or not source else "" for part in by_split]
        sizes = [_mb(sum(count.bytes for count in part)) if part or not source else "" for part in by_split]
        table.add_row(slice_, source, *documents, *sizes, _mb(sum(count.bytes for count in counts)), style=style)

    for key in sorted({(count.slice, count.source) for count in counts}):
        add(*key, [count for count in counts if (count.slice, count.source) == key])
    table.add_section()
    add("all", "", counts, "bold")
    return table


def _mb(size: int) -> str:
    return f"{size / 1e6:,.2f}"


def _pairs(rows: list[tuple[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        if value not in (None, "", [], {}):
            table.add_row(Text(name, style="dim"), Text(str(value)))
    return table


def _facts(document: Document) -> RenderableType:
    refused = f"{document.reason} ({document.figure:.4g})" if document.reason else None
    return _pairs(
        [
            ("document", document.doc_id),
            ("source", document.source),
            ("path", document.path),
            ("version", document.version),
            ("licence", document.licence),
            ("kind, slice", ", ".join(part for part in (document.kind, document.slice) if part)),
            ("split", document.split or "not in gold"),
            ("split group", document.split_group),
            ("refused", refused),
            ("bytes", f"{document.bytes:,}"),
            ("redactions", document.redactions),
            ("held-out facts removed", document.held_out or None),
            ("quality", document.quality),
            ("cluster", document.cluster_id),
        ]
    )


def _hits(hits: list[Hit]) -> Table:
    table = _table("", "document", "slice", "split", "path and text")
    for hit in hits:
        place = Text.assemble((hit.path, "bold"), f" ({hit.kind}, {hit.score:.2f})\n", (hit.snippet, "dim"))
        table.add_row(hit.doc_id[:12], hit.slice, hit.split, place)
    return table


def _explanation(of: Explanation) -> RenderableType:
    parts: list[RenderableType] = [_facts(of.document), Text("\nWhere it came from", style="bold")]
    parts.append(_pairs([("table", of.table), ("key", of.key)]))
    shown = [(name, value) for name, value in of.row.items() if name not in ("text", "doc_id")]
    parts.append(_pairs([(name, _short(value)) for name, value in shown]))
    for file in of.files:
        parts.append(Text("\nFetched", style="bold"))
        parts.append(_pairs([(name, value) for name, value in file.items() if name != "source"]))
    parts.append(Text(f"\nReplaced in {of.redacted_in}", style="bold"))
    replaced = [f"{count} × <{kind}-n>" for kind, count in of.redacted.items()]
    parts.append(Text(", ".join(replaced) or "nothing"))
    if of.placement:
        parts.append(Text("\nWhy this split", style="bold"))
        size = f"{of.placement.documents:,} documents, {of.placement.bytes:,} bytes of one group"
        parts.append(Text(f"{of.placement.reason} ({size})"))
    if of.document.reason:
        figure = "" if of.document.figure is None else f": {of.document.figure:.4g}"
        parts += [Text("\nWhy it was refused", style="bold"), Text(f"{of.document.reason}{figure}")]
    if of.cluster:
        table = _table("\nDuplicates (the first is kept)", "document", "path", "similarity", right=1)
        for member in of.cluster:
            table.add_row(member.doc_id[:12], member.path, "" if member.figure is None else f"{member.figure:.4f}")
        parts.append(table)
    return Group(*parts)


def _short(value: Any, longest: int = 300) -> str:
    text = str(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def _history(runs: list[PastRun]) -> RenderableType:
    table = _table("", "finished (UTC)", "stage", "report", "changed")
    for run in runs:
        changed = [
            f"{name} +{counts['inserted']:,} ~{counts['updated']:,} −{counts['deleted']:,}"
            for name, counts in sorted(run.changes.items())
            if counts["inserted"] or counts["updated"] or counts["deleted"]
        ]
        table.add_row(f"{run.finished:%Y-%m-%d %H:%M}", run.stage, run.path.name, "\n".join(changed) or "nothing")
    return Group(table, Text(f"\nreports lie in {runs[0].path.parent}", style="dim"))


def _upkeep(upkeep: list[Upkeep]) -> Table:
    table = _table("", "table", "files before", "after", "bytes before", "after", "stored before", "after", right=6)
    for row in upkeep:
        files = [f"{number:,}" for number in (row.before.files, row.after.files)]
        sizes = [row.before.bytes, row.after.bytes, row.before.stored_bytes, row.after.stored_bytes]
        table.add_row(row.table, *files, *("" if size is None else f"{_mb(size)} MB" for size in sizes))
    return table
