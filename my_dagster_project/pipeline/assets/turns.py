"""Sessions that were queued together are traded one after the other, each only once the one before it is on record."""

from datetime import date

import dagster as dg

AFTER_TAG = "trades_after"
"""The session (ISO) that must be on record before this run trades its own: what it left in the account is planned on."""


def require_turn(context: dg.AssetExecutionContext, orders: dg.AssetKey, session: date) -> None:
    """Raise dg.Failure, with nothing sent, where the session before was to be traded first and was not."""
    before = context.run.tags.get(AFTER_TAG)
    if before and before not in context.instance.get_materialized_partitions(orders):
        raise dg.Failure(
            f"session {session} follows on {before}, whose orders are not on record; nothing was sent. "
            f"See why {before} failed; then launch the job round again: it goes on from there",
            allow_retries=False,
        )
