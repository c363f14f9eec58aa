"""What happens reaches those it concerns: real runs, a real web server, ticks as the daemon makes them."""

import json
import os
from dataclasses import replace

import dagster as dg

from my_dagster_project.pipeline.alarming import NO_ALARM, OPEN
from my_dagster_project.pipeline.assets.keys import leaderboard_key
from my_dagster_project.pipeline.notification_sensor import tell_without_daemon
from tests.notifications.conftest import notify
from tests.notifications.runs import CANARY, CONFIG, TAGS, aged, bug, full_disk, moved, run, steady
from tests.support.loopback import Reply, serving


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


def test_the_driver_of_a_season_tells_the_same_where_no_daemon_does(sensor_ticks, red):
    settings = replace(sensor_ticks.settings, environ=dict(os.environ))
    told = sensor_ticks.platform, settings, sensor_ticks.instance
    run(sensor_ticks, full_disk)
    assert tell_without_daemon(*told) == []
    assert red.seen == [], "what was before the first look"
    run(sensor_ticks, full_disk)
    assert tell_without_daemon(*told) == []
    assert [text.partition("\n")[0] for text in sensor_ticks.told(red)] == [
        "red: red_daily for session 2013-02-27 failed."
    ]
    assert tell_without_daemon(*told) == []
    assert len(red.seen) == 1
