"""The command line, `trading`: what the Makefile, dvc.yaml and people call."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from my_dagster_project.cli import alarms as alarming
from my_dagster_project.cli import audit as auditing
from my_dagster_project.cli import backups as operations
from my_dagster_project.cli import bars, evaluating, explaining, rounds, validating
from my_dagster_project.cli import kill_switch as switches
from my_dagster_project.cli import reset as competition
from my_dagster_project.cli import season as seasons
from my_dagster_project.cli import team as teams_of
from my_dagster_project.cli import team_accounts as accounts
from my_dagster_project.cli import versions as history
from my_dagster_project.cli.competing import compete
from my_dagster_project.cli.in_force import assets_of
from my_dagster_project.cli.output import console, errors
from my_dagster_project.deploy.instance.home import prepare_environment
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.pool_settings import pool_is_named
from my_dagster_project.foundation.settings import Settings, load_settings
from my_dagster_project.teams.deployment import current_platform
from my_dagster_project.teams.platform import Platform
from my_dagster_project.teams.sources import uncommitted

app = typer.Typer(
    name="trading",
    no_args_is_help=True,
    help="A competition of trading models: one YAML per team, one deployment for all.",
    pretty_exceptions_enable=False,
)
for command in (history.versions, history.diff, history.restore, history.gc):
    app.command()(command)
for switch in (switches.halt, switches.resume, switches.halts):
    app.command()(switch)
app.command()(alarming.alarms)
app.command()(alarming.clear)
app.command()(auditing.audit)
for look in (accounts.account, accounts.journal, accounts.reconcile):
    app.command()(look)
app.command()(validating.validate)
app.command()(bars.fetch)
app.command()(bars.remake)
app.command()(evaluating.evaluate)
app.command()(evaluating.backtest)
app.command()(explaining.explain)
app.command()(competition.reset)
app.add_typer(teams_of.app, name="team")
app.add_typer(seasons.app, name="season")
app.command("round")(rounds.round_)
app.command()(operations.backup)
app.command()(operations.restore_backup)


def main() -> None:
    """Run the command line; an error of ours is one message and exit code 1, never a traceback."""
    outcome = "interrupted"
    try:
        app()
    except TradingError as error:
        outcome = f"failed: {error}"
        errors.say(("error:", "red"), f" {error}")
        sys.exit(1)
    except SystemExit as end:
        outcome = f"ended with {end.code}" if end.code else "done"
        raise
    finally:
        auditing.put_on_record(sys.argv[1:], outcome)


@app.command()
def run() -> None:
    """Run the main job: every team, from real prices to a leaderboard; only what changed is computed."""
    rounds.require_own_process("`trading run`")
    settings, platform = _prepared()
    rounds.require_replay(settings, platform, "`trading run`")
    compete(settings, platform)


@app.command()
def leaderboard(
    csv: Annotated[
        bool, typer.Option("--csv", help="Print the bare figures as CSV, a line per team.")
    ] = False,
    symbols: Annotated[
        bool, typer.Option("--symbols", help="With --csv: a line per team and symbol.")
    ] = False,
) -> None:
    """Print the current table without computing anything."""
    from my_dagster_project.main_job.summary import leaderboard_csv, print_leaderboard
    from my_dagster_project.pipeline.alarming import stored_leaderboard

    settings = load_settings()
    board = stored_leaderboard(assets_of(settings))
    if csv:
        typer.echo(leaderboard_csv(board, by_symbol=symbols), nl=False)
    else:
        print_leaderboard(console, board)


@app.command()
def maintenance(
    delete: Annotated[
        bool, typer.Option("--delete/--dry-run", help="Delete; without it, only say what would be.")
    ] = False,
) -> None:
    """Forget old runs in Dagster and MLflow, and contents no version needs; what is current always stays."""
    import dagster as dg

    from my_dagster_project.operations.upkeep import Upkeep

    settings, platform = _prepared()
    failed = False
    for part in Upkeep(platform, settings, delete).parts(dg.DagsterInstance.get()):
        try:
            console.say(part())
        except TradingError as error:
            failed = True
            errors.say(("error:", "red"), f" {error}")
    if failed:
        raise typer.Exit(1)


@app.command()
def freeze() -> None:
    """Print the line for configs/teams.yaml that pins every team to the commit in force, for a round."""
    _, platform = _prepared()
    commits = {
        team: source.commit for team, source in platform.sources.teams.items() if source and source.commit
    }
    pinned = ", ".join(f"{team}: {commit}" for team, commit in commits.items())
    console.say(f"competition:\n  frozen: {{{pinned}}}")
    for team in platform.teams.keys() - commits.keys():
        errors.say((f"{team} is read from the working tree; it has no commit to be pinned to.", "yellow"))


@app.command()
def status(
    html: Annotated[Path | None, typer.Option(help="Write the page to this file instead.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 when something is red, for cron.")
    ] = False,
) -> None:
    """Say of every service, schedule, team and symbol whether it is well, and what to do where it is not."""
    from my_dagster_project.cli.status_page import show_status

    settings, platform = _prepared()
    if show_status(console, settings, platform, html) == "red" and check:
        raise typer.Exit(1)


@app.command()
def front(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8080,
) -> None:
    """Serve leaderboard, status and reports as web pages on http://localhost:8080."""
    from my_dagster_project.people.front.web_server import serve

    settings, _ = _prepared()
    console.say(f"Front page: http://localhost:{port}")
    serve(settings, "127.0.0.1", port)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8200,
) -> None:
    """Serve the models in force over HTTP on http://localhost:8200: predictions, model cards, a page to try one by hand."""
    from my_dagster_project.foundation.settings import quiet_libraries
    from my_dagster_project.serving.serving_server import serve

    quiet_libraries()
    console.say(f"Models: http://localhost:{port} (every route: http://localhost:{port}/docs)")
    serve(load_settings(), "127.0.0.1", port)


