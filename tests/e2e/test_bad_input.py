"""Whatever is wrong: one clear message that names the place, the others finish, exit code 1, never a traceback."""

import socket
from datetime import date

import pytest

from my_dagster_project.market_data.sample import SampleSource
from tests.e2e.project import Project
from tests.support.gitrepo import git

SAMPLE = (date(2009, 1, 2), date(2013, 3, 1))


def csv_prices(project: Project, *symbols: str) -> None:
    """Switch the source to CSV files with the real prices of some symbols."""
    folder = project.folder / "prices"
    folder.mkdir()
    for symbol in symbols:
        SampleSource().fetch(symbol, *SAMPLE).to_csv(folder / f"{symbol}.csv", index=False)
    project.edit("teams", lambda registry: registry["market"].update(source="csv", path="prices"))


def retrade_blue(project: Project) -> None:
    """Give blue something to do, so that it can be seen to finish."""
    project.commit_edit("blue", lambda config: config["trading"].update(position_share=0.1))


def test_outside_of_a_project_it_says_where_to_go(tmp_path):
    done = Project(tmp_path).trading("run")
    assert done.code == 1
    assert "no configs/teams.yaml" in done.err
    assert "change into the project's folder" in done.err
    assert not list(tmp_path.iterdir())


def test_a_project_folder_that_is_not_there_is_said(tmp_path):
    done = Project(tmp_path).trading("run", TRADING_PROJECT="/nonexistent")
    assert done.code == 1
    assert "/nonexistent" in done.err


def test_a_broken_registry_stops_everything_with_its_line(fresh):
    project = fresh()
    path = project.folder / "configs" / "teams.yaml"
    path.write_text(path.read_text().replace("platform_branch", "platform_brnch"))
    line = 1 + path.read_text()[: path.read_text().index("platform_brnch")].count("\n")
    for command in (["run"], ["validate"]):
        done = project.trading(*command)
        assert done.code == 1
        assert (
            f"configs/teams.yaml:{line}: platform_brnch: unknown key (did you mean platform_branch?)"
            in done.err
        )
    assert not project.store.exists()


def test_a_torn_registry_is_said_with_its_line(fresh):
    project = fresh()
    path = project.folder / "configs" / "teams.yaml"
    path.write_text("calendar: XNYS\nmarket: {source: sample\n")
    done = project.trading("run")
    assert done.code == 1
    assert "configs/teams.yaml:" in done.err


def test_what_only_ludwig_knows_is_said_with_its_line_when_asked_and_known_from_then_on(copied):
    clipping = {"gradient_clipping": {"clipvalue": 0.5}}  # in Ludwig's schema, and never worked
    copied.edit("red", lambda config: config["ludwig"]["trainer"].update(clipping))
    before = copied.trading("validate", "red")
    assert before.code == 0
    assert "Ludwig tries it before the first training" in before.out
    text = (copied.folder / "configs" / "red.yaml").read_text()
    line = 1 + text[: text.index("clipvalue")].count("\n")
    said = f"configs/red.yaml:{line}: ludwig.trainer.gradient_clipping.clipvalue: Ludwig cannot train it: "
    for arguments in (["--build"], []):
        done = copied.trading("validate", "red", *arguments)
        assert (done.code, said in done.out) == (1, True), done.text


def test_without_one_valid_team_file_every_mistake_is_said_and_nothing_breaks(fresh):
    project = fresh()
    for team in ("red", "blue"):
        project.edit(team, lambda config: config.update(speling=1))
    done = project.trading("run")
    assert done.code == 1
    for team in ("red", "blue"):
        assert f"configs/{team}.yaml:" in done.out
    assert done.out.count("speling: unknown key") == 2
    assert "There is no leaderboard yet" in done.out


@pytest.mark.slow
def test_names_that_do_not_exist_are_answered_with_those_that_do(fresh):
    project = fresh()
    for command, answer in {
        "validate green": "teams are red, blue",
        "build harvest": "there are bars, models, predictions, orders, fills, leaderboard",
        "build models green": "teams are red, blue",
        "report red ZZZZ": "team red has no report of ZZZZ",
        "leaderboard": "`trading run` makes it",
    }.items():
        done = project.trading(*command.split())
        assert done.code == 1, command
        assert answer in done.err, command


@pytest.mark.slow
def test_a_key_nobody_knows_keeps_the_teams_last_valid_file_in_force_and_the_others_go_on(copied):
    before = copied.stored()
    copied.commit_edit("red", lambda config: config["ludwig"]["trainer"].update(epocs=9))
    retrade_blue(copied)
    done = copied.trading("run")
    assert done.code == 1
    assert "configs/red.yaml:" in done.out
    assert "ludwig.trainer.epocs: unknown key (did you mean epochs?)" in done.out
    assert "blue: trading 5 done" in done.out
    after = copied.stored()
    assert {
        name for name in after if name.startswith("store/red/") and after[name] != before.get(name)
    } == set()


