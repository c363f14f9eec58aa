"""What a team sets differently for one symbol: judged as the whole configuration it makes, reported where it is written."""

from collections.abc import Callable, Iterator

from my_dagster_project.foundation.problems import Loc, Place, Problem, render_loc, suggestion
from my_dagster_project.teams.layers import Layer
from my_dagster_project.teams.sections import SymbolOverride

KEY = "overrides"
_SECTIONS = tuple(SymbolOverride.model_fields)


def override_problems(
    whole: Layer, known: list[Problem], judge: Callable[[Layer], list[Problem]], most: int
) -> Iterator[tuple[Place, str]]:
    """What is wrong with the overrides of a team's file beyond the `known` problems of the file, each with its place.

    `judge` finds everything wrong with one symbol's effective configuration, which passes the very checks, limits
    included, of a whole file; `most` is how many symbols the registry allows the team.
    """
    overrides = whole.data.get(KEY)
    if not isinstance(overrides, dict):
        return
    if len(overrides) > most:
        yield whole.place_of((KEY,)), f"{KEY}: {len(overrides)} symbols; the registry allows {most}"
        return
    symbols = whole.data.get("symbols")
    traded = [symbol for symbol in symbols if isinstance(symbol, str)] if isinstance(symbols, list) else []
    base = whole.without(KEY)
    for symbol, override in overrides.items():
        loc: Loc = (KEY, symbol)
        if symbol not in traded:
            text = "is none of this team's symbols" + suggestion(symbol, traded[:most])
            yield whole.place_of(loc), f"{render_loc(loc)}: {text}"
        elif isinstance(override, dict):
            own = whole.below(loc, _SECTIONS)
            for problem in judge(own.over(base)):
                # What is wrong without the override is said once, unless the override says it again itself.
                if problem in known and problem.loc not in own.places:
                    continue
                yield _located(own, base, loc, _about_the_feature(problem, base))


def located(whole: Layer, symbol: str, problem: Problem) -> tuple[Place, str]:
    """Where a person finds what is wrong with a symbol's effective configuration: its override, or the file it lies over."""
    overrides = whole.data.get(KEY)
    if isinstance(overrides, dict) and isinstance(overrides.get(symbol), dict):
        loc: Loc = (KEY, symbol)
        own, base = whole.below(loc, _SECTIONS), whole.without(KEY)
        if own.nearest(problem.loc):
            return _located(own, base, loc, problem)
    return whole.place_of(problem.loc), problem.text


def _about_the_feature(problem: Problem, base: Layer) -> Problem:
    """A feature without a kind is one that the override means to change and misspells."""
    features = base.data.get("features")
    if problem.loc[:1] + problem.loc[2:] != ("features", "kind") or not isinstance(features, dict):
        return problem
    name = str(problem.loc[1])
    if name in features or problem.message != "is missing":
        return problem
    text = f"no feature of this name, and a new one needs a kind{suggestion(name, features)}"
    return Problem(problem.loc[:2], text)


def _located(own: Layer, base: Layer, loc: Loc, problem: Problem) -> tuple[Place, str]:
    """A problem where the override has it; where only both together are wrong, at the symbol."""
    nearest = own.nearest(problem.loc)
    written_here = len(nearest) >= len(base.nearest(problem.loc)) and nearest != ()
    if written_here:
        return own.place_of(problem.loc), problem.below(loc).text
    return own.place_of(()), f"{render_loc(loc)}: {problem.text}"
