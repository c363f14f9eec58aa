"""The environment is read once: settings made from it stay what they are, and hide what is secret in it."""

from my_dagster_project.foundation.settings import settings_from


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