@pytest.mark.full
def test_bad_files_and_unknown_symbols_stop_only_themselves_and_a_later_run_waits_for_nobody(copied):
    csv_prices(copied, "AAPL", "IBM", "MSFT")
    prices = copied.folder / "prices"
    whole = (prices / "MSFT.csv").read_text()
    (prices / "MSFT.csv").write_text(whole[: len(whole) // 2])
    (prices / "EMPT.csv").write_text("")
    copied.commit_edit("red", lambda config: config.update(symbols=["AAPL", "IBM", "MSFT", "EMPT", "ZZZZ"]))
    copied.commit_edit("blue", lambda config: config.update(symbols=["IBM", "AAPL"]))
    done = copied.trading("run")
    assert done.code == 1
    torn = whole[: len(whole) // 2].count("\n") + 1
    assert len(done.problems) == 3, done.problems
    for said in (
        f"MSFT/bars: {prices}/MSFT.csv:{torn}:",
        f"EMPT/bars: {prices}/EMPT.csv:1: the file is empty.",
        f"ZZZZ/bars: {prices}: has neither ZZZZ.csv nor ZZZZ.parquet.",
    ):
        assert any(said in line for line in done.problems), done.problems
    assert (copied.store / "blue" / "AAPL" / "report" / "report.html").exists()
    assert "red: trading 5 done" in done.out
    for symbol in ("MSFT", "EMPT", "ZZZZ"):
        assert not [name for name in copied.stored() if f"/{symbol}/" in name]
    stored = copied.stored()
    again = copied.trading("run")
    assert again.problems == done.problems
    assert "red: trading: up to date" in again.out
    assert copied.stored() == stored


@pytest.mark.full
def test_a_source_that_is_down_is_named_without_its_key_and_the_good_bars_stay(copied, finished):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    copied.edit(
        "teams",
        lambda registry: registry["market"].update(
            source="alpha_vantage", base_url=f"http://127.0.0.1:{port}", timeout=1
        ),
    )
    copied.commit_edit("red", lambda config: config.update(symbols=["AAPL", "IBM", "MSFT"]))
    retrade_blue(copied)
    done = copied.trading("run")
    assert done.code == 1
    # Another source is asked for every symbol anew.
    for line, symbol in zip(sorted(done.problems), ("AAPL", "IBM", "MSFT"), strict=True):
        assert f"{symbol}/bars" in line
        assert f"127.0.0.1:{port} cannot be had" in line
        assert "Connection refused (" in line
    assert "blue: trading 5 done" in done.out
    assert (copied.store / "market" / "AAPL" / "bars" / "bars.parquet").exists()
    assert finished.canaries["ALPHA_VANTAGE_API_KEY"] not in done.text


@pytest.mark.full
def test_a_model_that_diverges_is_named_and_its_last_good_one_stays(copied):
    before = copied.stored()
    copied.commit_edit("red", diverge)
    retrade_blue(copied)
    done = copied.trading("run")
    assert done.code == 1
    assert sorted(line.split()[1] for line in done.problems) == ["red/AAPL/model:", "red/IBM/model:"]
    for line, symbol in zip(sorted(done.problems), ("AAPL", "IBM"), strict=True):
        assert f"red/{symbol}: training diverged" in line
        assert "learning_rate" in line
    assert "blue: trading 5 done" in done.out
    after = copied.stored()
    models = [name for name in before if name.startswith("store/red/") and "/model/" in name]
    assert {name: after[name] for name in models} == {name: before[name] for name in models}


def diverge(config):
    # Each step multiplies the weights by -999.
    config["ludwig"]["trainer"] |= {
        "learning_rate": 1.0,
        "optimizer": {"type": "sgd", "weight_decay": 1000.0},
        "regularization_lambda": 0.0,
    }


@pytest.mark.full
def test_a_full_disk_is_said_leaves_the_old_objects_and_the_next_run_completes(copied, tmp_path):
    """The store on a real file system of its own with three pages left, where the machine lets us mount one."""
    small, rescued = copied.home / "small", tmp_path / "rescued"
    small.mkdir()
    copied.commit_edit("red", lambda config: config["trading"].update(position_share=0.1))
    pages = sum(-(-path.stat().st_size // 4096) for path in copied.store.rglob("*") if path.is_file())
    script = (
        f"mount -t tmpfs -o size={4 * (pages + 3)}k tmpfs {small} && cp -a {copied.store}/. {small} || exit 77; "
        f"trading run; code=$?; cp -a {small} {rescued}; exit $code"
    )
    unshared = ["unshare", "--map-root-user", "-m", "sh", "-c", script]
    done = copied.command(*unshared, TRADING_STORE_URL=small.as_uri())
    if done.code == 77 or "unshare" in done.err:
        pytest.skip("this machine lets us mount nothing")
    assert "Traceback" not in done.text, done.text
    assert done.code == 1
    assert any("the disk is full; free some space and run again" in line for line in done.problems), done.text
    assert all("red" in line or "leaderboard" in line or "versions" in line for line in done.problems)
    assert not list(rescued.rglob(".tmp*"))
    # The same store with room again.
    later = copied.trading("run", TRADING_STORE_URL=rescued.as_uri())
    assert later.code == 0, later.text
    assert sorted(path.name for path in (rescued / "red" / "orders").glob("20*")) == sorted(
        path.name for path in (copied.store / "red" / "orders").glob("20*")
    )
    assert "versions not committed" not in copied.trading("status", TRADING_STORE_URL=rescued.as_uri()).out


@pytest.mark.slow
def test_without_git_everything_is_computed_and_only_the_versions_wait(copied):
    (copied.folder / ".git").rename(copied.folder / "git-for-later")
    copied.edit("red", lambda config: config["trading"].update(position_share=0.1))
    done = copied.trading("run")
    assert done.code == 1
    assert "Forecasts" in done.out
    assert any("✗ versions:" in line for line in done.problems)
    assert "is not a git repository" in done.out
    (copied.folder / "git-for-later").rename(copied.folder / ".git")
    git(copied.folder, "switch", "-q", "main")
    assert copied.trading("run", TRADING_CONFIG="working-tree").code == 0
