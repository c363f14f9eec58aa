"""`python -m my_dagster_project.deploy.dagit`: Dagster's own web server, with its own options, that foreign pages cannot use."""

from typing import Any

import click
from dagster_webserver import cli
from starlette.applications import Starlette

from my_dagster_project.deploy.dagit.looking import LooksOnly
from my_dagster_project.foundation.adopted import teach_dagit
from my_dagster_project.foundation.same_origin import SameOrigin, names_of
from my_dagster_project.foundation.settings import load_settings

_create_app = cli.create_app_from_workspace_process_context


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    # Dagster has no hook for middleware; the name is the one its command calls.
    cli.create_app_from_workspace_process_context = create_guarded_app
    teach_dagit()
    cli.main()


def create_guarded_app(*arguments: Any, **options: Any) -> Starlette:
    """Dagster's application behind the rule of `same_origin`, for the address that the command was given."""
    told = click.get_current_context().params
    names = names_of(told["host"])
    if names is not None:
        names = names_of(told["host"], load_settings().public_name)
    app = _create_app(*arguments, **options)
    graphql = f"{told['path_prefix']}/graphql"
    if told["read_only"]:
        app.add_middleware(LooksOnly, graphql=graphql)
    app.add_middleware(SameOrigin, names=names, graphql=graphql)
    return app


if __name__ == "__main__":
    main()
