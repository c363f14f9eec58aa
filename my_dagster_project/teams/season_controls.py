"""What an organiser does with a season that is lived: the same from the command line, in Dagit and on the front page."""

from my_dagster_project.foundation.errors import SeasonError
from my_dagster_project.storage.season import SeasonBook, State
from my_dagster_project.teams.season_section import seconds


def pause(book: SeasonBook, by: str) -> State:
    """Let the session at work end, and begin no other."""
    return book.set(by, "paused", paused=True)


def change_pace(book: SeasonBook, every: str, by: str) -> State:
    """Let the sessions follow each other so fast, such as `30s`; raises SeasonError where that is no pace."""
    try:
        return book.set(by, f"a session every {every}", session_every=seconds(every))
    except ValueError as error:
        raise SeasonError(str(error)) from None
