"""What tests look at of an account."""

from datetime import date

from my_dagster_project.trading.broker import Activity, Broker


def fills(account: Broker) -> list[Activity]:
    """The executions on its statement, oldest first; what was sold is below nothing."""
    return [line for line in account.activities(date(2000, 1, 3)) if line.kind == "FILL"]
