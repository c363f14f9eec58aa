"""Health checks of Dagster's processes without importing Dagster, which costs 1.5 CPU-seconds each time.

`python -m my_dagster_project.deploy.health code-server|daemon`: silent and 0, or one line and 1.
"""

import json
import os
import re
import sys
from collections.abc import Callable

# The daemons report every 30 s; Dagster's own liveness check calls them dead after 5 minutes.
_OLDEST_HEARTBEAT = 150
_HEARTBEATS = """
SELECT daemon_type, extract(epoch FROM (now() AT TIME ZONE 'utc') - timestamp) FROM daemon_heartbeats
"""
_TIMEOUT = 5
# The service says "serving" whatever became of the definitions; asked for its repositories it gives the error, as JSON of
# Dagster's own (naming its classes costs nothing, importing them what the health check is to save).
_LIST = "/api.DagsterApi/ListRepositories"
_ERROR = re.compile(rb'"__class__": "SerializableErrorInfo".*?"message": ("(?:[^"\\]|\\.)*")', re.DOTALL)


def code_server(address: str = "localhost:4000") -> str:
    """What is wrong with the code server, empty when it answers that it serves, and its definitions are loaded."""
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(address) as channel:
        try:
            asked = health_pb2.HealthCheckRequest(service="DagsterApi")
            answer = health_pb2_grpc.HealthStub(channel).Check(asked, timeout=_TIMEOUT)
            loaded = channel.unary_unary(_LIST)(b"", timeout=_TIMEOUT)
        except grpc.RpcError as error:
            return f"{address}: {error.code().name}"
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        return f"{address}: not serving"
    found = _ERROR.search(loaded)
    return f"the definitions cannot be loaded: {json.loads(found[1]).strip()}" if found else ""


def daemon() -> str:
    """What is wrong with the daemon, empty when each of its parts has reported lately."""
    import psycopg2

    try:
        connection = psycopg2.connect(
            host=os.environ["POSTGRES_HOST"],
            user="dagster",
            dbname="dagster",
            password=os.environ["DAGSTER_PG_PASSWORD"],
            connect_timeout=_TIMEOUT,
        )
        with connection, connection.cursor() as asks:
            asks.execute(_HEARTBEATS)
            ages = dict(asks.fetchall())
        connection.close()
    except psycopg2.Error as error:
        return f"PostgreSQL: {str(error).strip()}"
    late = [
        f"{name} reported {age:.0f} s ago" for name, age in sorted(ages.items()) if age > _OLDEST_HEARTBEAT
    ]
    return "; ".join(late) if ages else "no daemon has ever reported"


CHECKS: dict[str, Callable[[], str]] = {"code-server": code_server, "daemon": daemon}

if __name__ == "__main__":
    problem = CHECKS[sys.argv[1]]()
    print(problem, end="\n" if problem else "")
    sys.exit(bool(problem))
