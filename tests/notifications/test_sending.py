"""What is to be told arrives: at a real web server, a real mail server, later where they are away, and never twice."""

import ssl
import subprocess

from aiosmtpd.smtp import AuthResult, LoginPassword

from my_dagster_project.notifications.delivery import slack_text
from tests.notifications.runs import CANARY, aged, bug, full_disk, run
from tests.support.loopback import Reply, serving
from tests.support.mailbox import mailbox


def mail_by(monkeypatch, box, **settings) -> None:
    """Red's address is Ann's, and mail goes by this server."""
    monkeypatch.setenv("NOTIFY_RED_EMAIL", "ann@example.org")
    for name, value in {"HOST": "127.0.0.1", "PORT": str(box.port), **settings}.items():
        monkeypatch.setenv(f"SMTP_{name}", value)


def test_no_line_number_becomes_an_emoji():
    """Slack replaces `:100:`; nobody sees a space that has no width."""
    text = slack_text("configs/red.yaml:100: no such key; https://dagit:3000/runs/1, 11:30:05")
    assert ":100:" not in text
    assert ":100:" in text.replace("\u200b", "")
    assert "no such key; https://dagit:3000/runs/1, 11:30:05" in text
    assert slack_text("configs/red.yaml:99: :+1: :warning: :e-mail:").count("\u200b") == 3


def test_what_could_not_be_sent_is_sent_later_and_fails_nothing(sensor_ticks, monkeypatch):
    with serving(Reply("no", 500), Reply("no", 302, {"Location": "http://127.0.0.1:1/"}), Reply("ok")) as red:
        monkeypatch.setenv("NOTIFY_RED_WEBHOOK", f"{red.url}/hooks/{CANARY}")
        sensor_ticks.tick()
        run(sensor_ticks, full_disk)
        run(sensor_ticks, bug)
        assert sensor_ticks.tick() == "Nothing to tell; webhook of red: the webhook answered HTTP 500"
        assert len(red.seen) == 1  # one failure is enough to leave the address alone for this tick
        assert sensor_ticks.tick() == "Nothing to tell; webhook of red: the webhook answered HTTP 302"
        sensor_ticks.cursor = aged(sensor_ticks.cursor, 120)
        assert sensor_ticks.tick() == "2 told"
        assert sensor_ticks.tick() == "Nothing to tell"
        texts = sensor_ticks.told(red)
    assert texts[0] == texts[2] or texts[0] == texts[3]
    assert CANARY not in (sensor_ticks.cursor or "")


def test_an_address_nobody_answers_at_is_given_up_after_a_day(sensor_ticks, monkeypatch):
    monkeypatch.setenv("NOTIFY_RED_WEBHOOK", f"http://127.0.0.1:9/{CANARY}")
    sensor_ticks.tick()
    run(sensor_ticks, full_disk)
    assert (
        sensor_ticks.tick()
        == "Nothing to tell; webhook of red: the webhook does not answer (ConnectionError)"
    )
    sensor_ticks.cursor = aged(sensor_ticks.cursor, 25 * 3600)
    said = sensor_ticks.tick()
    assert "1 messages could not be delivered and are given up" in said
    assert CANARY not in said
    assert sensor_ticks.tick() == "Nothing to tell"


def test_a_webhook_that_hangs_costs_seconds_and_no_other_letter(sensor_ticks, monkeypatch):
    with serving(Reply(hang=True)) as red, serving(Reply("ok")) as organiser:
        monkeypatch.setenv("NOTIFY_RED_WEBHOOK", red.url)
        monkeypatch.setenv("NOTIFY_ORGANISER_WEBHOOK", organiser.url)
        monkeypatch.setattr("my_dagster_project.notifications.delivery._ANSWER_SECONDS", 0.3)
        sensor_ticks.tick()
        run(sensor_ticks, full_disk)
        assert sensor_ticks.tick() == "1 told; webhook of red: the webhook does not answer (ReadTimeout)"
        assert len(organiser.seen) == 1


def test_mail_arrives_with_subject_and_text(sensor_ticks, monkeypatch):
    with mailbox() as box:
        mail_by(monkeypatch, box, FROM="trading@example.org")
        monkeypatch.setenv("NOTIFY_RED_EMAIL", "ann@example.org, bob@example.org")
        sensor_ticks.tick()
        run(sensor_ticks, full_disk)
        assert sensor_ticks.tick() == "1 told"
    [mail] = box.mails
    assert (mail["Subject"], mail["From"]) == (
        "red: red_daily for session 2013-02-27 failed",
        "trading@example.org",
    )
    assert box.recipients == [["ann@example.org", "bob@example.org"]]
    assert "the disk is full" in mail.get_content()


def test_a_mail_that_is_refused_waits_and_a_webhook_beside_it_is_not_told_twice(
    sensor_ticks, red, monkeypatch
):
    with mailbox() as box:
        mail_by(monkeypatch, box)
        box.refuse = "452 no room"
        sensor_ticks.tick()
        run(sensor_ticks, full_disk)
        assert (
            sensor_ticks.tick() == "1 told; email of red: the mail server did not take it (SMTPDataError 452)"
        )
        box.refuse = ""
        sensor_ticks.cursor = aged(sensor_ticks.cursor, 120)
        assert sensor_ticks.tick() == "1 told"
    assert (len(box.mails), len(red.seen)) == (1, 1)


def test_the_password_of_the_mail_server_never_goes_in_clear(sensor_ticks, monkeypatch):
    with mailbox(auth_require_tls=False) as box:
        mail_by(monkeypatch, box, USER="trading", PASSWORD=CANARY)
        sensor_ticks.tick()
        run(sensor_ticks, full_disk)
        said = sensor_ticks.tick()
    assert said.endswith("the mail server offers no TLS, and the password is not sent in clear")
    assert box.mails == []


def test_mail_goes_over_tls_with_a_login_where_the_server_wants_one(sensor_ticks, monkeypatch, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", tmp_path / "key", "-out", tmp_path / "cert"],
        check=True, capture_output=True,
    )  # fmt: skip
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    known = LoginPassword(b"trading", CANARY.encode())

    def allow(server, session, envelope, mechanism, login):
        return AuthResult(success=login == known, handled=False)

    with mailbox(tls_context=tls, require_starttls=True, auth_required=True, authenticator=allow) as box:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
        mail_by(monkeypatch, box, HOST="localhost", USER="trading", PASSWORD="wrong-password")
        sensor_ticks.tick()
        run(sensor_ticks, full_disk)
        assert sensor_ticks.tick().endswith("(SMTPAuthenticationError 535)")
        monkeypatch.setenv("SMTP_PASSWORD", CANARY)
        sensor_ticks.cursor = aged(sensor_ticks.cursor, 120)
        assert sensor_ticks.tick() == "1 told"
    assert len(box.mails) == 1
