"""What the container runs: accounts, repository, then the web server in our place (so that it gets the stop signal)."""

import os
import shutil
import sys
from pathlib import Path

from my_dagster_project.deploy.git.git_accounts import AccountsError, read_accounts, write_htpasswd
from my_dagster_project.deploy.git.repository import SeedError, install, prepare, teams_without_account

_DEFAULTS = {
    "GIT_ACCOUNTS_FILE": "/run/secrets/GIT_ACCOUNTS",
    "GIT_HOOK_SECRET_FILE": "/run/secrets/GIT_HOOK_SECRET",
    "GIT_HOOK_URL": "",
    "GIT_ROOT": "/srv/git",
    "GIT_SEASON": "",
    "GIT_RUN": "/run/git",
    "GIT_SOURCE": "/source",
    "GIT_BIND": "0.0.0.0",  # noqa: S104 - inside the container; what is published is the compose file's business
    "GIT_PORT": "8418",
}
_REPOSITORY = "teams.git"


def main() -> None:
    """Start, or say in one line why not."""
    environ = {**_DEFAULTS, **{name: value for name, value in os.environ.items() if value}}
    root, run = Path(environ["GIT_ROOT"]), Path(environ["GIT_RUN"])
    try:
        accounts = read_accounts(_secret(Path(environ["GIT_ACCOUNTS_FILE"])))
        shutil.rmtree(root / "uploads", ignore_errors=True)  # of requests that a kill interrupted
        for folder in (root / "uploads", run):
            folder.mkdir(parents=True, exist_ok=True)
        write_htpasswd(accounts, run / "htpasswd")
        for program, module in (("receive", "receive"), ("look", "sight")):
            install(root / program, f"my_dagster_project.deploy.git.{module}")
        print(prepare(root / _REPOSITORY, Path(environ["GIT_SOURCE"]), environ["GIT_SEASON"]))
    except (AccountsError, SeedError, OSError) as error:
        sys.exit(f"git: {error}")
    for team in teams_without_account(root / _REPOSITORY, accounts):
        print(f"Team {team} has no account yet: add it to GIT_ACCOUNTS and start this service anew.")
    print(f"Accounts: {', '.join(sorted(accounts))}.", flush=True)
    os.execvpe(_server(), ["lighttpd", "-D", "-f", str(Path(__file__).with_name("lighttpd.conf"))], environ)  # noqa: S606


def _secret(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise AccountsError(
            f"the secret GIT_ACCOUNTS cannot be read ({error}); .env.secrets has to say"
            " GIT_ACCOUNTS=organiser:...,platform:...,red:..."
        ) from None


def _server() -> str:
    # /usr/sbin is not in everybody's PATH.
    return next(
        (path for path in ("/usr/sbin/lighttpd", "/usr/local/sbin/lighttpd") if Path(path).is_file()),
        "lighttpd",
    )


if __name__ == "__main__":
    main()
