"""One machine, one command: database, Prefect server, runner and web app, kept running until Ctrl-C.

    database → Prefect server (SQLite below home/prefect) → limits, deployments and runner → web app

Each part is awaited before the next; one that dies is started again. Nothing here imports Prefect, so the first line is
on screen at once, and a server that cannot start is told from one that is slow.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from analytics.cli.app import refused
from analytics.cli.screen import harmless
from analytics.errors import AnalyticsError, InputError
from analytics.settings import Settings, demo_params, load_settings, private_folder
from flows.environment import environment, prefect_home, server_environment
from flows.processes import Child

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 300.0  # the first start of the server makes its database: over 100 s on a busy machine
STOP_TIMEOUT_S = 20.0
WATCH_S = 0.5
DATABASE_CHECK_S = 10.0
HOST = "127.0.0.1"
LAST_PORT = 65535


@dataclass(frozen=True)
class Options:
    """What to start, and where."""

    port: int = 4200
    web_port: int = 8600
    web: bool = True
    runner: bool = True


@dataclass
class Installation:
    """The parts of one running installation."""

    settings: Settings
    options: Options
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    stopping: bool = False
    started_database: bool = False
    _database_checked: float = 0.0

    def up(self) -> None:
        """Start everything, in order, each part awaited."""
        began = time.monotonic()
        if self.settings.params_dir.resolve() == demo_params().resolve():
            self.start_demo()
        self.start_database()
        env = self.environment()
        api = env["PREFECT_API_URL"]
        self.start("server", "-m", "flows.server", env=server_environment(env))
        self.wait("Prefect server", f"{api}/health")
        if self.options.runner:
            ready = prefect_home(self.settings) / "runner.ready"
            ready.unlink(missing_ok=True)
            self.start("runner", "-m", "flows.serve", "--ready", str(ready), env=env)
            self.wait_until("runner", ready.exists, self.children[-1])
        if self.options.web:
            web = f"http://{HOST}:{self.options.web_port}"
            app = ("analytics.web.app:create_app", "--factory", "--host", HOST, "--port", str(self.options.web_port))
            quiet = ("--no-access-log", "--log-config", str(ROOT / "flows" / "logging-web.json"))
            self.start("web", "-m", "uvicorn", *app, *quiet, env=env)
            self.wait("web app", f"{web}/healthz")
        self.say(f"All up after {time.monotonic() - began:.0f} s. Ctrl-C stops all of it.")
        self.say(f"  schedules, runs, forms  {api.removesuffix('/api')}")
        if self.options.web:
            self.say(f"  reports                 {web}/")
            self.say(f"  health, metrics         {web}/readyz  {web}/metrics")
        for what, address in self.shown.items():
            self.say(f"  {what:<22}  {address}")
        self.say(f"  logs                    {self.logs}")

    @property
    def logs(self) -> Path:
        """Folder of the parts' logs."""
        return prefect_home(self.settings) / "logs"

    def environment(self) -> dict[str, str]:
        """Variables for every part."""
        web_port = self.options.web_port if self.options.web else None
        return environment(self.settings, port=self.options.port, web_port=web_port, inherited=os.environ)

    def start_database(self) -> None:
        """Start the embedded server, or reach the one the settings name, and bring it to what params say."""
        from analytics.jobs.sync import sync_params
        from analytics.params.files import load_params
        from analytics.store import open_store

        if self.settings.database_url is None:
            from analytics.store.server.supervisor import EmbeddedServer

            state = EmbeddedServer(self.settings.server_dir).status().state
            self.started_database = self.started_database or state != "running"
        self.say("Database …")
        with open_store(self.settings) as store:
            sync_params(store, load_params(self.settings.params_dir))

    def start_demo(self) -> None:
        """Load what the demo needs to live, then start the simulated platforms: no real one is ever asked."""
        from analytics.jobs.demo import begin_living

        if self.settings.database_url is None:
            from analytics.store.server.supervisor import EmbeddedServer

            self.started_database = EmbeddedServer(self.settings.server_dir).status().state != "running"
        self.say("Demo: history, report, and what has just begun …")
        events = begin_living(self.settings, now=datetime.now(UTC), progress=lambda *_: None)
        url = f"http://{HOST}:{port_or_free(0, 'simulator')}"
        program = ("-c", "from analytics.cli.app import main; main()")
        run = ("simulator", "run", "--no-limits", "--port", url.rpartition(":")[2], "--events", str(events))
        channel = f"json://{url.removeprefix('http://')}/_simulator/channel"
        os.environ.update({"ANALYTICS_PLATFORMS_URL": url, "DEMO_CHANNEL": channel, "DEMO_TOKEN": "demo"})
        self.start("simulator", *program, *run, env=dict(os.environ))
        self.wait("simulated platforms", f"{url}/_simulator/channel")
        self.shown["messages told"] = f"{url}/_simulator/channel"

    def start(self, name: str, *arguments: str, env: dict[str, str]) -> None:
        """Start one part as a child of this process."""
        self.say(f"{name.capitalize()} …")
        child = Child(name, [sys.executable, *arguments], self.logs / f"{name}.log", env, Path.cwd())
        self.children.append(child)
        child.start()

    def wait(self, what: str, url: str) -> None:
        """Wait until `url` answers."""
        self.wait_until(what, lambda: answers(url), self.children[-1])

    def wait_until(self, what: str, is_ready: Callable[[], bool], child: Child) -> None:
        """Wait for a part to be ready.

        Raises:
            AnalyticsError: it ended or did not become ready; the message ends with its log's last lines.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            if self.stopping:
                raise KeyboardInterrupt
            if not child.running or time.monotonic() > deadline:
                how = "is not ready" if child.running else "ended"
                raise AnalyticsError(f"{what} {how}; its log {child.log} ends with:\n{child.last_words()}")
            time.sleep(0.2)

    def watch(self) -> None:
        """Keep all parts running until told to stop."""
        while not self.stopping:
            for child in self.children:
                if child.keep(self.say):
                    self.say(f"{child.name} started again")
            self._keep_database()
            time.sleep(WATCH_S)

    def _keep_database(self) -> None:
        """The embedded server is nobody's child: ask for it now and then, which starts it if need be."""
        if self.settings.database_url is not None or time.monotonic() - self._database_checked < DATABASE_CHECK_S:
            return
        self._database_checked = time.monotonic()
        from analytics.store.server.supervisor import EmbeddedServer

        server = EmbeddedServer(self.settings.server_dir)
        try:
            if server.status().state in ("stopped", "stale"):
                self.say("database ended; starting it again")
                server.start()
        except AnalyticsError as exc:
            self.say(f"database: {exc}")

    def down(self) -> None:
        """Stop everything, the last part first."""
        for child in reversed(self.children):
            self.say(f"Stopping {child.name}")
            child.stop(STOP_TIMEOUT_S)
        if self.started_database:
            from analytics.store.server.supervisor import EmbeddedServer

            self.say("Stopping database")
            EmbeddedServer(self.settings.server_dir).stop()

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """End at the next opportunity."""
        self.stopping = True


