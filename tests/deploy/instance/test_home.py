import dagster as dg
import pytest
import yaml

from my_dagster_project.deploy.instance.home import prepare_environment
from my_dagster_project.deploy.instance.sqlite_storage import EmbeddedRunStorage
from my_dagster_project.foundation.settings import settings_from
from tests.support.configs import CONFIGS

# Where the storages lay in the releases whose homes are still there.
ROOMS = ["instance", "elsewhere.instance"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Makes a home as the command line does, and gives its dagster.yaml."""

    def prepare():
        environ = {"TRADING_HOME": str(tmp_path)}
        prepare_environment(settings_from(environ, CONFIGS.parent), environ)
        monkeypatch.setenv("TRADING_DAGSTER_HISTORY", environ["TRADING_DAGSTER_HISTORY"])
        return tmp_path / "dagster" / "dagster.yaml"

    return prepare


def test_a_new_home_opens_with_our_storages(home):
    with dg.DagsterInstance.from_config(str(home().parent)) as instance:
        assert isinstance(instance.run_storage, EmbeddedRunStorage)


@pytest.mark.parametrize("room", ROOMS)
def test_a_home_of_an_earlier_release_opens_and_keeps_what_people_edited(home, room):
    config = home()
    now = config.read_text()
    storages = {part["module"] for part in yaml.safe_load(now).values() if "sqlite" in str(part)}
    [module] = storages
    edited = now.replace("max_concurrent_runs: 2", "max_concurrent_runs: 4  # a bigger machine")
    config.write_text(edited.replace(module, f"my_dagster_project.{room}.sqlite_storage"))
    assert home().read_text() == edited
    assert list(config.parent.glob("dagster.*")) == [config]
    with dg.DagsterInstance.from_config(str(config.parent)) as instance:
        assert isinstance(instance.run_storage, EmbeddedRunStorage)
