"""`python -m my_dagster_project.people.monitoring`: Evidently's pages as a service of the stack, on every address of its container."""

import sys

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import load_settings
from my_dagster_project.people.monitoring.evidently_server import serve

_PORT = 8010


def main() -> int:
    """Serve until SIGTERM; 1 when it is set up wrongly."""
    try:
        settings = load_settings()
    except TradingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    serve(settings, "0.0.0.0", _PORT)  # noqa: S104 - in a container
    return 0


if __name__ == "__main__":
    sys.exit(main())
