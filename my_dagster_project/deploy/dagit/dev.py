"""`python -m my_dagster_project.deploy.dagit.dev`: `dagster dev`, whose web server is ours (`my_dagster_project.deploy.dagit`)."""

from collections.abc import Sequence
from typing import Any

from my_dagster_project.foundation.dagster_private import dev_command_module

# What `dagster dev` starts, and what is started in its place; anything else is a Dagster that we do not know.
_MODULES = {"dagster_webserver": "my_dagster_project.deploy.dagit", "dagster._daemon": "dagster._daemon"}

_dev = dev_command_module()
_open = _dev.open_ipc_subprocess


def main() -> None:
    """Run web server, daemon and code server until Ctrl-C."""
    _dev.open_ipc_subprocess = open_guarded
    _dev.dev_command()


def open_guarded(parts: Sequence[str], **options: Any) -> Any:
    """Start a process of `dagster dev`; raises KeyError for a module that is not in the list."""
    python, flag, module, *rest = parts
    return _open([python, flag, _MODULES[module], *rest], **options)


if __name__ == "__main__":
    main()
