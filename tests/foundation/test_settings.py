"""The environment is read once: settings made from it stay what they are, and hide what is secret in it."""

from my_dagster_project.foundation.settings import load_settings, settings_from


def test_settings_are_those_of_the_environment_they_were_made_from(tmp_path, monkeypatch):
    environ = {"ALPACA_RED_KEY": "k", "ALPACA_RED_SECRET": "canary-91c2", "DAGSTER_HOME": str(tmp_path)}
    settings = settings_from(environ, tmp_path)
    environ.clear()
    monkeypatch.setenv("ALPACA_RED_SECRET", "another")
    monkeypatch.setenv("NOTIFY_RED_EMAIL", "ann@example.org")
    credentials = settings.credentials("RED")
    assert (credentials.key, credentials.secret) == ("k", "canary-91c2")
    assert settings.contact("red").address("email") == ""
    assert settings.instance_home == tmp_path
    assert "canary-91c2" not in repr(settings)


def test_the_secrets_file_of_whoever_runs_the_tests_is_read_by_none_of_them(tmp_path, environ, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "teams.yaml").touch()
    (tmp_path / ".env.secrets").write_text("GIT_HOOK_SECRET=mine\nALPACA_RED_KEY=mine\n")
    monkeypatch.setenv("GIT_HOOK_SECRET", "")
    monkeypatch.delenv("GIT_HOOK_SECRET")
    environ(TRADING_PROJECT=str(tmp_path))
    assert load_settings().git_hook_secret == ""
    # Everybody else's command reads it, and the environment goes first.
    environ(PYTHON_DOTENV_DISABLED="0", ALPACA_RED_KEY="given")
    settings = load_settings()
    assert (settings.git_hook_secret, settings.environ["ALPACA_RED_KEY"]) == ("mine", "given")
