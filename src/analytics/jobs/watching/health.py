"""Is everything well: database, schedules, collectors, disk. Each check says what it saw, and a slow one ends."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr

from analytics.errors import AnalyticsError
from analytics.settings import Settings

if TYPE_CHECKING:
    from analytics.store import Store

Status = Literal["healthy", "degraded", "unhealthy"]
ORDER: tuple[Status, ...] = ("healthy", "degraded", "unhealthy")
LEAST_FREE_BYTES = 1_000_000_000
LEAST_FREE_RATIO = 0.05
NONE_FREE_BYTES = 50_000_000  # the database writes ahead in files of 16 MB
WAITS_LONG = timedelta(minutes=15)  # the web app counts within seconds, the flow `inbox` every few minutes
HTTP_TIMEOUT_S = 3.0
CONNECT_TIMEOUT_S = 3
STATEMENT_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Check:
    """One part, its state, and what was seen."""

    name: str
    status: Status
    said: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Health:
    """All checks; the whole is as ill as its worst part."""

    checks: tuple[Check, ...]
    at: datetime

    @property
    def status(self) -> Status:
        """The worst of the checks."""
        return max((check.status for check in self.checks), key=ORDER.index, default="healthy")


def health(settings: Settings, *, at: datetime | None = None, prefect_url: str | None = None) -> Health:
    """Look at every part.

    Args:
        prefect_url: address of the schedules' server; None: `PREFECT_API_URL`, else where `analytics up` runs it for
            this home; no check where it is not up.
    """
    now = at or datetime.now(UTC)
    checks = [_timed("database", lambda: database(settings))]
    if checks[0].status == "healthy":
        checks.append(_timed("collection", lambda: collection(settings, now)))
        checks.append(_timed("webhooks", lambda: webhooks(settings, now)))
        checks.append(_timed("rollups", lambda: rollups(settings)))
    url = prefect_url or os.environ.get("PREFECT_API_URL") or api_of_up(settings.home)
    if url:
        checks.append(_timed("schedules", lambda: schedules(url)))
    checks.append(_timed("disk", lambda: disk(settings)))
    return Health(tuple(checks), now)


def _timed(name: str, look: Callable[[], tuple[Status, str]]) -> Check:
    started = time.perf_counter()
    try:
        status, said = look()
    except AnalyticsError as exc:
        status, said = "unhealthy", str(exc)
    return Check(name, status, said, time.perf_counter() - started)


def api_of_up(home: Path) -> str | None:
    """Where the Prefect server of a running `analytics up` answers, by the lock it holds; None where none runs."""
    path = home.resolve() / "prefect" / "up.lock"
    try:
        with path.open("r") as lock:
            about = json.loads(lock.read())
            os.kill(int(about["pid"]), 0)  # asked first: to try the lock could keep another from starting
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return f"http://127.0.0.1:{int(about['port'])}/api"
    except PermissionError:
        return None  # somebody else's process: the number was given anew
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None


def hurried(settings: Settings, *, statement_timeout_s: float = STATEMENT_TIMEOUT_S) -> Settings:
    """The same store, asked by somebody who does not wait: a database that is silent is as bad as one that is away."""
    from analytics.store.server.supervisor import EmbeddedServer, parse_database_url

    given = settings.database_url
    url = parse_database_url(given.get_secret_value()) if given else EmbeddedServer(settings.server_dir).url()
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(CONNECT_TIMEOUT_S)})
    address = SecretStr(url.render_as_string(hide_password=False))
    timeout_s = min(settings.statement_timeout_s, statement_timeout_s)
    return settings.model_copy(update={"database_url": address, "statement_timeout_s": timeout_s})


def database(settings: Settings) -> tuple[Status, str]:
    """Reachable, and of this program's schema; an embedded server that is down is not started."""
    import sqlalchemy as sa

    from analytics.store import open_store
    from analytics.store.server.supervisor import EmbeddedServer

    if settings.database_url is None:
        state = EmbeddedServer(settings.server_dir).status().state
        if state != "running":
            return "unhealthy", f"the embedded server is {state}; `analytics db start` starts it"
    with open_store(hurried(settings)) as store, store.begin() as connection:
        version = connection.scalar(sa.text("SHOW server_version"))
    return "healthy", f"PostgreSQL {version}"


