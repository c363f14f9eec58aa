"""Who may move which branch of the teams' repository. Pure: what git knows comes in, a text for people comes out.

This room runs in its own small container with nothing of ours around it, so it reads configs/teams.yaml by itself and
takes nothing from the other rooms.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote

ORGANISER = "organiser"
PLATFORM = "platform"
MAIN = "main"
HEADS = "refs/heads/"
OPEN = "open"
"""Everybody may fetch every branch; any other word, also a mistyped one, closes the others'."""


class RegistryError(Exception):
    """configs/teams.yaml on main does not say which team has which branch."""


@dataclass(frozen=True)
class Branches:
    """The branch of each team, the platform's own, and whether a team sees its own only (`visibility: own`)."""

    teams: Mapping[str, str]
    platform: str = PLATFORM
    own: bool = False

    def owner(self, branch: str) -> str:
        """For people: whose a branch is, '' when it is nobody's."""
        if branch == MAIN:
            return "the organiser's"
        if branch == self.platform:
            return "the platform's"
        return next((f"team {team}'s" for team, own in self.teams.items() if own == branch), "")

    def seen_by(self, user: str) -> list[str]:
        """The refs that an account may fetch where a team sees its own only."""
        own = [self.teams[user]] if user in self.teams else []
        return [HEADS + branch for branch in (MAIN, self.platform, *own)]

    def not_seen_by(self, user: str) -> list[str]:
        """The branches of the other teams."""
        return [HEADS + branch for team, branch in self.teams.items() if team != user]


@dataclass(frozen=True)
class Update:
    """One line of a push: a ref, whether it goes away, and whether the push keeps all commits it had."""

    ref: str
    deletes: bool
    keeps_history: bool

    @property
    def branch(self) -> str:
        """The branch's name; a tag or another ref is given whole."""
        return self.ref.removeprefix(HEADS)


def branches_of(text: str) -> Branches:
    """The branches named in configs/teams.yaml; raises RegistryError with the reason."""
    import yaml

    try:
        document = yaml.safe_load(text)
        teams = {str(team): str(entry["branch"]) for team, entry in document["teams"].items()}
        platform = str(document.get("platform_branch") or PLATFORM)
        return Branches(teams, platform, document.get("visibility", OPEN) != OPEN)
    except yaml.YAMLError as error:
        raise RegistryError(" ".join(str(error).split())) from None
    except (TypeError, KeyError, AttributeError) as error:
        raise RegistryError(f"it has no teams with a branch each ({error})") from None


def refusal(user: str, update: Update, branches: Branches) -> str:
    """Why an account may not make this update, with what to do instead; '' when it may."""
    if user == ORGANISER:
        return ""
    if user == PLATFORM:
        own = {*branches.teams.values(), branches.platform}
        wrong = (
            "" if update.ref in {HEADS + branch for branch in own} else _not_the_platforms(update, branches)
        )
    elif user in branches.teams:
        wrong = "" if update.ref == HEADS + branches.teams[user] else _not_yours(user, update, branches)
    else:
        return f"{user} is no team of configs/teams.yaml on main; ask the organiser to add it there."
    return wrong or _rewrites(update)


def _not_yours(team: str, update: Update, branches: Branches) -> str:
    own = branches.teams[team]
    whose = branches.owner(update.branch)
    shown = f"{update.branch} is {whose}" if whose else f"{update.branch} is no branch of the competition"
    return (
        f"{shown}. Team {team} may push to its own branch only, {own}; what counts there is configs/{team}.yaml."
        f" Do: git push origin HEAD:{own}"
    )


def _not_the_platforms(update: Update, branches: Branches) -> str:
    whose = branches.owner(update.branch) or "no branch of the competition"
    return (
        f"{update.branch} is {whose}; the platform pushes versions to the teams' branches and its own only."
    )


def _rewrites(update: Update) -> str:
    if update.deletes:
        return f"{update.branch} cannot be deleted: it is the record of the competition. Ask the organiser."
    if not update.keeps_history:
        return (
            f"{update.branch} here has commits that yours lacks (the platform commits versions there); nobody may push"
            f" over them. Do: git pull --rebase origin {quote(update.branch)}, then push again."
        )
    return ""
