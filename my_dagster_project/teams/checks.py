"""What a team file must satisfy beyond its shape: the registry's limits, the round, and sense between its parts."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from my_dagster_project.domain.indicators import FEATURE_KINDS
from my_dagster_project.domain.strategies import AS_TOLD, STRATEGIES
from my_dagster_project.domain.windows import last_close_before, window_of
from my_dagster_project.foundation.calendar import load_calendar
from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.problems import Problem, show, suggestion
from my_dagster_project.models.kinds.port import Task
from my_dagster_project.models.kinds.table import KINDS
from my_dagster_project.teams.cron import times_a_day
from my_dagster_project.teams.feature_checks import feature_problems
from my_dagster_project.teams.model_forms import LONG_FORM, OF_ALL_KINDS, SHORT_FORM
from my_dagster_project.teams.registry import Registry, TeamEntry, TrainingBudget, symbol_problems
from my_dagster_project.teams.schema import TeamConfig

# Fewer days than this cannot hold the 100 rows a training needs.
SHORTEST_TRAINING = timedelta(days=180)
FEWEST_ROWS = 100
# A daily log return beyond this is a crash, not a threshold; most likely per cent were written.
LARGEST_RETURN_THRESHOLD = 0.2


def team_problems(config: TeamConfig, registry: Registry) -> list[Problem]:
    """Every problem of a well-formed team file, in no particular order."""
    entry = registry.teams.get(config.team)
    if entry is None:
        text = f"the registry has no team {show(config.team)}" + suggestion(config.team, registry.teams)
        return [Problem(("team",), text)]
    most = entry.limits.max_symbols
    problems = [
        *number_of_symbols(config, most),
        # A file can hold 45 000: the rest is too much anyway.
        *(one.below(("symbols",)) for one in symbol_problems(config.symbols[:most], registry.market)),
        *feature_problems(config),
        *scope_problems(config),
        *training_problems(config, registry),
        *history_problems(config, registry),
        *budget_problems(config, entry.training),
        *trading_problems(config, entry),
        *short_problems(config, registry),
    ]
    task = Task(config.target, {name: spec.kind for name, spec in config.features.items()})
    return problems + [
        problem.below((config.model_key,)) for problem in config.kind.fits(config.section, task)
    ]


def section_problems(data: dict[str, Any]) -> list[Problem]:
    """What the kind of model says of the keys of a file's model, whatever else of the file is wrong."""
    long, short = data.get(LONG_FORM), data.get(SHORT_FORM)
    problems = []
    if isinstance(short, dict):
        problems += [problem.below((SHORT_FORM,)) for problem in KINDS[SHORT_FORM].lint(short)]
    if isinstance(long, dict) and (kind := KINDS.get(str(long.get("kind")))):
        own = {name: value for name, value in long.items() if name not in OF_ALL_KINDS}
        problems += [problem.below((LONG_FORM,)) for problem in kind.lint(own)]
    return problems


def number_of_symbols(config: TeamConfig, most: int) -> Iterator[Problem]:
    """At least one symbol, and no more than the registry allows."""
    if not config.symbols:
        yield Problem(("symbols",), "needs at least one symbol")
    if len(config.symbols) > most:
        text = f"{len(config.symbols)} symbols; the registry allows {config.team} {most}"
        yield Problem(("symbols",), text)


def scope_problems(config: TeamConfig) -> Iterator[Problem]:
    """One model of all symbols has nothing that one of them could have differently; and all are of one scope."""
    for symbol, override in config.overrides.items():
        if config.pooled:
            text = (
                f"nothing of {symbol} can differ: model.scope team is one model of all symbols; take it out"
            )
            yield Problem(("overrides", symbol), text)
        elif override.model.get("scope", "symbol") != "symbol":
            loc = ("overrides", symbol, "model", "scope")
            yield Problem(loc, "it is the same for all of a team's symbols")


def training_problems(config: TeamConfig, registry: Registry) -> Iterator[Problem]:
    """The training window against the data and the round: no predicted session may have been trained on."""
    training, market = config.training, registry.market
    start = training.start or market.start
    yield from _refit_problems(config, registry) if training.refits else _cutoff_problems(config, registry)
    if start < market.start:
        yield Problem(
            ("training", "start"), f"{start} is before the first session of the data, {market.start}"
        )
    closes, key = first_training_closes(config, registry), "start" if training.refits else "cutoff"
    if closes - start < SHORTEST_TRAINING:
        days = max((closes - start).days, 0)
        yield Problem(
            ("training", key), f"leaves {days} days to train on; at least {SHORTEST_TRAINING.days} are needed"
        )
    for symbol, override in config.overrides.items():
        if "refit" in override.training:
            loc = ("overrides", symbol, "training", "refit")
            yield Problem(loc, "it is the same for all of a team's symbols, which one run trains")


def first_training_closes(config: TeamConfig, registry: Registry) -> date:
    """The last session whose close the first of a team's trainings may see."""
    training, first = config.training, registry.competition.start
    if not training.refits:
        return training.cutoff
    return last_close_before(load_calendar(registry.calendar), window_of(training.refit, first))


def _cutoff_problems(config: TeamConfig, registry: Registry) -> Iterator[Problem]:
    training, market, competition = config.training, registry.market, registry.competition
    if training.cutoff >= competition.start:
        yield Problem(
            ("training", "cutoff"),
            f"{training.cutoff} must be before {competition.start}, the first session of the competition",
        )
    elif market.end is not None and training.cutoff > market.end:
        yield Problem(
            ("training", "cutoff"), f"{training.cutoff} is after the last session of the data, {market.end}"
        )
    if training.warm_start:
        yield Problem(
            ("training", "warm_start"), "there is no earlier model to begin with where refit is never"
        )


