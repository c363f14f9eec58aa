"""`trading team add`: registered by commands.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from my_dagster_project.cli.output import console
from my_dagster_project.foundation.advice import everything_due
from my_dagster_project.foundation.settings import load_settings

if TYPE_CHECKING:
    from my_dagster_project.teams.registry import Registry

app = typer.Typer(no_args_is_help=True, help="The teams that take part.")


@app.callback()
def team() -> None:
    """Without this the one command would swallow its own name."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Small letters, digits and -: green.")],
    owner: Annotated[
        list[str] | None, typer.Option(help="Mail address of a person; may be repeated.")
    ] = None,
) -> None:
    """Let one more team take part: its entry in the registry, a first file and a branch, committed on main."""
    from my_dagster_project.main_job import dvc_yaml
    from my_dagster_project.teams.adding import add_team

    project = load_settings().project

    def stages(registry: Registry) -> dict[str, bytes]:
        there = (project / dvc_yaml.FILE).is_file()
        return {dvc_yaml.FILE: dvc_yaml.dvc_yaml(registry.teams).encode()} if there else {}

    made = add_team(project, name, tuple(owner or ()), stages)
    written = ", ".join(made.files)
    if made.commit is None:
        console.say(f"Written: {written}. Commit them on main, and make branch {name} there.")
        return
    console.say(
        f"Team {name} takes part: main at {made.commit[:10]} has {written}; branch {name} begins there."
    )
    console.say(
        f"Next: {everything_due()}. With a remote: git push origin main {name}; on the stack also give the team a password."
    )
