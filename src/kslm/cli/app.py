"""The verbs. Each is a few lines onto a function that any Python program may call."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from kslm import __version__, ranks
from kslm.cli import corpus, tokens
from kslm.cli.console import ForceOption, LogsOption, ProfileOption, SetOption, err, out
from kslm.errors import KslmError
from kslm.pipeline import PIPELINE, STAGES, hold, run_stage, select
from kslm.settings import Settings, load_settings

app = typer.Typer(
    name="kslm",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    help="From a kernel release to a small, quantized, measured language model that answers for this machine.",
    epilog="Start with [bold]kslm doctor[/bold], then [bold]kslm run[/bold], then "
    '[bold]kslm ask "Which driver does PCI 8086:1533 need?"[/bold]. '
    "Everything lives under KSLM_HOME; KSLM_ENGINE=spark uses classic Spark instead of the embedded engine.",
)
GATES_FAILED = 3


def main() -> None:
    """Run the command line; a user's mistake ends in a message and an exit status, never in a traceback."""
    _quiet_libraries()
    try:
        app()
    except KslmError as error:
        err.print(Text(f"kslm: {error}", style="red"), soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err.print("\nStopped. The same command goes on from here.")
        sys.exit(130)


def _quiet_libraries() -> None:
    """Keep other libraries' chatter off the screen; their errors still arrive as exceptions."""
    os.environ.setdefault("RUST_LOG", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
    logging.basicConfig(level=logging.ERROR)
    for name in ("alembic", "mlflow", "httpx", "pyspark", "transformers", "onnxruntime_genai"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def _run(settings: Settings, stages: tuple[str, ...], *, force: bool) -> None:
    """Run stages under the home's lock with a live view, print the summary, and exit with the gates' verdict."""
    from kslm.cli.summary import refused, summary
    from kslm.cli.view import LiveView

    with hold(settings):
        if ranks.rank():  # the first rank shows what all of them do
            for name in stages:
                run_stage(name, settings, force=force)
            return
        with LiveView(out, stages, settings) as view:
            for name in stages:
                with view.stage(name) as progress:
                    view.done(name, run_stage(name, settings, progress=progress, force=force))
        out.print(summary(settings, stages))
    if "release" in stages and refused(settings):
        raise typer.Exit(GATES_FAILED)


@app.command()
def run(
    profile: ProfileOption = "quick",
    first: Annotated[str | None, typer.Option("--from", help="Begin with this stage, and run it anew.")] = None,
    last: Annotated[str | None, typer.Option("--until", help="End with this stage.")] = None,
    *,
    force: ForceOption = False,
    logs: LogsOption = None,
    changes: SetOption = None,
) -> None:
    """Run the profile's stages, reusing what is current.

    --from takes a stage and all that follow from it, --until a stage and all that it needs.
    Ends with exit status 0 and a champion, or with 3 if the new model was measured and refused.
    """
    settings = load_settings(profile, changes=tuple(changes or ()), logs=tuple(logs or ()), refresh=force)
    _run(settings, select(settings.profile, first, last), force=force or first is not None)


def _add_stage(name: str) -> None:
    def command(
        profile: ProfileOption = "quick",
        force: ForceOption = False,
        logs: LogsOption = None,
        changes: SetOption = None,
    ) -> None:
        settings = load_settings(profile, changes=tuple(changes or ()), logs=tuple(logs or ()), refresh=force)
        _run(settings, select(settings.profile, name, name), force=force)

    app.command(name, help=f"Stage {STAGES.index(name) + 1} of {len(STAGES)}: {PIPELINE[name].help}.")(command)


for _name in STAGES:
    _add_stage(_name)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help='Such as "Which driver does PCI 8086:1533 need?"')],
    profile: ProfileOption = "quick",
    model_only: Annotated[bool, typer.Option("--model-only", help="The bare model, without the tables.")] = False,
) -> None:
    """Answer a question: facts looked up and cited, then the model's own words, marked as such."""
    from kslm.cli.answer import render
    from kslm.serve.ask import answer

    settings = load_settings(profile)
    with err.status("thinking ..."):
        result = answer(question, settings, model_only=model_only)
    out.print(render(result))


app.add_typer(corpus.app)
app.add_typer(tokens.app)


@app.command()
def collect(
    folder: Annotated[Path, typer.Argument(help="Where the snapshot is written.")] = Path(),
) -> None:
    """Write a redacted snapshot of this machine (read-only; nothing is changed, nothing is sent)."""
    from kslm.collect import collect as take

    out.print(f"wrote {take(folder)}")


@app.command()
def doctor(profile: ProfileOption = "quick") -> None:
    """Say what works here, and how to mend what does not."""
    from kslm.cli.doctor import examine, render

    checks = examine(load_settings(profile))
    out.print(render(checks))
    if any(check.required and not check.passed for check in checks):
        raise typer.Exit(1)


@app.command()
def ui(
    profile: ProfileOption = "quick",
    port: Annotated[int, typer.Option(help="TCP port on 127.0.0.1.", min=1, max=65535)] = 5000,
) -> None:
    """Open the MLflow UI on this home's store; end it with Ctrl-C."""
    settings = load_settings(profile)
    if settings.on_databricks:
        raise KslmError("the workspace has its own MLflow UI", remedy="open Experiments in the workspace")
    out.print(f"MLflow UI on {settings.tracking_uri}\nopen http://127.0.0.1:{port} (Ctrl-C ends it)")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    store = ["--backend-store-uri", settings.tracking_uri, "--registry-store-uri", settings.registry_uri]
    raise typer.Exit(subprocess.call([*command, *store]))


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    if version:
        out.print(f"kslm {__version__}")
        raise typer.Exit
