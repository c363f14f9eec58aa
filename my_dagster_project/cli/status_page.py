"""What `trading status` does."""

from pathlib import Path

from my_dagster_project.foundation.console import Console
from my_dagster_project.foundation.settings import Settings
from my_dagster_project.people.status.page import State
from my_dagster_project.people.status.reader import StatusReader
from my_dagster_project.people.status.terminal import print_page
from my_dagster_project.teams.platform import Platform

# Who asked at a terminal wants the chains too, however many symbols there are.
_PATIENCE = 60.0


def show_status(console: Console, settings: Settings, platform: Platform, html: Path | None) -> State:
    """Print the page, or write it to a file; the state of its worst line."""
    page = StatusReader(settings).page(platform, patience=_PATIENCE)
    if html is None:
        print_page(console, page)
        return page.state
    from my_dagster_project.people.front.links import Links
    from my_dagster_project.people.front.pages import status_html

    html.write_text(status_html(page, Links.from_settings(settings)), encoding="utf-8")
    console.say(f"{page.verdict}\n{html.resolve()}")
    return page.state
