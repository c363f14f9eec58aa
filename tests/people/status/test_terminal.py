from my_dagster_project.cli.status_page import show_status
from my_dagster_project.foundation.console import Console
from my_dagster_project.teams.deployment import current_platform


def shown(settings, html=None):
    console = Console(record=True, width=130)
    state = show_status(console, settings, current_platform(settings), html)
    return state, console.export_text()


def test_the_terminal_says_where_everything_lies_and_what_is_due(settings):
    _, said = shown(settings)
    assert f"store      {settings.store_url}" in said
    assert "configs/red.yaml: working tree" in said
    assert "`trading run` computes what is due." in said
    assert [line.split()[:3] for line in said.splitlines() if "IBM" in line] == [["red", "IBM", "due"]]


def test_a_red_line_ends_with_what_to_do(settings):
    path = settings.project / "configs" / "red.yaml"
    path.write_text("team: red\nnonsense: [1\n")
    state, said = shown(settings)
    assert state == "red"
    assert "team red has to mend its file:" in said
    assert "configs/red.yaml:" in said
    assert "→ mend configs/red.yaml, `trading validate red`" in said


def test_the_page_as_a_file_is_whole_and_asks_nobody(settings, tmp_path):
    _, said = shown(settings, tmp_path / "status.html")
    page = (tmp_path / "status.html").read_text()
    assert str(tmp_path / "status.html") in said
    assert 'http-equiv="refresh"' not in page
    assert "<style>:root" in page
    assert "http://localhost:8080/status" in page
    assert "<script" not in page
