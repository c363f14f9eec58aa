"""What people write is shown as they wrote it, wherever it is shown, and takes nobody's lines along."""

import io
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest

from my_dagster_project.deploy.git import hook_text
from my_dagster_project.foundation import plain_text
from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.plain_text import plain
from my_dagster_project.history.log import Version
from my_dagster_project.history.tables import print_versions
from my_dagster_project.main_job.run import Result
from my_dagster_project.main_job.summary import print_problems
from my_dagster_project.notifications.messages import broken_file
from my_dagster_project.people.front.links import Links
from my_dagster_project.people.front.pages import message_html, status_html
from my_dagster_project.people.status.page import Check, StatusPage, TeamStatus
from my_dagster_project.people.status.terminal import print_page
from my_dagster_project.pipeline.failures import Problem
from my_dagster_project.reports.markdown import markdown_text

HOSTILE = [
    "configs/red.yaml:100: unknown key '[/]'",
    "[/b] closes what nobody opened",
    "[red]no[/red] :warning:",
]


@pytest.fixture(params=HOSTILE)
def text(request):
    return request.param


@pytest.fixture
def console():
    return Console(width=150, file=io.StringIO())


def test_a_failure_is_told_and_so_is_the_next_teams(console, text):
    result = Result([Problem("red: training", text), Problem("blue: training", "of blue")], [], [text])
    print_problems(console, result, SimpleNamespace(problems={"red": text}))
    told = console.file.getvalue()
    assert told.count(text) == 3
    assert "✗ blue: training: of blue" in told


def test_a_commit_is_listed_by_its_title(console, text):
    version = Version("0123456789ab", datetime(2026, 11, 2, tzinfo=UTC), "[/i]", text)
    print_versions(console, "red", [version, replace(version, subject="the next")])
    told = console.file.getvalue()
    assert f"assets by [/i]: {text}" in told
    assert "the next" in told


def test_the_status_says_it(console, text):
    check = Check("configs/red.yaml", "red", text, "mend it")
    page = StatusPage(
        datetime(2026, 11, 2, tzinfo=UTC), "America/New_York", None, (Check(text, "ok", text),),
        teams=(TeamStatus("red", text, check),), addresses={"store": text},
    )  # fmt: skip
    print_page(console, page)
    assert console.file.getvalue().count(text) == 5
    assert unescape(status_html(page, Links("", "", ""))).count(text) >= 4


def test_a_page_says_it():
    page = message_html(Links("", "", ""), "<b>", ["<script>alert(1)</script> {{ 7 * 7 }}"])
    assert "<script>" not in page  # our own has a source: the page allows no other
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7 * 7 }}" in page


def test_what_nobody_sees_is_not_sent_nor_shown_in_dagit():
    """A commit's title turned the rest of a line round in Slack, in a mail and in the terminal of who had pushed."""
    hidden = "pay \u202eevil\u2066 \x1b[31mred\u200b\u2028\U000e0041end"
    assert plain(hidden) == "pay evil [31mredend"
    message = broken_file("red", hidden, takes_part=True)
    assert "pay evil [31mredend" in message.text
    assert markdown_text(f"{hidden} <b>") == "pay evil [31mred end \\<b\\>"


def test_the_hooks_of_the_teams_repository_leave_out_the_same_and_need_nothing_but_their_folder():
    folder = Path(hook_text.__file__).parent
    assert hook_text._UNSEEN.pattern == plain_text._UNSEEN.pattern
    ours = [
        line.split()[1]
        for file in folder.glob("*.py")
        for line in file.read_text().splitlines()
        if line.lstrip().startswith(("from my_dagster_project", "import my_dagster_project"))
    ]
    assert ours
    assert all(name.startswith("my_dagster_project.deploy.git") for name in ours)
