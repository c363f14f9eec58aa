"""What to advise where something is due: a replay, a season and the stack have a command each."""

from contextlib import suppress

from my_dagster_project.foundation.errors import TradingError
from my_dagster_project.foundation.pool_settings import pool_is_named
from my_dagster_project.foundation.settings import load_settings

_REGISTRY = "configs/teams.yaml"


def everything_due() -> str:
    """The command that makes everything that is due here, for advice.

    In the stack runs are the workers', not the caller's. A season is lived session by session, and `trading run` refuses there;
    by the real clock the stack's round makes what its schedules missed.
    """
    clock = _clock_of_season()
    if pool_is_named() and clock != "lapse":
        return "`make round`"
    return "`trading season next`" if clock else "`trading run`"


def _clock_of_season() -> str:
    """`lapse` or `real`; '' where the registry in the working tree names no season, or cannot be read, which others say."""
    import yaml

    with suppress(TradingError, OSError, ValueError, yaml.YAMLError):
        registry = yaml.safe_load((load_settings().project / _REGISTRY).read_text(encoding="utf-8"))
        season = registry.get("season") if isinstance(registry, dict) else None
        if season:
            return "lapse" if "lapse" in str(season) else "real"
    return ""
