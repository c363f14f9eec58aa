"""Runs the serving application."""

from my_dagster_project.foundation.redaction import redact_logs
from my_dagster_project.foundation.same_origin import SameOrigin, names_of
from my_dagster_project.foundation.settings import Settings

_AT_ONCE = 256
"""Requests under way; one more is answered 503."""


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; requests under way are finished. Raises ConfigError where the organiser's files cannot be used."""
    import uvicorn

    from my_dagster_project.serving.service import Service
    from my_dagster_project.serving.serving_app import create_app

    redact_logs()
    service = Service(settings)
    service.catalogue.platform()
    uvicorn.run(
        SameOrigin(create_app(settings, service), names_of(host, settings.public_name)),
        host=host,
        port=port,
        access_log=False,
        log_level="info",
        server_header=False,
        limit_concurrency=_AT_ONCE,
        timeout_graceful_shutdown=5,
    )
