"""The errors that reach people. Each says what is wrong, where, and what to do."""


class TradingError(Exception):
    """Base of every error we raise on purpose; its text is shown to people without a traceback."""


class PassingError(TradingError):
    """Beside another class: what was asked for is right, something in between (a network, a server) was not.

    The only errors worth trying again by themselves (`retries.py`); everything else fails at once and says what to do.
    """


class NotYetError(PassingError):
    """What this needs is still being made by others."""


class ConfigError(TradingError):
    """A team file or the registry is not valid; one line per problem, each with file:line."""


class CalendarError(TradingError):
    """A date lies outside the exchange calendar we carry, or is not a session."""


class MarketDataError(TradingError):
    """Bars could not be had for a symbol."""


class SourceUnavailableError(MarketDataError, PassingError):
    """The source did not answer, or answered with a fault of its own; worth trying again later."""


class RateLimitedError(SourceUnavailableError):
    """The source says we asked too often; worth trying again after a pause."""


class UnknownSymbolError(MarketDataError):
    """The source does not know the symbol; trying again is useless."""


class MalformedDataError(MarketDataError):
    """The source or file answered with something that is not bars."""


class StorageError(TradingError):
    """An object could not be written or read whole."""


class StorageUnreachableError(StorageError, PassingError):
    """The object store did not answer, or answered with a fault of its own."""


class ObjectMissingError(StorageError):
    """There is no object under this key."""


class SeasonError(TradingError):
    """What was asked for cannot be in a season, or needs one."""


class SeasonMovedError(SeasonError):
    """Somebody else took the season a step further first; nothing was changed."""


class VersioningError(TradingError):
    """A version could not be recorded on, or read from, a git branch."""


class ModelError(TradingError):
    """A model could not be trained, exported or used."""


class RefusedError(TradingError):
    """Whoever asked for something in Dagit may not have it; the text is for him."""


class BrokerError(TradingError):
    """The broker refused or could not be reached."""


class OrderOutcomeUnknownError(BrokerError):
    """A submission neither succeeded nor failed for certain: ask by client order id, never post again."""
