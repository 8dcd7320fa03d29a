"""`kslm tokens`: what is made of the shards. Functions of kslm.tokens, printed."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Self

import typer
from rich.console import Group
from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from kslm.cli.console import ProfileOption, err, out
from kslm.report import Progress, Task
from kslm.settings import load_settings

app = typer.Typer(
    name="tokens",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="The token shards: an epoch of them as plain files, for other trainers.",
)


class _Bar(Progress, Task):
    """One bar of bytes, on the terminal's error stream; gone when it is done."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._bars = Bars(*columns, console=err, transient=True)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def task(self, description: str, *, total: float | None = None, unit: str = "") -> AbstractContextManager[Task]:
        self._id = self._bars.add_task(description, total=total)
        return nullcontext(self)

    def advance(self, amount: float = 1) -> None:
        self._bars.advance(self._id, amount)

    def update(self, *, total: float | None = None, note: str | None = None) -> None:
        self._bars.update(self._id, description=note)


@app.callback()
def tokens() -> None:
    """Keep `export` a command of its own."""


@app.command()
def export(
    epoch: Annotated[int, typer.Option(help="Which epoch of the training text, from 0.")] = 0,
    folder: Annotated[Path, typer.Option("--to", help="Where the files are written.")] = Path(),
    *,
    profile: ProfileOption = "quick",
    force: Annotated[bool, typer.Option("--force", help="Replace files of these names.")] = False,
) -> None:
    """Write one epoch of the mix as train.bin, with val.bin, test.bin and vocab.json.

    Token ids end to end, little-endian uint16 (uint32 above 65,536 tokens), an end-of-text token behind each document.
    """
    from kslm.outputs import Tokenized, load
    from kslm.scratch import at_hand
    from kslm.tokens.export import Exported
    from kslm.tokens.export import export as write
    from kslm.tokens.reader import ShardReader

    settings = load_settings(profile)
    shards = settings.home.at(load(settings, Tokenized).outputs.manifest).parent
    reader = ShardReader(at_hand(settings.home, shards))
    mix, seed = settings.profile.mix, settings.profile.seed
    with _Bar() as bar:
        done: Exported = write(reader, mix, seed, epoch=epoch, folder=folder, force=force, progress=bar)
    lines = [f"wrote {name}: {count:,} tokens of {done.dtype}, little-endian" for name, count in done.tokens.items()]
    lines.append(f"wrote vocab.json: {reader.manifest.vocab_size:,} tokens; end of text is {reader.manifest.eot_id}")
    table = Table(title=f"Epoch {epoch}", title_justify="left", box=None, padding=(0, 2), pad_edge=False)
    for column in ("slice", "tokens", "share", "repeated", "for later epochs"):
        table.add_column(column, justify="left" if column == "slice" else "right", header_style="dim")
    for name, amount in done.epoch.by_slice.items():
        figures = (amount.tokens, amount.repeated_tokens, amount.later_tokens)
        taken, repeated, later = (f"{figure:,}" for figure in figures)
        table.add_row(name, taken, f"{amount.share:.1%}", repeated, later)
    out.print(Group(Text("\n".join(lines)), Text(), table, *(Text(note, style="yellow") for note in done.notes)))
