"""`trading audit`, and that every command which changes something is on record: who ran it, and how it went."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Annotated

import typer

from my_dagster_project.cli.output import console, errors
from my_dagster_project.foundation.errors import ConfigError, TradingError

# Whatever is not named here is noted. `run` and `build` leave their record in Dagster's book; a backup that is restored brings its
# own log, and has to be in the end what it was, byte for byte.
NOT_NOTED = frozenset(
    {
        *(
            "run",
            "build",
            "leaderboard",
            "status",
            "front",
            "report",
            "freeze",
            "dvc-yaml",
            "broker",
            "ui",
            "audit",
        ),
        *("versions", "diff", "halts", "alarms", "account", "journal", "reconcile", "validate"),
        *("backup", "restore-backup", "season status", "season plan"),
    }
)
_GROUPS = ("season", "team")
_ONLY_WITH_DELETE = ("gc", "maintenance")


def audit(
    last: Annotated[int, typer.Option(min=1, help="How many of the newest acts.")] = 50,
) -> None:
    """List who did what, the newest last: commands, changes in Dagit and what was refused there, pushes."""
    from my_dagster_project.cli.in_force import assets_of
    from my_dagster_project.foundation.settings import load_settings
    from my_dagster_project.storage.audit import newest

    acts = newest(assets_of(load_settings()).store, last)
    for act in reversed(acts):
        style = "" if act.outcome.startswith("done") else "yellow"
        console.say(
            (f"{act.at}  ", "dim"), (act.who, "bold"), f"  {act.door}: {act.what}  ", (act.outcome, style)
        )
    if not acts:
        console.say("Nothing is on record yet.")


def put_on_record(words: Sequence[str], outcome: str) -> None:
    """Note that this command was run, if it changes something; where that cannot be done it says so."""
    if not changes_something(words):
        return
    from my_dagster_project.cli.in_force import assets_of
    from my_dagster_project.foundation.settings import load_settings
    from my_dagster_project.foundation.sign_in import person
    from my_dagster_project.storage.audit import COMMAND, Act, note

    try:
        store = assets_of(load_settings()).store
        note(store, Act(person(), COMMAND, f"trading {shlex.join(words)}", outcome))
    except ConfigError:
        return  # Without settings nothing was done either.
    except TradingError as error:
        errors.say(("not in the audit log:", "yellow"), f" {error}")


def changes_something(words: Sequence[str]) -> bool:
    """Whether a command line is one that is noted."""
    if not words or words[0].startswith("-") or "--help" in words:
        return False
    if words[0] in _ONLY_WITH_DELETE:
        return "--delete" in words
    name = " ".join(words[:2]) if words[0] in _GROUPS else words[0]
    return name not in NOT_NOTED and name not in _GROUPS
