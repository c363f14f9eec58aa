"""The control plane and a worker as real processes on real PostgreSQL and Redis, with the stack's own dagster.yaml."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.project import ROOT, Project, kill_group
from tests.support.dagit import FAULTS, TRADING, Dagit
from tests.support.minio import free_port
from tests.support.postgres import postgres
from tests.support.redis import RedisServer
from tests.support.waiting import wait_for

STACK = ROOT / "my_dagster_project" / "deploy" / "instance" / "stack.yaml"


class Deployment(Dagit):
    """Everything of the stack that takes part in a run, without Docker. Processes are known by name."""

    def __init__(self, folder: Path, project: Project, database: str, redis: RedisServer) -> None:
        super().__init__(free_port())
        self.folder, self.project, self.redis = folder, project, redis
        self.alive_file = folder / "worker.alive"
        self._ports = {FAULTS: free_port(), TRADING: free_port()}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.dagster_home = folder / "dagster"
        self.dagster_home.mkdir()
        (folder / "home" / "mlflow").mkdir(parents=True)
        self._write_configuration(database)

    def _write_configuration(self, database: str) -> None:
        config = yaml.safe_load(STACK.read_text())
        config["storage"] = {"postgres": {"postgres_url": database}}
        config["local_artifact_storage"]["config"]["base_dir"] = str(self.folder / "artifacts")
        # The one figure that differs from the stack's: twenty seconds of waiting per fault.
        config["run_monitoring"]["poll_interval_seconds"] = 2
        (self.dagster_home / "dagster.yaml").write_text(yaml.safe_dump(config))
        places = [
            {"grpc_server": {"host": "127.0.0.1", "port": port, "location_name": name}}
            for name, port in self._ports.items()
        ]
        (self.dagster_home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": places}))

    @property
    def environment(self) -> dict[str, str]:
        """What the control plane's containers have."""
        return self.project.environ(
            PYTHONPATH=str(ROOT),
            DAGSTER_HOME=str(self.dagster_home),
            TRADING_PROJECT=str(self.project.folder),
            TRADING_HOME=str(self.folder / "home"),
            TRADING_REDIS_URL=self.redis.address,
            TRADING_DAGIT_URL=f"http://127.0.0.1:{self.dagit_port}",
            REDIS_PASSWORD=self.redis.password,
            PYTHONUNBUFFERED="1",
        )

    def start(self, name: str, *command: str, **environment: str) -> None:
        """Start a process in a session of its own; what it says goes to <name>.log."""
        with self.log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env={**self.environment, **environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def start_control_plane(self) -> None:
        for module, port in self._ports.items():
            place = ("-h", "127.0.0.1", "-p", str(port), "--location-name", module)
            self.start(f"code-{module}", "dagster", "code-server", "start", "-m", module, *place)
        workspace = str(self.dagster_home / "workspace.yaml")
        place = ("-h", "127.0.0.1", "-p", str(self.dagit_port), "-w", workspace)
        self.start("dagit", sys.executable, "-m", "my_dagster_project.deploy.dagit", *place)
        self.start_daemon()
        wait_for(lambda: set(self.loaded()) >= {FAULTS, TRADING} or self.reload_what_is_up())

    def start_daemon(self) -> None:
        self.start(
            "daemon",
            sys.executable,
            "-m",
            "my_dagster_project.deploy.daemon",
            "-w",
            str(self.dagster_home / "workspace.yaml"),
        )

    def start_worker(self, **environment: str) -> None:
        """Start the worker with the platform's own checkout as its project, as its image has one; returns when it is ready."""
        self.alive_file.unlink(missing_ok=True)  # A killed one has left it behind.
        self.start(
            "worker",
            *(sys.executable, "-m", "my_dagster_project.deploy.workers"),
            TRADING_PROJECT=str(ROOT),
            TRADING_WORKER_ALIVE=str(self.alive_file),
            **environment,
        )
        wait_for(self.alive_file.exists)

    def kill(self, name: str) -> None:
        """kill -9 of everything the process started, and of itself."""
        kill_group(self._processes.pop(name))

    def kill_alone(self, name: str) -> None:
        """kill -9 of this one process; what becomes of its children is its own business."""
        process = self._processes.pop(name)
        process.kill()
        process.wait(timeout=20)

    def stop(self, name: str, seconds: float = 60) -> int:
        """SIGTERM, and the exit code."""
        process = self._processes.pop(name)
        process.terminate()
        return process.wait(timeout=seconds)

    @property
    def names(self) -> list[str]:
        """What runs."""
        return list(self._processes)

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def close(self) -> None:
        for name in list(self._processes):
            self.kill(name)

    def waiting(self, seconds: float) -> dict[str, Any]:
        return {"seconds": seconds, "log": str(self.folder / "executions.log")}

    def executions(self, what: str = "begun") -> list[tuple[str, int, int]]:
        """Run, process and its parent of every execution of the op that waits."""
        log = self.folder / "executions.log"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [(run, int(pid), int(parent)) for kind, run, pid, parent in lines if kind == what]

    def await_process(self, run: str) -> int:
        """The process that executes the run, once its op has begun."""
        return wait_for(lambda: [pid for one, pid, _ in self.executions() if one == run])[0]


@contextmanager
def deployed(folder: Path, project: Project) -> Iterator[Deployment]:
    """A deployment without a worker; all its processes are killed at the end."""
    redis = RedisServer(folder / "redis")
    with postgres(folder / "postgres") as server:
        (folder / "stack").mkdir()
        deployment = Deployment(folder / "stack", project, server.new_database("dagster"), redis)
        try:
            redis.start()
            deployment.start_control_plane()
            yield deployment
        finally:
            deployment.close()
            redis.kill()
