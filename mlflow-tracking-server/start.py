"""What the container runs: puts secrets where they belong, makes the two accounts, then becomes the MLflow server."""

import os
import re
from pathlib import Path

SECRETS = Path("/run/secrets")
AUTH_FILE = Path("/tmp/mlflow-auth.ini")  # noqa: S108 - a container has its own /tmp
TEAMS = "teams"
LEAST = 12  # characters of a password, MLflow's own rule
SERVER = {
    "MLFLOW_HOST": "0.0.0.0",  # noqa: S104 - what is published is the compose file's business
    "MLFLOW_PORT": "5000",
    # Four workers and the job runner hold 2.6 GB; one without jobs 0.5 GB.
    "MLFLOW_WORKERS": "1",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_AUTH_CONFIG_PATH": str(AUTH_FILE),
    # A route for which nobody has decided who may use it is closed.
    "MLFLOW_BASIC_AUTH_FAIL_CLOSED": "true",
    # Where `readers` is.
    "PYTHONPATH": str(Path(__file__).parent),
}


def main() -> None:
    """Start; never returns."""
    secrets = {file.name: file.read_text().strip() for file in SECRETS.iterdir() if file.is_file()}
    os.environ |= {name: filled(value, secrets) for name, value in os.environ.items()} | SERVER
    os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"] = secrets["MLFLOW_FLASK_SERVER_SECRET_KEY"]
    admin = secrets["MLFLOW_TRACKING_USERNAME"], secrets["MLFLOW_TRACKING_PASSWORD"]
    database = os.environ["MLFLOW_ACCOUNTS_URI"]
    write_auth_file(AUTH_FILE, database, admin)
    make_accounts(database, admin, {TEAMS: secrets["TEAMS_PASSWORD"], **team_accounts(secrets)})
    serve()


def serve() -> None:
    """Become MLflow's web server. `mlflow server` starts it as another process and waits beside it, with 150 MB of its own."""
    import mlflow.server
    from mlflow.cli import cli

    mlflow.server._exec_cmd = become
    cli(["server", "--app-name", "basic-auth"])


def become(command: list[str], *, extra_env: dict[str, str], **_: object) -> None:
    """What MLflow would start, in our place."""
    os.execvpe(command[0], command, os.environ | extra_env)  # noqa: S606


def filled(text: str, secrets: dict[str, str]) -> str:
    """The text with the secret NAME in the place of {NAME}."""
    return re.sub(r"\{([A-Z0-9_]+)\}", lambda found: secrets.get(found[1], found[0]), text)


def write_auth_file(file: Path, database: str, admin: tuple[str, str]) -> None:
    """MLflow takes where its accounts lie, and what everybody may do, from a file only."""
    lines = [
        "[mlflow]",
        "default_permission = READ",
        "authorization_function = readers:authenticate",
        # Passwords are letters and digits; % would be interpolation here.
        f"database_uri = {database.replace('%', '%%')}",
        f"admin_username = {admin[0]}",
        f"admin_password = {admin[1].replace('%', '%%')}",
        # Without it every request hashes the password anew, 0.2 s.
        "auth_cache_ttl_seconds = 60",
    ]
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("\n".join(lines) + "\n")


def team_accounts(secrets: dict[str, str]) -> dict[str, str]:
    """A team signs in here as at git; its name is its experiment's. (None where MLflow runs alone.)"""
    pairs = (pair.split(":", 1) for pair in secrets.get("GIT_ACCOUNTS", "").split(",") if ":" in pair)
    others = (TEAMS, "organiser", "platform", secrets["MLFLOW_TRACKING_USERNAME"])
    teams = {name: password for name, password in pairs if name not in others}
    for name in [name for name, password in teams.items() if len(password) < LEAST]:
        print(
            f"Team {name} has no account here: its password in GIT_ACCOUNTS is shorter than {LEAST} characters."
        )
        del teams[name]
    return teams


def make_accounts(database: str, admin: tuple[str, str], readers: dict[str, str]) -> None:
    """The administrator, and those who may look; a password changed in .env.secrets counts from the next start.

    MLflow itself makes the administrator once and ignores the password ever after.
    """
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    store = SqlAlchemyStore()
    store.init_db(database)
    accounts = [(*admin, True), *((name, password, False) for name, password in readers.items())]
    for name, password, is_admin in accounts:
        if not store.has_user(name):
            store.create_user(name, password, is_admin=is_admin)
        elif not store.authenticate_user(name, password):
            store.update_user(name, password=password)


if __name__ == "__main__":
    main()
