"""A deployment on the committed configs with one team's addresses set, its instance, and ticks as the daemon makes them."""

import json
import os
from dataclasses import dataclass, field, replace

import dagster as dg
import pytest

from my_dagster_project.foundation.settings import settings_from
from my_dagster_project.pipeline import notification_sensor as sensor
from my_dagster_project.pipeline.code_location import build_definitions
from my_dagster_project.teams.platform import Platform
from tests.notifications.runs import CANARY
from tests.support.committed import PROJECT, committed
from tests.support.loopback import Loopback, Reply, serving

ENVIRONMENT = {"TRADING_CONFIG": "working-tree", "TRADING_DAGIT_LINK": "https://trading.example.org/dagit/"}


@dataclass
class NotificationTicks:
    """Ticks of the sensor `notifications` on a real instance; the cursor goes from one to the next, as in the daemon."""

    platform: Platform
    instance: dg.DagsterInstance
    settings: object
    cursor: str | None = None
    said: str = ""
    ticks: int = field(default=0)

    def tick(self, platform: Platform | None = None) -> str:
        settings = replace(self.settings, environ=dict(os.environ))
        tell = sensor.notifications_sensor(platform or self.platform, settings)
        with dg.build_sensor_context(self.instance, cursor=self.cursor) as context:
            data = tell.evaluate_tick(context)
        self.cursor, self.said = data.cursor, data.skip_message
        return self.said

    def told(self, receiver: Loopback) -> list[str]:
        return [json.loads(one.body)["text"] for one in receiver.seen]


@pytest.fixture
def platform() -> Platform:
    return committed()


def notify(platform: Platform, **kinds: tuple[str, ...]) -> Platform:
    """The platform with what teams (and `organiser`) want to hear of."""
    registry = platform.registry
    teams = {
        name: entry.model_copy(update={"notify": kinds.get(name, entry.notify)})
        for name, entry in registry.teams.items()
    }
    update = {"teams": teams, "notify": kinds.get("organiser", registry.notify)}
    return replace(platform, registry=registry.model_copy(update=update))


@pytest.fixture
def sensor_ticks(platform, tmp_path) -> NotificationTicks:
    settings = settings_from({"TRADING_HOME": str(tmp_path), **ENVIRONMENT}, PROJECT)
    with dg.DagsterInstance.ephemeral() as instance:
        yield NotificationTicks(platform, instance, settings)


def repository(sensor_ticks: NotificationTicks) -> dg.RepositoryDefinition:
    return build_definitions(sensor_ticks.platform, sensor_ticks.settings).get_repository_def()


@pytest.fixture
def red(monkeypatch):
    """Red's webhook, which takes everything."""
    with serving(Reply("ok")) as receiver:
        monkeypatch.setenv("NOTIFY_RED_WEBHOOK", f"{receiver.url}/hooks/{CANARY}")
        yield receiver
