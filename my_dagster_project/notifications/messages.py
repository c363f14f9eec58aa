"""What people are told: who it concerns, what happened, why, and where to look. Plain text, no traceback, no secret."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from my_dagster_project.foundation.plain_text import plain
from my_dagster_project.foundation.redaction import redact
from my_dagster_project.teams.registry import NotifyKind

ORGANISER = "organiser"
_CAUSES, _CAUSE_LENGTH, _TEXT_LENGTH = 5, 600, 3000


@dataclass(frozen=True)
class Message:
    """One piece of news about a team (or `organiser`: what belongs to no team).

    `key` is equal for equal news; '' where whoever makes the message sees to it that it comes once.
    """

    kind: NotifyKind
    team: str
    subject: str
    text: str
    key: str


@dataclass(frozen=True)
class RunFacts:
    """A finished run: `sessions` and `config` are for people, '' where there are none; `causes` of a failure as step, text."""

    run_id: str
    team: str
    job: str
    sessions: str
    config: str
    link: str
    seconds: float | None = None
    causes: Sequence[tuple[str, str]] = ()


def succeeded(run: RunFacts) -> Message:
    """A run has ended well."""
    took = f" in {run.seconds:.0f} s" if run.seconds is not None else ""
    subject = f"{_what(run)} is done{took}"
    return _message("success", run.team, subject, _where(run), f"{run.job} {run.sessions} {run.config}")


def failed(run: RunFacts) -> Message:
    """A run has failed for good: every cause in our words, a few at most."""
    causes = [f"{step}: {text}" if step else text for step, text in run.causes]
    lines = [cause if len(cause) <= _CAUSE_LENGTH else f"{cause[:_CAUSE_LENGTH]} ..." for cause in causes]
    if len(lines) > _CAUSES:
        lines[_CAUSES:] = [f"(and {len(lines) - _CAUSES} more)"]
    # Dates, figures and ids differ from session to session; the cause is the same.
    cause = re.sub(r"[0-9a-f]{7,}|\d+(\.\d+)?", "#", " ".join(sorted(causes)))
    return _message("failure", run.team, f"{_what(run)} failed", [*lines, *_where(run)], f"{run.job} {cause}")


def broken_file(team: str, problem: str, takes_part: bool) -> Message:
    """A team's file has a mistake; `problem` has a line per mistake with file:line, and what is in force."""
    subject = f"{team}: configs/{team}.yaml has a mistake"
    effect = (
        "The last valid file stays in force." if takes_part else "The team does not take part until then."
    )
    advice = f"Mend it and commit; `trading validate {team}` checks it beforehand. {effect}"
    return _message("bad_configuration", team, subject, [problem, advice])


def mended_file(team: str, origin: str) -> Message:
    """A team's file that had a mistake is valid again."""
    return _message(
        "bad_configuration",
        team,
        f"{team}: configs/{team}.yaml is valid again",
        [f"In force: {origin}"],
    )


def broken_registry(problem: str) -> Message:
    """The organiser's own files have a mistake: nothing new of anybody is taken over until it is mended."""
    subject = "configs/teams.yaml or configs/defaults.yaml has a mistake"
    advice = (
        "What was last valid stays in force for everybody; no team's edit is taken over until this is mended."
    )
    return _message("bad_configuration", ORGANISER, subject, [problem, advice])


def mended_registry() -> Message:
    """The organiser's own files are valid again."""
    return _message(
        "bad_configuration",
        ORGANISER,
        "configs/teams.yaml and configs/defaults.yaml are valid again",
        [],
    )


def drifted(run: RunFacts, symbols: Mapping[str, str]) -> Message:
    """Inputs of these symbols have moved away from what the models were trained on; texts by symbol."""
    subject = f"{run.team}: features have drifted: {', '.join(symbols)}"
    lines = [f"{symbol}: {text}" for symbol, text in symbols.items()]
    advice = f"The models know other values than today's: see `trading report {run.team} SYMBOL`, consider a later cutoff."
    return _message("drift", run.team, subject, [*lines, advice, *_where(run)], f"drift {sorted(symbols)}")


def alarmed(run: RunFacts, said: str) -> Message:
    """The table holds open alarms about a team; `said` has a line for each."""
    subject = f"{run.team}: an alarm is open, the team has no rank"
    advice = f"Once it is explained: `trading clear {run.team} --reason ...`; it stays on record."
    return _message("alarm", run.team, subject, [said, advice, *_where(run)])


def unalarmed(run: RunFacts) -> Message:
    """A team that had open alarms has none any more."""
    return _message("alarm", run.team, f"{run.team}: no alarm is open any more", _where(run))


def _what(run: RunFacts) -> str:
    sessions = f" for {run.sessions}" if run.sessions else ""
    return f"{run.team}: {run.job}{sessions}"


def _where(run: RunFacts) -> list[str]:
    return [f"In force: {run.config}" if run.config else "", f"Run: {run.link}"]


def _message(kind: NotifyKind, team: str, subject: str, lines: Sequence[str], key: str = "") -> Message:
    subject = redact(plain(" ".join(subject.split())))
    text = redact(plain("\n".join([f"{subject}.", *filter(None, lines)])))
    if len(text) > _TEXT_LENGTH:
        text = f"{text[:_TEXT_LENGTH]} ..."
    return Message(kind, team, subject, text, key and f"{kind} {team} {key}")