def _refit_problems(config: TeamConfig, registry: Registry) -> Iterator[Problem]:
    """What only counts, or must be alike, where a team trains anew as time passes."""
    training, before = config.training, load_calendar(registry.calendar).previous_session
    if training.cutoff != before(registry.competition.start):
        text = (
            f"is for refit: never; a {training.refit} refit sees every close before its window. Leave it out"
        )
        yield Problem(("training", "cutoff"), text)
    if training.warm_start and not config.kind.warm:
        text = (
            f"{config.kind.title} has no weights that a refit could begin with; say warm_start: false for it"
        )
        yield Problem(("training", "warm_start"), text)


def history_problems(config: TeamConfig, registry: Registry) -> Iterator[Problem]:
    """Features that need more sessions to settle than there are before the rows a training needs; the worst of them."""
    known = [name for name, spec in config.features.items() if spec.kind in FEATURE_KINDS]
    if feature_problems(config) or len(known) < len(config.features):
        return
    slowest = max(config.feature_list, key=lambda feature: feature.reach.past)
    training, market = config.training, registry.market
    try:
        closes = first_training_closes(config, registry)
        sessions = load_calendar(registry.calendar).sessions(market.start, closes)
    except TradingError:
        return  # dates outside the calendar are reported as what they are
    start = training.start or market.start
    window = [session for session in sessions if session >= start]
    rows = sum(1 for session in sessions[slowest.reach.past :] if session >= start)
    if rows < FEWEST_ROWS <= len(window):
        yield Problem(
            ("features", slowest.name),
            f"needs {slowest.reach.past} sessions to settle, which leaves {rows} of the {len(window)} up to {closes}"
            f" to train on; at least {FEWEST_ROWS} are needed",
        )


def budget_problems(config: TeamConfig, budget: TrainingBudget) -> Iterator[Problem]:
    """What training would take of the machine, counted beforehand, against what the registry allows the team."""
    often = times_a_day(config.schedule.train)
    if often > budget.runs_per_day:
        text = f"trains {often} times a day; the registry allows {config.team} {budget.runs_per_day}"
        yield Problem(("schedule", "train"), text)
    counted = config.kind.parts(config.section)
    total = sum(part.weights for part in counted)
    if total > budget.weights:
        largest = max(counted, key=lambda part: part.weights)
        yield Problem(
            (config.model_key, *largest.loc),
            f"makes a model of about {total:,} weights; the registry allows {config.team} {budget.weights:,}",
        )


def trading_problems(config: TeamConfig, entry: TeamEntry) -> Iterator[Problem]:
    """Thresholds in the unit of the target, and the position within the registry's limit."""
    trading = config.trading
    if trading.position_share > entry.limits.position_share:
        yield Problem(
            ("trading", "position_share"),
            f"{trading.position_share} is above the registry's limit for {config.team}, {entry.limits.position_share}",
        )
    if trading.sell_below > trading.buy_above:
        yield Problem(
            ("trading", "sell_below"),
            f"{trading.sell_below} must not be above buy_above ({trading.buy_above})",
        )
    readable = STRATEGIES[trading.strategy].targets
    if config.target not in readable:
        yield Problem(
            ("trading", "strategy"),
            f"{trading.strategy} is for target {' or '.join(readable)}, not {config.target}",
        )
    if trading.strategy == AS_TOLD and config.answers != "position":
        yield Problem(
            ("trading", "strategy"),
            f"{AS_TOLD} holds the positions of a model; this one answers with a {config.answers}",
        )
    for name in ("buy_above", "sell_below", "short_below"):
        value = getattr(trading, name)
        text = None if value is None else _threshold_problem(config, name, value)
        if text:
            yield Problem(("trading", name), text)


def short_problems(config: TeamConfig, registry: Registry) -> Iterator[Problem]:
    """Selling short: whether the organiser lends shares, the strategy knows how, and it begins below where it ends."""
    trading = config.trading
    if trading.short_below is None:
        return
    loc = ("trading", "short_below")
    if registry.competition.borrow_fee is None:
        yield Problem(
            loc,
            "nobody sells short: the organiser lends no shares (competition.borrow_fee in configs/teams.yaml)",
        )
    if not STRATEGIES[trading.strategy].sells_short:
        able = " or ".join(name for name, one in STRATEGIES.items() if one.sells_short)
        yield Problem(loc, f"strategy {trading.strategy} sells nothing short; {able} does")
    if trading.short_below > trading.sell_below:
        yield Problem(loc, f"{trading.short_below} must not be above sell_below ({trading.sell_below})")


def _threshold_problem(config: TeamConfig, name: str, value: float) -> str | None:
    if config.is_classification:
        if not 0 <= value <= 1:
            return f"is a probability of up for target next_direction: 0 to 1, not {value}"
    elif abs(value) > LARGEST_RETURN_THRESHOLD:
        largest = LARGEST_RETURN_THRESHOLD
        return (
            f"is a log return for target next_return (0.001 is about 0.1 %): at most {largest}, not {value}"
        )
    elif name == "buy_above" and value < 0:
        return f"must not be negative ({value}): it would buy what is predicted to fall"
    return None
