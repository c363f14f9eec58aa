"""`python -m my_dagster_project.serving`: the models as a service of the stack, on every address of its container."""

import argparse
import sys

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.settings import load_settings, quiet_libraries
from my_dagster_project.serving.serving_server import serve


def main() -> int:
    """Serve until SIGTERM; 1 when it is set up wrongly."""
    options = argparse.ArgumentParser(prog="python -m my_dagster_project.serving", description=__doc__)
    options.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104 - in a container
    options.add_argument("--port", type=int, default=8200)
    chosen = options.parse_args()
    quiet_libraries()
    try:
        serve(load_settings(), chosen.host, chosen.port)
    except TradingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
