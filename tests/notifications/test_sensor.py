"""What happens reaches those it concerns: real runs, a real web server, a real mail server, ticks as the daemon makes them."""

import json
import ssl
import subprocess
from dataclasses import replace

import dagster as dg
import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.notifications.delivery import slack_text
from my_dagster_project.pipeline.alarming import NO_ALARM, OPEN
from my_dagster_project.pipeline.assets.keys import leaderboard_key
from my_dagster_project.reports.report_tests import DRIFT
from tests.notifications.conftest import notify
from tests.support.loopback import Reply, serving
from tests.support.mailbox import mailbox

REPORT = dg.AssetKey(["red", "AAPL", "report"])
CONFIG = "red at f629e7c595"
TAGS = {"team": "red", "config": CONFIG, "dagster/partition": "2013-02-27"}
CANARY = "canary-0a1b2c3d4e"


def run(sensor_ticks, work, job="red_daily", tags=TAGS, key=REPORT) -> dg.ExecuteInProcessResult:
    """A real run of one asset under a team's job; `work` is its body."""

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec(DRIFT.name, asset=key)])
    def made():
        yield dg.MaterializeResult(check_results=[work()])

    definitions = dg.Definitions([made], jobs=[dg.define_asset_job(job)])
    return definitions.resolve_job_def(job).execute_in_process(
        instance=sensor_ticks.instance, tags=tags, raise_on_error=False
    )


def steady() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(check_name=DRIFT.name, passed=True)


def moved() -> dg.AssetCheckResult:
    warn = dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=DRIFT.name, passed=False, severity=warn, description="5 of 8 features moved"
    )


def full_disk() -> dg.AssetCheckResult:
    raise dg.Failure(str(StorageError("the disk is full; free some space")), allow_retries=False)


def bug() -> dg.AssetCheckResult:
    raise ZeroDivisionError(f"could not reach postgresql://dagster:{CANARY}@db/dagster")


@pytest.fixture
def red(monkeypatch):
    """Red's webhook, which takes everything."""
    with serving(Reply("ok")) as receiver:
        monkeypatch.setenv("NOTIFY_RED_WEBHOOK", f"{receiver.url}/hooks/{CANARY}")
        yield receiver


def test_what_was_before_the_first_look_is_not_told(sensor_ticks, red):
    run(sensor_ticks, full_disk)
    assert sensor_ticks.tick() == "Nothing to tell"
    assert sensor_ticks.tick() == "Nothing to tell"
    assert red.seen == []


def test_a_failure_is_told_to_its_team_in_words_with_session_commit_and_link(sensor_ticks, red):
    sensor_ticks.tick()
    result = run(sensor_ticks, full_disk)
    assert sensor_ticks.tick() == "1 told"
    assert sensor_ticks.told(red) == [
        "red: red_daily for session 2013-02-27 failed.\n"
        "red/AAPL/report: the disk is full; free some space\n"
        f"In force: {CONFIG}\n"
        f"Run: https://trading.example.org/dagit/runs/{result.run_id}"
    ]
    assert red.seen[0].headers["content-type"] == "application/json"
    sensor_ticks.tick()
    assert len(red.seen) == 1


def test_success_is_told_to_whoever_asked_for_it(sensor_ticks, red):
    sensor_ticks.tick()
    run(sensor_ticks, steady)
    assert sensor_ticks.tick() == "Nothing to tell"
    sensor_ticks.platform = notify(sensor_ticks.platform, red=("success",))
    run(sensor_ticks, steady, tags={**TAGS, "dagster/partition": "2013-02-28"})
    run(sensor_ticks, full_disk)
    sensor_ticks.tick()
    [text] = sensor_ticks.told(red)
    assert text.startswith("red: red_daily for session 2013-02-28 is done in ")


def test_drift_is_told_when_it_begins_and_again_only_after_it_was_over(sensor_ticks, red):
    sensor_ticks.tick()
    told = []
    for work in (moved, moved, steady, moved):
        run(sensor_ticks, work)
        sensor_ticks.cursor = aged(sensor_ticks.cursor)
        sensor_ticks.tick()
        told.append(len(red.seen))
    assert told == [1, 1, 1, 2]
    text = sensor_ticks.told(red)[0]
    assert text.startswith("red: features have drifted: AAPL.\nAAPL: 5 of 8 features moved\n")
    assert "trading report red SYMBOL" in text


def table(sensor_ticks, **teams: dict[str, str]) -> None:
    """A run of the table on which these alarms are open, words by id."""
    key = leaderboard_key()

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec(NO_ALARM, asset=key)])
    def made():
        said = {team: "\n".join(alarms.values()) for team, alarms in teams.items()}
        ids = {team: list(alarms) for team, alarms in teams.items()}
        told = {OPEN: dg.MetadataValue.json(ids)} | said
        yield dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(check_name=NO_ALARM, passed=not teams, metadata=told)]
        )

    job = dg.Definitions([made], jobs=[dg.define_asset_job("leaderboard")]).resolve_job_def("leaderboard")
    job.execute_in_process(instance=sensor_ticks.instance, raise_on_error=False)