@app.command()
def evidently(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8010,
) -> None:
    """Serve what Evidently measured, over time, in its own pages on http://localhost:8010."""
    from my_dagster_project.people.monitoring.evidently_server import serve

    settings, _ = _prepared()
    console.say(f"Evidently: http://localhost:{port}")
    serve(settings, "127.0.0.1", port)


@app.command()
def report(team: str, symbol: str) -> None:
    """Say where a team's report of a symbol lies, and its figures beside the naive forecast's."""
    from my_dagster_project.main_job.summary import print_report

    print_report(console, load_settings(), team, symbol)


@app.command()
def build(
    stage: Annotated[str, typer.Argument(help="bars, models, predictions, orders, fills or leaderboard")],
    team: Annotated[str | None, typer.Argument(help="The team; not for bars and leaderboard.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to export the results to (emptied first).")] = None,
) -> None:
    """Bring one stage of the chain up to date and export its results; `dvc repro` calls this."""
    from my_dagster_project.main_job.build import build_stage
    from my_dagster_project.main_job.screen import Screen
    from my_dagster_project.main_job.summary import print_problems

    rounds.require_own_process("`trading build`")
    settings, platform = _prepared()
    rounds.require_replay(settings, platform, "`trading build`")
    with Screen(console) as screen:
        result = build_stage(platform, settings, screen.show, stage, team, out)
    print_problems(console, result, platform)
    if result.problems:
        raise typer.Exit(1)


@app.command(name="dvc-yaml")
def dvc_yaml() -> None:
    """Write dvc.yaml anew: every stage of the chain, every team of the registry."""
    from my_dagster_project.main_job import dvc_yaml

    settings, platform = _prepared()
    path = settings.project / dvc_yaml.FILE
    path.write_text(dvc_yaml.dvc_yaml(platform.registry.teams), encoding="utf-8")
    console.print(f"{path} is written; commit it.", highlight=False)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def broker(context: typer.Context) -> None:
    """Serve the bundled paper broker: `--lapse` by itself, for any Alpaca client, with a clock that you drive; see `--help`."""
    os.execv(sys.executable, [sys.executable, "-m", "my_dagster_project.paper_broker", *context.args])  # noqa: S606


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Open Dagit on http://localhost:3000, with the daemon for schedules and sensors."""
    if pool_is_named():
        raise TradingError(
            "the stack has its own Dagit and its own daemon, and two daemons ask for everything twice"
        )
    settings, _ = _prepared()
    os.environ.setdefault("TRADING_DAGIT_URL", f"http://127.0.0.1:{port}")
    command = [
        sys.executable,
        "-m",
        "my_dagster_project.deploy.dagit.dev",
        "-m",
        "my_dagster_project.definitions",
    ]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    console.say(f"Dagit: http://localhost:{port}  (state in {settings.dagster_home})")
    os.execv(sys.executable, command)  # noqa: S606 - it becomes that process


def _prepared() -> tuple[Settings, Platform]:
    settings = load_settings()
    prepare_environment(settings)
    platform = current_platform(settings)
    validating.say_what_does_not_count(settings, platform)
    for team in uncommitted(settings.project, platform.sources):
        branch = platform.registry.teams[team].branch
        errors.say(
            (
                f"configs/{team}.yaml differs in your working tree; in force is {platform.origin(team)}.",
                "yellow",
            ),
            f" Commit it on branch {branch} to use it, or set TRADING_CONFIG=working-tree to try it.",
        )
    return settings, platform


if __name__ == "__main__":
    main()
