"""`.env.secrets` is made once, completed later, never changed; and knowing the stack's secrets changes no laptop."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from dotenv import dotenv_values

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.operations import secrets

ROOT = Path(__file__).parents[2]
REGISTRY = "teams:\n  red:\n    branch: red\n  deep-blue: {branch: blue}   # two\nmarket:\n  source: sample\n"


def values(file: Path) -> dict[str, str | None]:
    return dotenv_values(file, interpolate=False)


@pytest.fixture
def file(tmp_path):
    return tmp_path / ".env.secrets"


def test_a_new_file_has_a_safe_random_value_for_every_name_and_is_private(file):
    outcome = secrets.complete(file, ["red"])
    made = values(file)
    assert outcome.variables == list(secrets.GENERATED)
    assert set(made) == {*secrets.GENERATED, "GIT_ACCOUNTS"}
    assert all(
        re.fullmatch(r"[A-Za-z0-9]{20,64}", made[name])
        for name in made
        if made[name] != "admin" and name != "GIT_ACCOUNTS"
    )
    assert len(set(made.values())) == len(made)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == [".env.secrets"]


def test_a_second_time_changes_nothing(file):
    secrets.complete(file, ["red"])
    before = file.read_bytes(), file.stat().st_mtime_ns
    outcome = secrets.complete(file, ["red"])
    assert (outcome.variables, outcome.accounts) == ([], [])
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


def test_what_is_there_stays_and_what_is_empty_is_filled_in_its_place(file):
    mine = "export TEAMS_PASSWORD='kept-by-me'"  # pragma: allowlist secret
    text = f"# mine\nALPACA_RED_KEY=PK$1\nREDIS_PASSWORD=\n{mine}\n#POSTGRES_PASSWORD=no\n"
    file.write_text(text)
    file.chmod(0o644)
    secrets.complete(file, [])
    lines = file.read_text().splitlines()
    assert lines[:2] + lines[3:5] == [text.splitlines()[number] for number in (0, 1, 3, 4)]
    assert re.fullmatch(r"REDIS_PASSWORD=\w{32}", lines[2])
    assert values(file)["TEAMS_PASSWORD"] == "kept-by-me"  # pragma: allowlist secret
    assert re.fullmatch(r"\w{32}", values(file)["POSTGRES_PASSWORD"])
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_team_added_later_gets_its_git_account_and_the_others_keep_theirs(file):
    secrets.complete(file, ["red"])
    before = dict(pair.split(":") for pair in values(file)["GIT_ACCOUNTS"].split(","))
    assert secrets.complete(file, ["red", "green"]).accounts == ["green"]
    after = dict(pair.split(":") for pair in values(file)["GIT_ACCOUNTS"].split(","))
    assert {**after, "green": ""} == {**before, "green": ""}
    assert list(after) == ["organiser", "platform", "red", "green"]
    assert after["platform"] == values(file)["GIT_PASSWORD"]


def test_two_at_once_make_one_file(file):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda team: secrets.complete(file, [team]), ["red", "blue", "green", "gold"]))
    accounts = {pair.split(":")[0] for pair in values(file)["GIT_ACCOUNTS"].split(",")}
    assert accounts == {"organiser", "platform", "red", "blue", "green", "gold"}


@pytest.mark.parametrize(
    "line",
    [
        "REDIS_PASSWORD=a$b1234567",  # pragma: allowlist secret
        "GIT_ACCOUNTS=red: with blank",
        "GIT_PASSWORD='two words'",  # pragma: allowlist secret
    ],
)
def test_a_value_compose_would_read_otherwise_is_named_and_never_shown(file, line):
    file.write_text(line + "\n")
    with pytest.raises(secrets.UnsafeValueError) as caught:
        secrets.complete(file, [])
    name, value = line.split("=")
    assert name in str(caught.value)
    assert value not in str(caught.value)
    assert file.read_text() == line + "\n"


def test_team_names_are_those_of_the_real_reader():
    assert secrets.team_names(REGISTRY) == ["red", "deep-blue"]
    assert secrets.team_names((ROOT / "configs" / "teams.yaml").read_text()) == ["red", "blue"]
    assert secrets.team_names("teams: {red: {}}") == []


def test_the_command_runs_without_the_virtual_environment_and_says_names_only(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "teams.yaml").write_text(REGISTRY)
    # -S -E: no site-packages, so nothing but the standard library can be imported.
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c",
         f"import sys; sys.path.insert(0, {str(ROOT)!r}); from my_dagster_project.operations.secrets import main; sys.exit(main())"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    made = values(tmp_path / ".env.secrets")
    assert done.returncode == 0, done.stderr
    assert "git accounts: organiser, platform, red, deep-blue" in done.stdout
    secret = [part for value in made.values() for part in re.split("[,:]", value) if len(part) >= 20]
    assert len(secret) > 20
    assert not any(value in done.stdout + done.stderr for value in secret)


def test_the_template_names_every_secret():
    text = (ROOT / ".env.secrets.template").read_text()
    named = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))
    assert {*secrets.GENERATED, "GIT_ACCOUNTS", "SMTP_PASSWORD", "NOTIFY_ORGANISER_WEBHOOK"} <= named
    assert not [value for value in values(ROOT / ".env.secrets.template").values() if value]


def test_knowing_the_stacks_secrets_changes_nothing_on_a_laptop(tmp_path, file):
    secrets.complete(file, ["red", "blue"])
    known = {"TRADING_HOME": str(tmp_path), **values(file)}
    plain = settings_from({"TRADING_HOME": str(tmp_path)}, ROOT)
    with_secrets = settings_from(known, ROOT)
    # There, and used by nothing without an s3:// address and an http(s) remote.
    assert with_secrets.s3 is not None
    assert with_secrets.git_login is not None
    assert replace(with_secrets, s3=None, git_login=None) == plain
