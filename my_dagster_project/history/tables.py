"""A team's history for people: tables that read well on 80 columns, whatever a commit message holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import fmean
from textwrap import shorten

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.console import Console
from my_dagster_project.history.diff import ABSENT, Comparison, both
from my_dagster_project.history.gc import GRACE, Collected, Count
from my_dagster_project.history.log import Version
from my_dagster_project.history.restore import Restoration
from my_dagster_project.storage.manifests import Asset
from my_dagster_project.storage.names import without_window

_SHA = 10
_LONGEST = 72  # characters of a commit's subject


def print_versions(console: Console, team: str, versions: Sequence[Version]) -> None:
    """The history, newest first: commit, time, what changed; sessions, figures, configuration and run below it."""
    table = _table(f"Versions of {team}, newest first", "commit", "UTC")
    table.add_column("what changed", overflow="fold")
    for version in versions:
        lines = [Text(_what(version), style="" if version.by_platform else "bold")]
        if details := _details(version):
            lines.append(Text(details, style="dim"))
        table.add_row(version.sha[:_SHA], f"{version.when:%Y-%m-%d %H:%M}", Text("\n").join(lines))
    console.print(
        table if versions else f"{team} has no versions yet; the first {everything_due()} makes one."
    )


def print_comparison(console: Console, team: str, found: Comparison) -> None:
    """Both versions' headers, configuration where it differs, scores per symbol, assets that differ."""
    for name, version in (("a", found.a), ("b", found.b)):
        line = f"{name}  {version.sha[:_SHA]}  {version.when:%Y-%m-%d %H:%M}  {_plain(version.subject)}"
        console.print(Text(line), no_wrap=True, overflow="ellipsis")
    if found.config:
        table = _table(f"configs/{team}.yaml, where it differs")
        for name in ("key", "a", "b"):
            table.add_column(name, overflow="fold")
        for key in found.config:
            table.add_row(*(Text(_plain(cell)) for cell in (key.path, key.a, key.b)))
        console.print(table)
    else:
        console.print(f"\nconfigs/{team}.yaml is the same.")
    _print_scores(console, found)
    _print_assets(console, found)
    for note in found.notes:
        console.print(Text(f"note: {_plain(note)}", style="yellow"))


def print_restoration(
    console: Console, done: Restoration, due: Sequence[Asset], unknown: Sequence[Asset]
) -> None:
    """What was brought back, and what the next run makes anew all the same."""
    table = _table(f"Restored from {done.sha[:_SHA]}", "asset", "files written", "now")
    for item in done.assets:
        state = Text("due", "yellow") if item.asset in due else Text("up to date", "green")
        table.add_row(Text(_plain("/".join(item.asset))), f"{len(item.written)} of {len(item.files)}", state)
    console.print(table)
    later = max((len(item.later) for item in done.assets), default=0)
    if later:
        console.print(f"{later} sessions that version does not have stay as they are.")
    if done.left_alone:
        stays = "Orders record what an account did, and what a season predicted was said in time."
        console.print(f"Left as they are: {_kinds(done.left_alone)}. {stays}")
    if unknown:
        console.print(
            f"Dagster does not know how these were made, so they count as due: {_kinds(unknown)}.",
            style="yellow",
        )
    elif due:
        console.print(
            "Due: with the configuration and bars of now the next run makes these anew. To keep what was\nrestored, put "
            f"that version's file back first: git show {done.sha[:_SHA]}:configs/TEAM.yaml".replace(
                "TEAM", done.assets[0].asset[0]
            )
        )


