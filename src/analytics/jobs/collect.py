"""Collect one round: ask every platform, keep the answers as they came, store the readings.

One platform's failure stops no other, and one call's failure costs only its own metrics.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from analytics.adapters.base import CONTENT_LIMIT, Adapter, Page, Refused
from analytics.adapters.http import Client
from analytics.adapters.registry import load_adapter
from analytics.adapters.vendor import Cached, Retry
from analytics.errors import AccessDenied, AnalyticsError, InputError, MalformedResponse, ParamsError, SourceError
from analytics.ingest.landing import Landed, Landing
from analytics.model import Observation
from analytics.params import Account, Params, Platform, load_params
from analytics.settings import Settings, credential

if TYPE_CHECKING:
    from analytics.store import Store

NOW_HEADER = "X-Simulated-Now"
THREADS = 8
State = Literal["ok", "partial", "failed"]
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one account gave in one round.

    `refused` names each metric that did not come, once, with the platform's reason: one health incident each.
    `error` is what ended the round early, or the one call that failed where nothing came at all.
    """

    platform: str
    account: str
    started_at: datetime
    pages: tuple[Page, ...] = ()
    error: AnalyticsError | None = None
    seconds: float = 0.0
    written: int = 0
    duplicate: int = 0
    corrected: int = 0
    quarantined: int = 0

    @property
    def observations(self) -> tuple[Observation, ...]:
        """All readings, in the order they came."""
        return tuple(o for page in self.pages for o in page.observations)

    @property
    def refused(self) -> tuple[Refused, ...]:
        """Each metric that was refused or withheld throughout, with the first reason given."""
        given = {o.metric_type for o in self.observations if o.value is not None}
        reasons: dict[str, str] = {}
        for page in self.pages:
            for refused in page.refused:
                reasons.setdefault(refused.metric, refused.reason)
            for metric in page.withheld:
                if metric not in given:
                    reasons.setdefault(metric, "withheld: absent or null in the answer")
        return tuple(Refused(metric, reason) for metric, reason in reasons.items())

    @property
    def state(self) -> State:
        """`ok`, `partial` (something was refused), or `failed` (no reading came)."""
        if not any(o.value is not None for o in self.observations) and (self.error or self.refused):
            return "failed"
        return "partial" if self.error or self.refused else "ok"

    @property
    def problem(self) -> str | None:
        """What went wrong, in one line for the collection's record; None where nothing did."""
        said = [str(self.error)] if self.error else []
        reasons: dict[str, list[str]] = {}
        for refused in self.refused:
            reasons.setdefault(refused.reason, []).append(refused.metric)
        said += [
            f"no {', '.join(metrics)}" + ("" if reason == getattr(self.error, "problem", None) else f" ({reason})")
            for reason, metrics in reasons.items()
        ]
        return "; ".join(said)[:2000] or None


@dataclass(frozen=True, slots=True)
class Round:
    """Every account's harvest, in the order of the params."""

    observed_at: datetime
    harvests: tuple[Harvest, ...] = ()
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[Harvest, ...]:
        """Accounts that gave nothing."""
        return tuple(harvest for harvest in self.harvests if harvest.state == "failed")

    @property
    def written(self) -> int:
        """Points stored for the first time."""
        return sum(harvest.written for harvest in self.harvests)


def _silent(step: str, done: float) -> None:
    """No progress wanted."""


def collect(
    settings: Settings,
    store: Store,
    *,
    platforms: Sequence[str] = (),
    account: str | None = None,
    base_url: str | None = None,
    at: datetime | None = None,
    params: Params | None = None,
    retry: Retry | None = None,
    contents: int = CONTENT_LIMIT,
    progress: Progress = _silent,
) -> Round:
    """Collect one round and store it.

    Args:
        platforms: names from params; none: every active one.
        account: one account's id; None: all.
        base_url: an address below which each platform answers by its name, as the simulator's do.
        at: the time the readings are dated; None: now. On loopback it is also the simulator's time.
        contents: newest contents read per account.
    Raises:
        InputError: an unknown platform, account or metric, before anything is asked.
    """
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        raise InputError(f"base URL {base_url!r}: expected http:// or https://")
    observed_at = at or datetime.now(UTC)
    started = time.perf_counter()
    jobs = list(_jobs(params or load_params(settings.params_dir), platforms, account))
    landing = Landing(settings.landing_dir)
    harvests: list[Harvest] = []
    with ThreadPoolExecutor(THREADS, thread_name_prefix="collect") as pool:
        fetching = [
            pool.submit(
                fetch_account,
                name,
                platform,
                who,
                observed_at=observed_at,
                base_url=address_of(base_url, name) if base_url else platform.base_url,
                simulated=at is not None,
                retry=retry,
                landing=landing,
                contents=contents,
            )
            for name, platform, who in jobs
        ]
        for done, future in enumerate(fetching, 1):
            harvests.append(stored(store, landing, future.result(), observed_at=observed_at))
            progress("collect", done / len(jobs))
    return Round(observed_at, tuple(harvests), time.perf_counter() - started)