def test_an_alarm_is_told_once_however_its_figures_move_and_another_one_again(sensor_ticks, red):
    sensor_ticks.tick()
    told = []
    for teams in (
        {"red": {"leak AAPL 1": "AAPL: MASE 0.36 over 60 sessions"}},
        {"red": {"leak AAPL 1": "AAPL: MASE 0.37 and IC +0.80 over 61 sessions"}},
        {"red": {"leak AAPL 1": "AAPL: MASE 0.35", "leak IBM 2": "IBM: MASE 0.40"}},
        {"red": {"leak AAPL 1": "AAPL: MASE 0.35"}},
        {},
        {},
        {"red": {"leak AAPL 1": "AAPL: MASE 0.35"}},
    ):
        table(sensor_ticks, **teams)
        sensor_ticks.cursor = aged(sensor_ticks.cursor)
        sensor_ticks.tick()
        told.append(len(red.seen))
    assert told == [1, 1, 2, 2, 3, 3, 4]
    texts = sensor_ticks.told(red)
    assert texts[0].startswith("red: an alarm is open, the team has no rank.\nAAPL: MASE 0.36")
    assert "trading clear red --reason" in texts[0]
    assert "IBM: MASE 0.40" in texts[1]
    assert texts[2].startswith("red: no alarm is open any more")


def test_the_same_failure_is_told_once_an_hour_with_how_often_it_came_again(sensor_ticks, red):
    sensor_ticks.tick()
    for day in range(20, 24):
        run(sensor_ticks, full_disk, tags={**TAGS, "dagster/partition": f"2013-02-{day}"})
    sensor_ticks.tick()
    assert len(red.seen) == 1
    sensor_ticks.cursor = aged(sensor_ticks.cursor)
    run(sensor_ticks, full_disk)
    sensor_ticks.tick()
    assert len(red.seen) == 2
    assert sensor_ticks.told(red)[1].endswith("(The same 3 more times since.)")


def test_another_cause_is_told_at_once(sensor_ticks, red):
    sensor_ticks.tick()
    run(sensor_ticks, full_disk)
    run(sensor_ticks, bug)
    sensor_ticks.tick()
    assert len(red.seen) == 2


def test_a_run_that_will_be_tried_again_has_not_failed_yet(sensor_ticks, red):
    sensor_ticks.tick()
    run(sensor_ticks, full_disk, tags={**TAGS, "dagster/will_retry": "true"})
    assert sensor_ticks.tick() == "Nothing to tell"
    run(sensor_ticks, full_disk, tags={**TAGS, "dagster/will_retry": "false"})
    assert sensor_ticks.tick() == "1 told"


def test_a_secret_in_an_error_is_not_sent(sensor_ticks, red, monkeypatch):
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", CANARY)
    sensor_ticks.tick()
    run(sensor_ticks, bug)
    sensor_ticks.tick()
    [text] = sensor_ticks.told(red)
    assert "ZeroDivisionError: could not reach postgresql://***@db/dagster" in text
    assert "Traceback" not in text
    assert CANARY not in text + (sensor_ticks.cursor or "")


def test_no_line_number_becomes_an_emoji():
    """Slack replaces `:100:`; nobody sees a space that has no width."""
    text = slack_text("configs/red.yaml:100: no such key; https://dagit:3000/runs/1, 11:30:05")
    assert ":100:" not in text
    assert ":100:" in text.replace("\u200b", "")
    assert "no such key; https://dagit:3000/runs/1, 11:30:05" in text
    assert slack_text("configs/red.yaml:99: :+1: :warning: :e-mail:").count("\u200b") == 3


def test_nobody_can_be_called_by_what_a_team_writes(sensor_ticks, red):
    """Slack reads <!channel> as a call to everybody."""
    broken = replace(sensor_ticks.platform, problems={"red": "configs/red.yaml:3: <!channel> & more"})
    sensor_ticks.tick(broken)
    [text] = sensor_ticks.told(red)
    assert "configs/red.yaml:3: &lt;!channel&gt; &amp; more" in text


def test_teams_hear_only_of_themselves_and_the_organiser_of_all(sensor_ticks, red, monkeypatch):
    market = {"team": "market"}
    with serving(Reply("ok")) as blue, serving(Reply("ok")) as organiser:
        monkeypatch.setenv("NOTIFY_BLUE_WEBHOOK", blue.url)
        monkeypatch.setenv("NOTIFY_ORGANISER_WEBHOOK", organiser.url)
        sensor_ticks.tick()
        run(sensor_ticks, full_disk)
        run(
            sensor_ticks,
            full_disk,
            job="market_daily",
            tags=market,
            key=dg.AssetKey(["market", "IBM", "bars"]),
        )
        run(sensor_ticks, full_disk, job="by_hand", tags={}, key=dg.AssetKey(["blue", "IBM", "report"]))
        sensor_ticks.tick()
        starts = [[text.split(" ")[1] for text in sensor_ticks.told(one)] for one in (red, blue, organiser)]
    assert starts == [["red_daily"], [], ["red_daily", "market_daily", "by_hand"]]