def collection(settings: Settings, now: datetime) -> tuple[Status, str]:
    """Accounts of active platforms that have had no good round for several polls."""
    from analytics.jobs.collecting.collectors import changed_at, ill_health
    from analytics.params.files import load_params
    from analytics.store import open_store

    params = load_params(settings.params_dir)
    with open_store(hurried(settings)) as store:
        ill = ill_health(store, params, now, changed_at=changed_at(settings.params_dir))
    accounts = sum(len(platform.accounts) for platform in params.platforms.values() if platform.is_active)
    if not ill:
        return "healthy", f"{accounts} accounts"
    said = "; ".join(f"{event.series.platform} {event.series.author_id}: {event.reason}" for event in ill[:5])
    return "degraded", f"{len(ill)} of {accounts} accounts: {said}"[:1000]


def webhooks(settings: Settings, now: datetime) -> tuple[Status, str]:
    """Bodies that wait to be counted for long, and those set aside: their senders were told that they are kept."""
    from analytics.jobs.collecting.inbox import oldest_waiting
    from analytics.store import open_store, set_aside

    with open_store(hurried(settings)) as store:
        with store.begin() as connection:
            aside = set_aside.waiting(connection)
        since = oldest_waiting(store)
    said = []
    if since is not None and now - since > WAITS_LONG:
        said.append(f"bodies wait to be counted since {since:%Y-%m-%d %H:%M} UTC")
    if aside:
        first = "; ".join(
            f"{one.source.removeprefix('webhook ')} {one.account}: {one.reason:.150}" for one in aside[:3]
        )
        said.append(f"{len(aside)} bodies set aside (`analytics quarantine list`): {first}")
    return ("degraded", "; ".join(said)[:1000]) if said else ("healthy", "all counted")


def rollups(settings: Settings) -> tuple[Status, str]:
    """Days, weeks and months that could not be rolled up."""
    from analytics.store import open_store
    from analytics.store.rollup import failing

    with open_store(hurried(settings)) as store, store.begin() as connection:
        found = failing(connection)
    said = "; ".join(f"{kind} {start:%Y-%m-%d}: {why:.150}" for kind, start, why in found[:3])
    return ("degraded", f"{len(found)} could not be rolled up: {said}") if found else ("healthy", "none fails")


def schedules(url: str) -> tuple[Status, str]:
    """The Prefect server answers, and runs that are due do not pile up."""
    import httpx

    late = {"flow_runs": {"state": {"name": {"any_": ["Late"]}}}}
    try:
        with httpx.Client(base_url=url, timeout=HTTP_TIMEOUT_S) as client:
            client.get("/health").raise_for_status()
            waiting = int(client.post("/flow_runs/count", json=late).raise_for_status().json())
    except (httpx.HTTPError, ValueError) as exc:
        return "unhealthy", f"no answer from {url}: {exc}"
    return ("degraded", f"{waiting} runs are late: is the runner up?") if waiting > 2 else ("healthy", "on time")


def disk(settings: Settings) -> tuple[Status, str]:
    """Room below home."""
    folder = next(path for path in (settings.home, *settings.home.resolve().parents) if path.exists())
    usage = shutil.disk_usage(folder)
    said = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB free"
    if usage.free < NONE_FREE_BYTES:
        return "unhealthy", f"{said}: too little to store anything"
    enough = usage.free > LEAST_FREE_BYTES and usage.free > LEAST_FREE_RATIO * usage.total
    return ("healthy", said) if enough else ("degraded", said)


def lines(checks: Iterable[Check]) -> list[str]:
    """A line a check, for a terminal or a log.

    >>> lines([Check("disk", "healthy", "9.1 GB free", 0.002)])
    ['disk        healthy    9.1 GB free (2 ms)']
    """
    return [f"{c.name:<11} {c.status:<10} {c.said} ({c.seconds * 1000:.0f} ms)" for c in checks]


def freshness(store: Store, now: datetime) -> dict[str, float]:
    """Seconds since the newest reading of each platform."""
    import sqlalchemy as sa

    query = sa.text("SELECT platform, max(last_time) FROM series WHERE last_time > :since GROUP BY platform")
    with store.begin() as connection:
        rows = connection.execute(query, {"since": now - timedelta(days=90)}).all()
    return {platform: (now - newest).total_seconds() for platform, newest in rows}
