"""The table at the end of a run: what was built, how good it is beside its baselines, and what to type next."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kslm import outputs
from kslm.errors import DataError
from kslm.outputs import Curated, Ingested, Outputs, Released
from kslm.pipeline import PIPELINE, before, select
from kslm.report import Report
from kslm.settings import Settings

Reports = dict[str, Report[Outputs]]


def refused(settings: Settings) -> bool:
    """Whether the last release measured a model and did not promote it."""
    try:
        return not outputs.load(settings, Released).outputs.promoted
    except DataError:
        return False


def summary(settings: Settings, stages: tuple[str, ...]) -> RenderableType:
    """What a verb prints when it ends: the figures of the stages it ran, and what to type next."""
    paths = {name: settings.home.report(settings.profile.profile, name) for name in stages}
    reports: Reports = {name: Report.load(path, PIPELINE[name].makes) for name, path in paths.items()}
    parts: list[RenderableType] = []
    if len(stages) > 1:
        parts.append(_timings(reports))
    parts.append(_figures(reports))
    for report in reports.values():
        if isinstance(report.outputs, Released):
            parts += [_variants(report.outputs), _gates(report.outputs)]
    if changed := _changes(reports):
        parts.append(changed)
    parts.append(_where_and_next(settings, reports, stages))
    return Group(*parts)


def _grid(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2), pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left", header_style="dim")
    return table


def _timings(reports: Reports) -> Table:
    table = _grid("\nStages", "", "seconds", "CPU-seconds", "peak RSS MB")
    for name, report in reports.items():
        cpu, rss = (report.metrics.get(f"{name}/{key}", 0.0) for key in ("cpu_seconds", "peak_rss_mb"))
        table.add_row(name, f"{report.seconds:.1f}", f"{cpu:.1f}", f"{rss:,.0f}")
    return table


def _figures(reports: Reports) -> Table:
    metrics = {key: value for report in reports.values() for key, value in report.metrics.items()}
    table = _grid("\nResult", "", "")
    rows = (
        ("documents (gold)", "curate/documents", "{:,.0f}"),
        ("quarantined inputs", "ingest/quarantined", "{:,.0f}"),
        ("training tokens in the corpus", "tokenize/tokens/train", "{:,.0f}"),
        ("bytes per token", "tokenize/bytes_per_token", "{:.2f}"),
        ("parameters", "train/parameters", "{:,.0f}"),
        ("perplexity, held-out test split", "test/perplexity", "{:.1f}"),
        ("  bigram baseline, same tokens", "baseline/bigram/perplexity", "{:.1f}"),
        ("  unigram baseline, same tokens", "baseline/unigram/perplexity", "{:.1f}"),
        ("bits per byte, held-out test split", "test/bits_per_byte", "{:.3f}"),
        ("  bigram baseline", "baseline/bigram/bits_per_byte", "{:.3f}"),
    )
    for label, key, form in rows:
        if key in metrics:
            table.add_row(label, form.format(metrics[key]))
    for key in sorted(metrics):
        if key.startswith("test/perplexity/"):
            table.add_row(f"  perplexity, slice {key.rsplit('/', 1)[1]}", f"{metrics[key]:.1f}")
    return table


def _changes(reports: Reports) -> Table | None:
    """Rows of each table that became others in its stage's last run; None where none did."""
    table = _grid("\nTables changed", "", "+ new", "~ changed", "− gone", "only restamped", "unchanged")
    for report in reports.values():
        changes = report.outputs.changes if isinstance(report.outputs, Ingested | Curated) else {}
        for name, counts in changes.items():
            shown = [counts[key] for key in ("inserted", "updated", "deleted", "restamped", "unchanged")]
            if any(shown[:4]):
                table.add_row(name, *(f"{count:,}" for count in shown))
    return table if table.row_count else None


def _variants(released: Released) -> Table:
    table = _grid("\nVariants", "", "perplexity", "MB", "decode tok/s", "prefill tok/s", "RSS MB", "registered as")
    for name, variant in released.variants.items():
        measured = variant.model_extra or {}
        table.add_row(
            name,
            *(_number(measured.get(key)) for key in ("perplexity", "size_mb")),
            *(_number(measured.get(f"{key}_tokens_per_second")) for key in ("decode", "prefill")),
            _number(measured.get("peak_rss_mb")),
            variant.registered_as,
        )
    return table


def _gates(released: Released) -> Table:
    table = _grid("\nGates", "", "figure", "bound", "")
    for gate in released.gates:
        verdict = Text("pass", style="green") if gate.passed else Text("FAIL", style="bold red")
        table.add_row(gate.name, _number(gate.figure), _number(gate.bound), verdict)
    return table


def _number(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _where_and_next(settings: Settings, reports: Reports, stages: tuple[str, ...]) -> Text:
    lines = [f"\nEverything lies in {settings.home.root}"]
    profile = settings.profile
    following = [name for name in select(profile) if stages[-1] in before(profile, name)]
    records = (report.outputs for report in reports.values())
    if released := next((record for record in records if isinstance(record, Released)), None):
        alias = "champion" if released.promoted else "challenger (refused by its gates; never promoted)"
        lines += [f"{released.model_name} version {released.version} is {alias}", ""]
        lines += [
            'Next:  kslm ask "Which driver does PCI 8086:1533 need?"',
            "       kslm ui        runs, plots and models in the browser",
        ]
    elif following:
        lines += ["", f"Next:  kslm {following[0]} --profile {profile.profile}"]
    return Text("\n".join(lines))
