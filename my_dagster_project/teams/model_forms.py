"""The two ways to write a team's model: `model: {kind: ludwig, ...}`, and short `ludwig: {...}`."""

from typing import Any

from my_dagster_project.foundation.problems import Problem

LONG_FORM, SHORT_FORM = "model", "ludwig"
OF_ALL_KINDS = ("kind", "scope")
"""What stands in the section `model` beside the keys of its kind."""


def form_problems(data: dict[str, Any]) -> list[Problem]:
    """A team has one model, written in one of the two ways."""
    written = [key for key in (LONG_FORM, SHORT_FORM) if data.get(key) is not None]
    if not written:
        return [Problem((LONG_FORM,), f"is missing; write `model: {{kind: ...}}`, or short `{SHORT_FORM}`")]
    text = f"stands beside `{SHORT_FORM}`, and a team has one model; take one of the two out"
    return [Problem((LONG_FORM,), text)] if len(written) > 1 else []


def alike(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """`lower` with its model in the form in which `upper` writes its own, so that the one can lie over the other.

    A model of which `upper` has another kind is left out, and one of which it does not say the kind: it is not there to be
    guessed from what lies below.
    """
    key, other = other_form(lower, upper)
    if not key:
        return lower
    kept = {name: value for name, value in lower.items() if name != key}
    section, written = lower[key], upper[other]
    if key == SHORT_FORM:
        same = isinstance(written, dict) and written.get("kind") == SHORT_FORM
    else:
        same = section.get("kind") == SHORT_FORM
        section = {name: value for name, value in section.items() if name not in OF_ALL_KINDS}
    return {**kept, other: section} if same else kept


def other_form(lower: dict[str, Any], upper: dict[str, Any]) -> tuple[str, str]:
    """Under which key `lower` has its model, and under which `upper`; two empty texts where they do not differ."""
    for key, other in ((LONG_FORM, SHORT_FORM), (SHORT_FORM, LONG_FORM)):
        if isinstance(lower.get(key), dict) and other in upper and key not in upper and other not in lower:
            return key, other
    return "", ""