def answers(url: str) -> bool:
    """Whether an address on loopback answers 200."""
    try:
        with urlopen(url, timeout=2) as response:  # noqa: S310 - our own loopback address
            return bool(response.status == 200)
    except (URLError, OSError, ValueError):
        return False


def port_or_free(port: int, name: str) -> int:
    """`port` if nothing listens there (0: any free one).

    Raises:
        InputError: it is taken, or there is no such port.
    """
    if not 0 <= port <= LAST_PORT:
        raise InputError(f"{name} {port}: expected 0 to {LAST_PORT}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as exc:
            raise InputError(f"port {port} is taken: choose another with {name}, or 0 for any free one") from exc
        return int(probe.getsockname()[1])


@contextmanager
def only_one(home: Path) -> Iterator[Callable[[dict[str, int]], None]]:
    """Hold the installation's lock; give what notes down how to find us. `InputError` where another process has it."""
    private_folder(home)
    path = home / "up.lock"
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise InputError(f"already up for {home.parent}: {lock.read() or 'another process'}") from None

        def note(about: dict[str, int]) -> None:
            lock.truncate(0)
            lock.write(json.dumps({"pid": os.getpid(), **about}))
            lock.flush()

        note({})
        yield note


def with_ports(options: Options) -> Options:
    """Ports that are free, each once.

    Raises:
        InputError: one is taken, or both are the same.
    """
    port = port_or_free(options.port, "--port")
    if not options.web:
        return replace(options, port=port)
    if options.web_port == port:
        raise InputError(f"--port and --web-port are both {port}: schedules and reports need one each")
    return replace(options, port=port, web_port=port_or_free(options.web_port, "--web-port"))


def main(arguments: list[str] | None = None) -> int:
    """Run until a signal; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flows.up", description="Everything on schedule, on this machine.")
    parser.add_argument("--port", type=int, default=4200)
    parser.add_argument("--web-port", type=int, default=8600)
    parser.add_argument("--no-web", dest="web", action="store_false")
    parser.add_argument("--no-runner", dest="runner", action="store_false")
    try:
        return run(Options(**vars(parser.parse_args(arguments))))
    except AnalyticsError as exc:
        sys.stderr.write(f"error: {harmless(str(exc))}\n")
        return exc.exit_status
    except OSError as exc:
        sys.stderr.write(f"error: {harmless(refused(exc))}\n")
        return 1


def run(options: Options) -> int:
    """Bring an installation up, keep it running, and bring it down."""
    settings = load_settings()
    with only_one(prefect_home(settings)) as note:
        options = with_ports(options)
        note({"port": options.port, "web_port": options.web_port})
        installation = Installation(settings, options, lambda text: print(text, flush=True))  # noqa: T201
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, installation.on_signal)
        try:
            installation.up()
            installation.watch()
        except KeyboardInterrupt:
            pass
        finally:
            installation.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
