"""The command line, `trading`. Scripts that are installed already call `main` under this name."""


def main() -> None:
    """Run the command line."""
    from my_dagster_project.cli.commands import main as run

    run()
