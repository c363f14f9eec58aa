"""Where the commands print: results to standard output, everything else to standard error."""

from my_dagster_project.foundation.console import Console

console = Console()
errors = Console(stderr=True)