def fetch_account(
    name: str,
    platform: Platform,
    account: Account,
    *,
    observed_at: datetime,
    base_url: str | None = None,
    simulated: bool = False,
    retry: Retry | None = None,
    landing: Landing | None = None,
    contents: int = CONTENT_LIMIT,
) -> Harvest:
    """Ask one account's metrics; whatever came before a failure is kept.

    `landing` keeps answers by their tag between rounds, for vendors that give unchanged ones for free.
    """
    adapter = load_adapter(platform.adapter)
    tagged = landing if adapter.VENDOR.free_unchanged else None
    etags = {call: Cached(*kept) for call, kept in tagged.tags(name, account.id).items()} if tagged else None
    started_at, started = datetime.now(UTC), time.perf_counter()
    pages: list[Page] = []
    error: AnalyticsError | None = None
    try:
        with Client(
            replace(adapter.VENDOR, platform=name),
            token=_token(name, account),
            base_url=base_url,
            retry=retry,
            etags=etags,
            headers={NOW_HEADER: observed_at.isoformat()} if simulated and _is_loopback(base_url) else None,
        ) as client:
            asked = adapter.collect(client, account.id, platform.metrics, observed_at=observed_at, contents=contents)
            pages.extend(_named(page, name) for page in asked)
        if tagged and etags:
            tagged.keep_tags(name, account.id, {call: (cached.etag, cached.raw) for call, cached in etags.items()})
    except AnalyticsError as exc:
        error = exc
    except Exception as exc:  # an adapter's own mistake, ours or a third party's, stops no other account
        logging.getLogger(__name__).exception("adapter %s, account %s", platform.adapter, account.id)
        error = SourceError(name, account.id, f"the adapter {platform.adapter} failed: {type(exc).__name__}: {exc}")
    if error is None and not any(page.observations for page in pages):
        error = next((page.failure for page in pages if page.failure), None)
    return Harvest(name, account.id, started_at, tuple(pages), error, time.perf_counter() - started)


def stored(store: Store, landing: Landing, harvest: Harvest, *, observed_at: datetime) -> Harvest:
    """Land the answers, write the readings in one transaction; the harvest with its counts."""
    from analytics.store import Collection

    landing.append([_to_land(harvest, page, observed_at) for page in harvest.pages if page.parser])
    last = next((page for page in reversed(harvest.pages) if page.parser), None)
    result = store.write(
        list(harvest.observations),
        Collection(
            platform=harvest.platform,
            method="api",
            account=harvest.account,
            source=f"{len(harvest.pages)} calls",
            api_version=(last.api_version or None) if last else None,
            rate_limit_remaining=last.rate_limit_remaining if last else None,
            started_at=harvest.started_at,
            error=harvest.problem,
        ),
    )
    return replace(
        harvest,
        written=result.written,
        duplicate=result.duplicate,
        corrected=result.corrected,
        quarantined=result.quarantined,
    )


@dataclass(frozen=True, slots=True)
class Replayed:
    """What parsing landed answers again brought."""

    answers: int = 0
    written: int = 0
    corrected: int = 0
    duplicate: int = 0
    unread: tuple[str, ...] = field(default=())


