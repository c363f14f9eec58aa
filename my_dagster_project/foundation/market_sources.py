"""The sources of daily bars that a registry may name, and what each needs. `market_data/source_kinds.py` makes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal


@dataclass(frozen=True)
class SourceTerms:
    """What a source needs: `options` are keys of the registry's `market` section that are its own, `needed` says of those
    it cannot do without what they are, `key` and `secret` names of environment variables, '' where it needs none.
    """

    options: tuple[str, ...] = ()
    needed: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    secret: str = ""


SOURCES: dict[str, SourceTerms] = {
    "sample": SourceTerms(),
    "csv": SourceTerms(options=("path",), needed={"path": "the folder with one file per symbol"}),
    "alpha_vantage": SourceTerms(options=("base_url",), key="ALPHA_VANTAGE_API_KEY"),
    "alpaca": SourceTerms(options=("feed", "base_url"), key="ALPACA_DATA_KEY", secret="ALPACA_DATA_SECRET"),  # noqa: S106 - names
}

if TYPE_CHECKING:
    type SourceName = str
else:
    SourceName = Literal[tuple(SOURCES)]