def test_a_bad_file_is_told_once_until_it_changes_and_so_is_its_mending(sensor_ticks, red):
    first = "configs/red.yaml:67: trading.buy_abov: unknown key (did you mean buy_above?)"
    broken = replace(sensor_ticks.platform, problems={"red": first})
    for _ in range(3):
        sensor_ticks.tick(broken)
    without = {team: config for team, config in sensor_ticks.platform.teams.items() if team != "red"}
    sensor_ticks.tick(
        replace(
            sensor_ticks.platform,
            problems={"red": "configs/red.yaml:1: there is no such file"},
            teams=without,
        )
    )
    sensor_ticks.tick()
    sensor_ticks.tick()
    told = sensor_ticks.told(red)
    assert told[0] == (
        f"red: configs/red.yaml has a mistake.\n{first}\n"
        "Mend it and commit; `trading validate red` checks it beforehand. The last valid file stays in force."
    )
    assert "there is no such file" in told[1]
    assert "does not take part" in told[1]
    assert told[2:] == ["red: configs/red.yaml is valid again.\nIn force: working tree"]


def test_the_organisers_own_mistake_is_told_to_the_organiser(sensor_ticks, tmp_path, monkeypatch):
    configs = tmp_path / "project" / "configs"
    configs.mkdir(parents=True)
    for source in (sensor_ticks.settings.project / "configs").glob("*.yaml"):
        (configs / source.name).write_bytes(source.read_bytes())
    sensor_ticks.settings = replace(sensor_ticks.settings, project=configs.parent)
    registry = configs / "teams.yaml"
    valid = registry.read_text()
    with serving(Reply("ok")) as organiser:
        monkeypatch.setenv("NOTIFY_ORGANISER_WEBHOOK", organiser.url)
        sensor_ticks.tick()
        registry.write_text(valid.replace("calendar: XNYS", "calender: XNYS"))
        sensor_ticks.tick()
        sensor_ticks.tick()
        registry.write_text(valid)
        (configs / "defaults.yaml").write_text("nonsense: 1\n")
        sensor_ticks.tick()
        (configs / "defaults.yaml").unlink()
        sensor_ticks.tick()
        told = sensor_ticks.told(organiser)
    assert [
        "configs/teams.yaml:4: calender: unknown key" in told[0],
        "configs/defaults.yaml:1: nonsense" in told[1],
    ] == [True, True]
    assert told[2:] == ["configs/teams.yaml and configs/defaults.yaml are valid again."]


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
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(box.port))
        monkeypatch.setenv("SMTP_FROM", "trading@example.org")
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
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(box.port))
        monkeypatch.setenv("NOTIFY_RED_EMAIL", "ann@example.org")
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
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(box.port))
        monkeypatch.setenv("SMTP_USER", "trading")
        monkeypatch.setenv("SMTP_PASSWORD", CANARY)
        monkeypatch.setenv("NOTIFY_RED_EMAIL", "ann@example.org")
        sensor_ticks.tick()
        run(sensor_ticks, full_disk)
        said = sensor_ticks.tick()
    assert said.endswith("the mail server offers no TLS, and the password is not sent in clear")
    assert box.mails == []


def test_nothing_is_kept_for_who_has_no_address(sensor_ticks):
    sensor_ticks.tick()
    run(sensor_ticks, full_disk)
    assert sensor_ticks.tick() == "Nothing to tell"
    assert json.loads(sensor_ticks.cursor)["outbox"]["letters"] == []


def test_a_cursor_nobody_can_read_is_a_new_beginning(sensor_ticks, red):
    sensor_ticks.cursor = "not ours"
    run(sensor_ticks, full_disk)
    assert sensor_ticks.tick() == "Nothing to tell"
    run(sensor_ticks, full_disk)
    assert sensor_ticks.tick() == "1 told"


def aged(cursor: str, seconds: float = 3700) -> str:
    """The cursor as it would be had all of it happened that much earlier."""
    state = json.loads(cursor)
    for told in state["outbox"]["told"].values():
        told["at"] -= seconds
    for letter in state["outbox"]["letters"]:
        letter["written"] -= seconds
        letter["due"] -= seconds
    return json.dumps(state)


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
        monkeypatch.setenv("SMTP_HOST", "localhost")
        monkeypatch.setenv("SMTP_PORT", str(box.port))
        monkeypatch.setenv("SMTP_USER", "trading")
        monkeypatch.setenv("SMTP_PASSWORD", "wrong-password")
        monkeypatch.setenv("NOTIFY_RED_EMAIL", "ann@example.org")
        sensor_ticks.tick()
        run(sensor_ticks, full_disk)
        assert sensor_ticks.tick().endswith("(SMTPAuthenticationError 535)")
        monkeypatch.setenv("SMTP_PASSWORD", CANARY)
        sensor_ticks.cursor = aged(sensor_ticks.cursor, 120)
        assert sensor_ticks.tick() == "1 told"
    assert len(box.mails) == 1