def print_collected(console: Console, found: Collected) -> None:
    """Objects and bytes: referenced, young, garbage."""
    hours = int(GRACE.total_seconds() // 3600)
    table = _table("DVC remote", "contents")
    for name in ("objects", "bytes"):
        table.add_column(name, justify="right")
    done = "deleted" if found.deleted else "would be deleted"
    rows = {
        "referenced (versions, pending, current)": found.referenced,
        f"unreferenced, written in the last {hours} h: kept": found.young,
        f"unreferenced: {done}": found.garbage,
        f"half-written in both stores, by who was killed: {done}": found.unfinished,
    }
    for name, count in rows.items():
        table.add_row(name, f"{count.objects:,}", f"{count.size:,}")
    console.print(table)
    if not found.deleted and (found.garbage, found.unfinished) != (Count(), Count()):
        console.print(
            "Nothing was deleted. `trading gc --delete` does it; fetch what other clones have pushed first."
        )


def _print_scores(console: Console, found: Comparison) -> None:
    if not found.scores:
        return
    table = _table("Scores, a | b (MASE 1.000 is naive, less is better)", "symbol")
    for name in ("sessions", "MASE", "direction", "IC"):
        table.add_column(name, justify="right", no_wrap=True)
    for symbol, (a, b) in found.scores.items():
        cells = [
            both(getattr(a, name, None), getattr(b, name, None), form)
            for name, form in (("n", ".0f"), ("mase", ".3f"), ("direction", ".1%"), ("ic", "+.3f"))
        ]
        table.add_row(symbol, *cells)
    console.print(table)


def _print_assets(console: Console, found: Comparison) -> None:
    """One line per symbol: fifty symbols have two hundred assets."""
    if not found.assets:
        console.print("All assets are the same.")
        return
    table = _table("Assets that differ", "symbol")
    for name in ("changed", "only in a", "only in b"):
        table.add_column(name)
    rows: dict[str, tuple[list[str], ...]] = {}
    for line in found.assets:
        changed, only_a, only_b = rows.setdefault(" ".join(line.asset[1:-1]) or ABSENT, ([], [], []))
        (only_b if line.a is None else only_a if line.b is None else changed).append(line.asset[-1])
    for symbol, cells in rows.items():
        table.add_row(Text(_plain(symbol)), *(Text(_plain(", ".join(cell)) or ABSENT) for cell in cells))
    console.print(table)


def _what(version: Version) -> str:
    parts = []
    if version.config_changed or not version.by_platform:
        file = "configuration" if version.config_changed else "assets"
        parts.append(
            f"{file} by {_plain(version.author)}: {shorten(_plain(version.subject), _LONGEST, placeholder=' …')}"
        )
    if version.restored_from:
        parts.append(f"restored from {version.restored_from[:_SHA]}")
    if version.assets:
        parts.append(_kinds(version.assets))
    return "\n".join(parts)


def _details(version: Version) -> str:
    mases = [mase for values in version.figures.values() if (mase := _figure(values.get("mase"))) is not None]
    runs = version.runs[:1] + ((f"+{len(version.runs) - 1}",) if version.runs[1:] else ())
    lines = (
        {"": version.sessions or "", "MASE ": f"{fmean(mases):.3f}" if mases else ""},
        {
            "config ": ", ".join(sha[:_SHA] for sha in version.config_shas),
            "run ": " ".join(run[:8] for run in runs),
        },
    )
    texts = [" · ".join(f"{name}{value}" for name, value in parts.items() if value) for parts in lines]
    return "\n".join(_plain(text) for text in texts if text)


def _figure(text: str | None) -> float | None:
    """The number a trailer holds; anybody can write a commit with a trailer that is none."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _kinds(assets: Sequence[Asset]) -> str:
    """`features 4, model 12, orders`: how many of each, of symbols and of refit windows."""
    nouns = [without_window(asset)[0][-1] for asset in assets]
    counts = Counter(nouns)
    single = {noun for noun, asset in zip(nouns, assets, strict=True) if len(asset) == 2}
    return ", ".join(
        kind if kind in single else f"{kind} {number}" for kind, number in sorted(counts.items())
    )


def _plain(text: str) -> str:
    """Without control characters: a commit message must not move anybody's cursor."""
    return "".join(char if char.isprintable() else " " for char in text)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    table.padding = (0, 1, 0, 0)
    for name in columns:
        table.add_column(name, no_wrap=True)
    return table
