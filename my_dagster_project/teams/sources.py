"""Where each configuration text comes from: a team's file from its branch, the registry and the defaults from main.

Branches are read with git, never by checking out. A team whose branch does not exist yet is read from the working tree,
and everything says so. A team cannot change the registry: on its branch there is a copy of it that nobody reads, whatever
is checked out; only where main itself is, its work tree counts before it is committed.
"""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

from my_dagster_project.foundation.errors import ConfigError, VersioningError
from my_dagster_project.git.branch import BranchRepo
from my_dagster_project.teams.loading import load_registry
from my_dagster_project.teams.registry import Registry
from my_dagster_project.teams.yaml_lines import MAX_BYTES

REGISTRY_PATH = "configs/teams.yaml"
DEFAULTS_PATH = "configs/defaults.yaml"
MAIN_BRANCH = "main"
WORKING_TREE = "working tree"

type Mode = Literal["branches", "working tree"]


def team_path(team: str) -> str:
    """The path of a team's file, on its branch as in any checkout."""
    return f"configs/{team}.yaml"


@dataclass(frozen=True)
class Source:
    """One text and where it is from; `commit` is a full sha, None for the working tree."""

    path: str
    text: str
    branch: str | None = None
    commit: str | None = None
    refusal: str = ""
    """Why the file was not read: the text is empty then, and is not what it says."""

    @property
    def content(self) -> bytes:
        """The bytes as they were, also where they are no UTF-8."""
        return self.text.encode("utf-8", errors="surrogateescape")

    @property
    def origin(self) -> str:
        """For people: `red at 1a2b3c4d5e` or `working tree`."""
        return f"{self.branch} at {self.commit[:10]}" if self.commit else WORKING_TREE


@dataclass(frozen=True)
class Sources:
    """All texts one deployment is made of. A team without any file is None."""

    registry: Source
    defaults: Source | None
    teams: dict[str, Source | None]

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the contents alone: the platform's own commits on a branch change no content."""
        texts = [self.registry, self.defaults, *(self.teams[team] for team in sorted(self.teams))]
        return sha256(
            json.dumps([source and (source.path, source.text) for source in texts]).encode()
        ).hexdigest()

    def to_json(self) -> str:
        """The texts as one string, to pin a run to them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Sources":
        """What `to_json` wrote."""
        raw = json.loads(text)
        return cls(
            registry=Source(**raw["registry"]),
            defaults=_source(raw["defaults"]),
            teams={team: _source(source) for team, source in raw["teams"].items()},
        )


def read_sources(project: Path, mode: Mode = "branches") -> Sources:
    """Read every configuration text of a project; raises ConfigError when there is no registry, or it is broken."""
    registry, defaults, known = _shared_sources(project)
    git = _repository(project) if mode == "branches" else None
    return Sources(
        registry, defaults, {team: _team_source(project, git, known, team) for team in known.teams}
    )


def read_registry(project: Path) -> Registry:
    """The registry alone, as `read_sources` finds it; raises ConfigError when there is none, or it is broken."""
    return _shared_sources(project)[2]


def _shared_sources(project: Path) -> tuple[Source, Source | None, Registry]:
    """The organiser's texts, registry and defaults: main's, or the work tree's where main is what is checked out."""
    git = _repository(project)
    elsewhere = git is not None and git.checked_out() != MAIN_BRANCH
    registry = _from_branch(git, MAIN_BRANCH, REGISTRY_PATH) if git and elsewhere else None
    if git and elsewhere and registry is None and git.is_clone_of_other_branches():
        raise ConfigError(
            f"{REGISTRY_PATH}:1: the registry is read from {MAIN_BRANCH}, and this clone has no {MAIN_BRANCH}; a copy of it on"
            f" another branch counts for nothing. Do: git fetch origin {MAIN_BRANCH}:{MAIN_BRANCH}"
        )
    if git and registry:
        defaults = _from_branch(git, MAIN_BRANCH, DEFAULTS_PATH)
    else:  # main is here, or there is none: an archive, a repository of another making
        registry = _from_working_tree(project, REGISTRY_PATH)
        defaults = _from_working_tree(project, DEFAULTS_PATH)
    if registry is None:
        raise ConfigError(f"{project / REGISTRY_PATH} is missing; it says which teams there are")
    for source in (registry, defaults):
        if source and source.refusal:
            raise ConfigError(f"{source.path}:1: {source.refusal}")
    return registry, defaults, load_registry(registry.content, REGISTRY_PATH)


