"""What a team's edits changed and what its reports said around each."""

from my_dagster_project.history.edits import edits
from my_dagster_project.people.team.team_columns import EDIT_COLUMNS
from tests.history.conftest import REPORT, report
from tests.support.gitrepo import git

IBM = ("red", "IBM", "report")


def edited(here):
    head = git(here.repo, "rev-parse", "red")
    return edits(here.repo, head, "red")


def scored(here, asset, mase):
    here.version(asset, report(mase=mase), mase=str(mase))


def test_each_edit_has_what_it_changed_and_the_figures_before_and_after(here):
    here.edit("red", "team: red\nsymbols: [AAPL]\n", "begin")
    scored(here, REPORT, 1.02)
    scored(here, REPORT, 1.03)  # the newest before the edit counts
    here.edit("red", "team: red\nsymbols: [AAPL, IBM]\n", "=more <b>symbols</b>")
    scored(here, REPORT, 0.99)
    scored(here, IBM, 1.01)
    here.edit("red", "team: red  # only words\nsymbols: [AAPL, IBM]\n", "words")
    last, more, begin = edited(here)  # and not main's own commit of the file, from before the branch
    assert [(line.path, line.b) for line in begin.changed] == [("symbols", "AAPL")]
    assert [(line.path, line.a, line.b) for line in more.changed] == [("symbols", "AAPL", "AAPL, IBM")]
    assert more.effect("mase") == (1.03, 1.0)
    assert last.effect("mase") == (1.0, None)
    assert begin.effect("mase") == (None, 1.03)
    cells = {column.name: column.cell(more) for column in EDIT_COLUMNS}
    assert cells["MASE"] == "1.030 → 1.000"
    assert cells["changed"] == "symbols: AAPL → AAPL, IBM"
    assert "nothing that counts" in {column.name: column.cell(last) for column in EDIT_COLUMNS}["changed"]


def test_a_file_that_is_no_yaml_and_a_figure_that_is_no_number_do_no_harm(here):
    here.edit("red", "team: red\nsymbols: [IBM]\n")
    here.version(REPORT, report(), mase="nonsense", ic="nan")
    here.edit("red", "team: [\n", "broken")
    broken, *_ = edited(here)
    assert "no YAML" in broken.problem
    assert broken.effect("mase") == (None, None)
