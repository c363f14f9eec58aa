"""Everything of Dagster's that is not public and that we use: what an upgrade may take away, it breaks here and nowhere else.

Nobody else imports `dagster._anything`: tests/foundation/test_dagster_private.py sees to it, and names what an upgrade took.
"""

import importlib
from typing import TYPE_CHECKING, Any

from dagster._config import UserConfigSchema, process_config
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    INPUT_EVENT_POINTER_TAG_PREFIX,
    NULL_EVENT_POINTER,
    CachingStaleStatusResolver,
    StaleCauseCategory,
    StaleStatus,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.definitions.definitions_load_context import DefinitionsLoadContext, DefinitionsLoadType
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster._core.loader import LoadingContext
from dagster._core.run_coordinator.queued_run_coordinator import RunQueueConfig
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorTick, TickData, TickStatus
from dagster._core.storage.dagster_run import FINISHED_STATUSES, NOT_FINISHED_STATUSES
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    AUTO_RETRY_RUN_ID_TAG,
    MAX_RETRIES_TAG,
    PARTITION_NAME_TAG,
    PRIORITY_TAG,
    RETRY_ON_ASSET_OR_OP_FAILURE_TAG,
    RUN_FAILURE_REASON_TAG,
    RUN_KEY_TAG,
    SCHEDULE_NAME_TAG,
    WILL_RETRY_TAG,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClassData, unpack_value
from dagster._time import get_current_datetime  # the scheduler's own clock, which tests can set
from dagster._utils.error import SerializableErrorInfo
from dagster._utils.interrupts import capture_interrupts
from dagster._utils.schedules import get_latest_completed_cron_tick, get_next_cron_tick

if TYPE_CHECKING:
    from dagster._core.storage.event_log.base import AssetRecord
    from dagster._core.storage.event_log.schema import AssetKeyTable, SqlEventLogStorageTable
    from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
    from dagster._core.storage.event_log.sqlite.consolidated_sqlite_event_log import (
        ConsolidatedSqliteEventLogStorage,
    )
    from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
    from dagster._core.storage.schedules import SqliteScheduleStorage
    from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
    from dagster._core.workspace.permissions import (
        PermissionResult,
        Permissions,
        get_location_scoped_user_permissions,
    )
    from dagster._daemon.daemon import DagsterDaemon, SpanMarker
    from dagster_graphql.implementation.utils import has_permission_for_run
    from dagster_graphql.schema.errors import GrapheneUnauthorizedError
    from dagster_webserver.webserver import DagsterWebserver

# Loaded when first asked for: with SQLAlchemy they cost half a second, and a run's code needs none of them.
_STORAGE, _WORKSPACE = "dagster._core.storage", "dagster._core.workspace"
_LATE = {
    "AssetKeyTable": f"{_STORAGE}.event_log.schema",
    "AssetRecord": f"{_STORAGE}.event_log.base",
    "ConsolidatedSqliteEventLogStorage": f"{_STORAGE}.event_log.sqlite.consolidated_sqlite_event_log",
    "SqlEventLogStorage": f"{_STORAGE}.event_log.sql_event_log",
    "SqlEventLogStorageTable": f"{_STORAGE}.event_log.schema",
    "SqliteRunStorage": f"{_STORAGE}.runs.sqlite.sqlite_run_storage",
    "SqliteScheduleStorage": f"{_STORAGE}.schedules",
    # What the stack's daemon is (`deploy/daemon.py`).
    "DagsterDaemon": "dagster._daemon.daemon",
    "SpanMarker": "dagster._daemon.daemon",
    # What Dagit asks who may do what, and answers with (`deploy/dagit`).
    "DagsterWebserver": "dagster_webserver.webserver",
    "GrapheneUnauthorizedError": "dagster_graphql.schema.errors",
    "PermissionResult": f"{_WORKSPACE}.permissions",
    "Permissions": f"{_WORKSPACE}.permissions",
    "WorkspaceProcessContext": f"{_WORKSPACE}.context",
    "WorkspaceRequestContext": f"{_WORKSPACE}.context",
    "get_location_scoped_user_permissions": f"{_WORKSPACE}.permissions",
    "has_permission_for_run": "dagster_graphql.implementation.utils",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(name)
    return getattr(importlib.import_module(_LATE[name]), name)


def web_request_context() -> Any:
    """The class whose `stale_status_loader` tells Dagit what is out of date."""
    from dagster._core.workspace.context import BaseWorkspaceRequestContext

    return BaseWorkspaceRequestContext


def daemon_controller() -> Any:
    """The module that makes Dagster's daemons, each by its `create_daemon_of_type`."""
    from dagster._daemon import controller

    return controller


def daemon_command() -> Any:
    """The command `dagster-daemon run`."""
    from dagster._daemon.cli import run_command

    return run_command


def execute_run_command() -> Any:
    """What the process of a run does: load its job, execute it, say how it ended."""
    from dagster._cli.api import _execute_run_command_body

    return _execute_run_command_body


def dev_command_module() -> Any:
    """The module behind `dagster dev`: it has `dev_command`, the `open_ipc_subprocess` that starts its processes, and how long it waits for their end."""
    from dagster._cli import dev

    return dev