def replay(
    settings: Settings,
    store: Store,
    platform: str,
    *,
    since: date,
    until: date | None = None,
    params: Params | None = None,
) -> Replayed:
    """Parse a platform's landed answers again and write what differs; nobody is asked anything.

    Raises:
        InputError: the platform is not in params, or nothing was landed since then.
    """
    from analytics.store import Collection

    known = (params or load_params(settings.params_dir)).platforms
    _require(platform, known)
    adapter, metrics = load_adapter(known[platform].adapter), known[platform].metrics
    total, unread = Replayed(), []
    for landed in Landing(settings.landing_dir).read(platform, since=since, until=until):
        try:
            observations = [o for o in parsed(adapter, landed) if not metrics or o.metric_type in metrics]
        except MalformedResponse as exc:
            unread.append(str(exc))
            continue
        collection = Collection(
            platform, "replay", landed.account, landed.call, landed.api_version or None, landed.rate_limit_remaining
        )
        result = store.write(observations, collection)
        total = Replayed(
            total.answers + 1,
            total.written + result.written,
            total.corrected + result.corrected,
            total.duplicate + result.duplicate,
        )
    if not total.answers and not unread:
        raise InputError(f"{platform}: no answers landed since {since}; raw answers are kept for a limited time")
    return replace(total, unread=tuple(unread))


def parsed(adapter: Adapter, landed: Landed) -> list[Observation]:
    """The readings in a landed answer, by the adapter's parser as it is today."""
    from analytics.adapters.http import json_of

    parser = getattr(adapter, landed.parser, None) if landed.parser.startswith("parse_") else None
    payload, fault = (adapter.VENDOR.read or json_of)(landed.raw)
    if parser is None or fault:
        raise MalformedResponse(landed.platform, landed.call, fault or f"no parser {landed.parser!r} any more")
    observations: list[Observation] = parser(payload, account=landed.account, observed_at=landed.observed_at)
    return [replace(observation, platform=landed.platform) for observation in observations]


def address_of(root: str, platform: str) -> str:
    """Where a platform answers below `root`.

    >>> address_of("http://127.0.0.1:8080", "github")
    'http://127.0.0.1:8080/github'
    """
    return f"{root.rstrip('/')}/{platform}"


def _jobs(params: Params, names: Sequence[str], account: str | None) -> Iterator[tuple[str, Platform, Account]]:
    found = False
    for name in names or [name for name, platform in params.platforms.items() if platform.is_active]:
        _require(name, params.platforms)
        platform = params.platforms[name]
        _check_metrics(name, platform)
        for who in platform.accounts:
            if account in (None, who.id):
                found = True
                yield name, platform, who
    if not found:
        whose = f"account {account!r}" if account else "account"
        raise InputError(
            f"no {whose} in params/platforms.yaml under {', '.join(names or params.platforms) or 'platforms'}"
        )


def _require(name: str, platforms: Mapping[str, Any]) -> None:
    if name not in platforms:
        raise InputError(f"platform {name!r}: not in params/platforms.yaml; it has {', '.join(platforms) or 'none'}")


def _check_metrics(name: str, platform: Platform) -> None:
    offered = {definition.metric_type for definition in load_adapter(platform.adapter).DEFINITIONS}
    for metric in platform.metrics:
        if metric not in offered:
            raise ParamsError(
                f"{name}.metrics: the adapter {platform.adapter} has no {metric!r}; it has {sorted(offered)}"
            )


def _token(name: str, account: Account) -> str | None:
    if account.credential is None:
        return None
    secret = credential(account.credential)
    if secret is None:
        raise AccessDenied(name, account.id, f"the environment variable {account.credential} is not set")
    return secret.get_secret_value()


def _named(page: Page, platform: str) -> Page:
    """The page under the platform's name in params: two entries may share an adapter."""
    if all(o.platform == platform for o in page.observations):
        return page
    return replace(page, observations=tuple(replace(o, platform=platform) for o in page.observations))


def _to_land(harvest: Harvest, page: Page, observed_at: datetime) -> Landed:
    return Landed(
        platform=harvest.platform,
        account=harvest.account,
        observed_at=page.observed_at or observed_at,
        call=page.call,
        parser=page.parser,
        api_version=page.api_version,
        rate_limit_remaining=page.rate_limit_remaining,
        raw=page.raw,
    )


def _is_loopback(base_url: str | None) -> bool:
    host = urlsplit(base_url or "").hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
