"""The market of the broker service: the bars in the asset store, looked at again while it runs.

The embedded broker reads the bars once, because the process that trades ends with its run. A service lives for weeks:
it asks the store whether bars were written anew, at most once a second and only while somebody asks something.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from my_dagster_project.foundation.errors import StorageError
from my_dagster_project.paper_broker.feed import BarFeed, TableFeed
from my_dagster_project.storage.assets import AssetStore
from my_dagster_project.storage.content import each
from my_dagster_project.storage.stored_bars import bars_content, read_bars, symbols_with_bars

# One team's bars are written seconds before its orders, so a second is never too late; and a replay, which asks
# hundreds of times a second, costs the store next to nothing.
CHECK_S = 1.0
# A store that is down makes every look wait for its timeout, and the broker with it.
RETRY_S = 30.0


@dataclass
class StoreFeed:
    """A feed over every symbol whose bars are stored, also those that come later."""

    assets: AssetStore
    clock: Callable[[], float] = time.monotonic
    behind: Callable[[BarFeed], bool] = lambda feed: False
    """Whether bars must have come since: then the store is looked at again at once (a lapse may close sessions faster)."""
    _tables: dict[str, tuple[str, TableFeed]] = field(default_factory=dict)
    _feed: TableFeed | None = None
    _due: float = float("-inf")

    def current(self) -> BarFeed:
        """Give the market as it is stored now; what a request works with does not change under it.

        When the store cannot be read the last good one stays; raises StorageError when there is none yet.
        """
        if self._feed is not None and self.clock() < self._due and not self.behind(self._feed):
            return self._feed
        pause = CHECK_S
        try:
            self._feed = self._look()
        except StorageError as error:
            if self._feed is None:
                raise
            pause = RETRY_S
            logging.getLogger(__name__).warning("bars are as of the last good look: %s", error)
        self._due = self.clock() + pause
        return self._feed

    def _look(self) -> TableFeed:
        symbols = symbols_with_bars(self.assets.store)
        prints = each(lambda symbol: bars_content(self.assets, symbol), symbols)
        found = {symbol: md5 for symbol, md5 in zip(symbols, prints, strict=True) if md5 is not None}
        known = {symbol: md5 for symbol, (md5, _) in self._tables.items()}
        if self._feed is not None and found == known:
            return self._feed
        for symbol, md5 in found.items():
            if known.get(symbol) != md5:
                frame = read_bars(self.assets, symbol)
                self._tables[symbol] = md5, TableFeed.from_frames({symbol: frame})
        self._tables = {symbol: self._tables[symbol] for symbol in found}
        return _merged([feed for _, feed in self._tables.values()])


def _merged(feeds: list[TableFeed]) -> TableFeed:
    tables = {symbol: table for feed in feeds for symbol, table in feed.bars.items()}
    splits = {where: ratio for feed in feeds for where, ratio in feed.splits.items()}
    return TableFeed(
        tables, splits, {where: cash for feed in feeds for where, cash in feed.dividends.items()}
    )