def unread_copies(project: Path, sources: Sources) -> list[str]:
    """The organiser's files that were edited here, though they are read from main."""
    git = _repository(project)
    shared = [source for source in (sources.registry, sources.defaults) if source]
    return [source.path for source in shared if git and _edited_here(project, git, source)]


def uncommitted(project: Path, sources: Sources) -> list[str]:
    """Teams whose file was edited here and says something else than the branch it is read from."""
    git = _repository(project)
    read = [(team, source) for team, source in sources.teams.items() if source]
    return [team for team, source in read if git and _edited_here(project, git, source)]


def differing(project: Path, sources: list[Source]) -> list[str]:
    """The files that are, here, other than what is read from a commit; one that is not here differs from nothing."""
    here = {source.path: _from_working_tree(project, source.path) for source in sources if source.commit}
    return [one.path for one in sources if (copy := here.get(one.path)) and copy.text != one.text]


def _edited_here(project: Path, git: BranchRepo, source: Source) -> bool:
    """Whether the file here is an edit of what a commit has.

    A copy that is what the commit's branch began with, as main has of every team, is merely old: nobody edited it, and
    committed on the branch it would undo the team's work.
    """
    here = _from_working_tree(project, source.path)
    if not source.commit or here is None or here.text == source.text:
        return False
    began = git.common_ancestor("HEAD", source.commit)
    first = began and _from_branch(git, began, source.path)
    return not (first and first.text == here.text)


def _team_source(project: Path, git: BranchRepo | None, registry: Registry, team: str) -> Source | None:
    revision = registry.competition.frozen.get(team) or registry.teams[team].branch
    found = _from_branch(git, revision, team_path(team)) if git else None
    return found or _from_working_tree(project, team_path(team))


def _repository(project: Path) -> BranchRepo | None:
    """The project's repository, None when it is no git checkout (an unpacked archive)."""
    git = BranchRepo(project)
    try:
        git.resolve("HEAD")
    except VersioningError:
        return None
    return git


def _from_branch(git: BranchRepo, revision: str, path: str) -> Source | None:
    """The file on a local branch (or at a commit), else on origin's; None when there is no such branch or file."""
    for candidate in (revision, f"refs/remotes/origin/{revision}"):
        try:
            commit = git.resolve(candidate)
        except VersioningError:
            continue
        blob = git.blobs(commit, [path], MAX_BYTES).get(path)
        if blob is None:
            return None
        # Too large, hence unread: too many blanks let the loader say so, as it does of a file in the working tree.
        data = b" " * (MAX_BYTES + 1) if blob.content is None else blob.content
        return Source(path, _text(data), revision, commit)
    return None


def _from_working_tree(project: Path, path: str) -> Source | None:
    file = project / path
    # Not a line of what it (or the folder it is in) leads to is read, nor shown by a message about it.
    if file.is_symlink() or file.parent.is_symlink():
        return Source(path, "", refusal="is a symbolic link; a configuration is a file of its own")
    if not file.is_file():
        return None
    with file.open("rb") as content:
        return Source(path, _text(content.read(MAX_BYTES + 1)))


def _text(data: bytes) -> str:
    # Bytes that are no UTF-8 survive the trip, so that the loader can say in which line they are.
    # One byte more than allowed is enough for it to say that the file is too large.
    return data[: MAX_BYTES + 1].decode("utf-8", errors="surrogateescape")


def _source(raw: dict[str, str] | None) -> Source | None:
    return None if raw is None else Source(**raw)
