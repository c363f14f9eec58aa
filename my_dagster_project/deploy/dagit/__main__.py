"""`python -m my_dagster_project.deploy.dagit`: Dagster's own web server, with its own options, in which everybody does what he may."""

from dagster_webserver import cli

from my_dagster_project.deploy.dagit.persons import create_guarded_app
from my_dagster_project.foundation.adopted import teach_dagit


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    # Dagster has no hook for its server; the name is the one its command calls.
    cli.create_app_from_workspace_process_context = create_guarded_app  # type: ignore[assignment]
    teach_dagit()
    cli.main()


if __name__ == "__main__":
    main()
