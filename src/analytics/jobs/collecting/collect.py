"""Collect one round: ask every platform, keep the answers as they came, store the readings.

One platform's failure stops no other, and one call's failure costs only its own metrics.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from analytics.adapters.base import CONTENT_LIMIT, Page
from analytics.adapters.breaker import Breaker
from analytics.adapters.http import Client, Renewed
from analytics.adapters.prices import prices_of
from analytics.adapters.registry import load_adapter
from analytics.adapters.vendor import Cached, Retry
from analytics.errors import AccessDenied, AnalyticsError, InputError, ParamsError, SourceError, ValueRefused
from analytics.ingest.check import printable
from analytics.ingest.contract import KEY_LENGTHS
from analytics.ingest.landing import Landed, Landing
from analytics.jobs.collecting.harvest import Harvest, Round
from analytics.jobs.collecting.spending import Allowed, Paid, allowance, allowed, note, spent_so_far, step_of
from analytics.jobs.sync import define
from analytics.model import newest_of
from analytics.params.files import Params, load_params
from analytics.params.platforms import Account, Platform
from analytics.settings import Settings, credential, demo_params

if TYPE_CHECKING:
    from analytics.store import Store

NOW_HEADER = "X-Simulated-Now"
PLACES = 4  # accounts of one platform asked at once: a platform that does not answer holds up no other
LANDING_DAYS = 30  # raw answers; a platform's policy may say less
Progress = Callable[[str, float], None]
StoredToken = Callable[[str], SecretStr | None]


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
    turns: Mapping[str, Callable[[], None]] | None = None,
    progress: Progress = _silent,
) -> Round:
    """Collect one round and store it.

    Args:
        platforms: names from params; none: every active one.
        account: one account's id; None: all.
        base_url: an address below which each platform answers by its name, as the simulator's do; None: the settings'.
        at: the time the readings are dated; None: now. On loopback it is also the simulator's time.
        contents: newest contents read per account.
        turns: by platform, what is called before every request goes out; it may wait, for limits all workers share.
    Raises:
        InputError: an unknown platform, account or metric, before anything is asked.
    """
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        raise InputError(f"base URL {base_url!r}: expected http:// or https://")
    base_url = base_url or settings.platforms_url
    if base_url is None and settings.params_dir.resolve() == demo_params().resolve():
        raise InputError("the demo's platforms are simulated: `analytics --demo up` starts them, or give --base-url")
    observed_at = at or datetime.now(UTC)
    started = time.perf_counter()
    chosen = params or load_params(settings.params_dir)
    jobs = list(_jobs(chosen, platforms, account))
    define(store, {name for name, _, _ in jobs}, chosen)
    landing = Landing(settings.landing_dir)
    harvests: dict[int, Harvest] = {}
    polls = list(_polls(store, jobs, observed_at, contents))
    with ExitStack() as stack:
        places = {
            name: stack.enter_context(ThreadPoolExecutor(PLACES, thread_name_prefix=f"collect-{name}"))
            for name in {poll.name for poll in polls}
        }
        breakers = {name: Breaker() for name in places}
        fetching = {
            places[poll.name].submit(
                fetch_account,
                poll.name,
                poll.platform,
                poll.allowed.account,
                observed_at=observed_at,
                base_url=address_of(base_url, poll.name) if base_url else poll.platform.base_url,
                simulated=at is not None,
                retry=retry,
                breaker=breakers[poll.name],
                landing=landing,
                contents=poll.allowed.contents,
                turn=(turns or {}).get(poll.name),
                stored=partial(_stored_token, settings, store),
                renewal=partial(_renewal, settings, store),
            ): number
            for number, poll in enumerate(polls)
            if poll.allowed.is_asked
        }
        for future in as_completed(fetching):  # whoever is slow, what has come is stored
            number = fetching[future]
            poll = polls[number]
            harvest = replace(future.result(), left_out=poll.allowed.left_out)
            harvests[number] = harvest = _kept(store, landing, harvest, observed_at)
            if harvest.pages:
                _note_spending(store, poll, harvest, observed_at)
            progress("collect", len(harvests) / len(polls))
    for number, poll in enumerate(polls):
        if not poll.allowed.is_asked:
            skipped = Harvest(poll.name, poll.allowed.account.id, datetime.now(UTC), left_out=poll.allowed.left_out)
            harvests[number] = stored(store, landing, skipped, observed_at=observed_at)
    for name, platform, _ in jobs:
        days = min(LANDING_DAYS, platform.policy.raw_days or LANDING_DAYS)
        landing.purge(name, before=(observed_at - timedelta(days=days)).date())
    in_order = tuple(harvests[number] for number in range(len(polls)))
    return Round(observed_at, in_order, time.perf_counter() - started)


def _kept(store: Store, landing: Landing, harvest: Harvest, observed_at: datetime) -> Harvest:
    """The harvest, stored; one that the database refuses fails alone."""
    try:
        return stored(store, landing, harvest, observed_at=observed_at)
    except ValueRefused as exc:
        return stored(store, landing, replace(harvest, pages=(), error=exc), observed_at=observed_at)


def _keep_contents(store: Store, harvest: Harvest) -> None:
    """What the contents are; those that are as before are left alone, those without a name of their own left out."""
    from analytics.store.journal import save_contents

    rows = [
        {
            "platform": harvest.platform,
            "content_id": content.content_id,
            "author_id": harvest.account,
            "content_type": printable(content.content_type),
            "title": printable(content.title[:500]),
            "url": printable(content.url),
            "published_at": content.published_at,
            "details": {"text": printable(content.text)} if content.text else None,
        }
        for page in harvest.pages
        for content in page.contents
        if len(content.content_id) <= KEY_LENGTHS["content_id"] and content.content_id == printable(content.content_id)
    ]
    if rows:
        with store.begin() as connection:
            save_contents(connection, rows)


@dataclass(frozen=True, slots=True)
class _Poll:
    """One account to be asked, as far as the budget allows."""

    name: str
    platform: Platform
    allowed: Allowed
    paid: Paid


def _polls(store: Store, jobs: Sequence[tuple[str, Platform, Account]], at: datetime, contents: int) -> Iterator[_Poll]:
    """Every account of the round; a platform without a budget is asked in full."""
    for name in dict.fromkeys(name for name, _, _ in jobs):
        platform = next(entry for job, entry, _ in jobs if job == name)
        accounts = [account for job, _, account in jobs if job == name]
        prices = prices_of(load_adapter(platform.adapter))
        today, month, paid = spent_so_far(store, name, at)
        left = allowance(platform.budget, today, month, platform.schedule, at)
        for one in allowed(accounts, platform.metrics, prices, left, contents=contents, paid=paid):
            yield _Poll(name, platform, one, paid)


def _note_spending(store: Store, poll: _Poll, harvest: Harvest, at: datetime) -> None:
    note(
        store,
        poll.name,
        harvest.account,
        prices_of(load_adapter(poll.platform.adapter)),
        metrics=poll.platform.metrics,
        calls=len(harvest.pages),
        contents=len({o.content_id for o in harvest.observations if o.content_id}),
        paid=poll.paid,
        at=at,
    )


def fetch_account(
    name: str,
    platform: Platform,
    account: Account,
    *,
    observed_at: datetime,
    base_url: str | None = None,
    simulated: bool = False,
    retry: Retry | None = None,
    breaker: Breaker | None = None,
    landing: Landing | None = None,
    contents: int = CONTENT_LIMIT,
    turn: Callable[[], None] | None = None,
    stored: StoredToken | None = None,
    renewal: Callable[[str], Callable[[str], Renewed | None] | None] | None = None,
) -> Harvest:
    """Ask one account's metrics; whatever came before a failure is kept.

    `landing` keeps answers by their tag between rounds, for vendors that give unchanged ones for free. `stored`
    finds what a sign-in left, where the environment has no key of that name; `renewal` gives what renews it.
    """
    if account.problem:
        wrong = SourceError(name, "params/platforms.yaml", account.problem)
        return Harvest(name, account.id[: KEY_LENGTHS["author_id"]], datetime.now(UTC), error=wrong)
    adapter = load_adapter(platform.adapter)
    tagged = landing if adapter.VENDOR.free_unchanged else None
    etags = {call: Cached(*kept) for call, kept in tagged.tags(name, account.id).items()} if tagged else None
    started_at, started = datetime.now(UTC), time.perf_counter()
    pages: list[Page] = []
    error: AnalyticsError | None = None
    try:
        with Client(
            replace(adapter.VENDOR, platform=name),
            token=_token(name, account, stored),
            base_url=base_url,
            retry=retry,
            etags=etags,
            breaker=breaker,
            every=step_of(platform.schedule),
            renew=_renew(account, renewal),
            turn=turn,
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
    seconds = time.perf_counter() - started
    return Harvest(name, account.id, started_at, tuple(pages), error, seconds, method=adapter.VENDOR.method)


def stored(store: Store, landing: Landing, harvest: Harvest, *, observed_at: datetime) -> Harvest:
    """Land the answers, write the readings in one transaction; the harvest with its counts."""
    from analytics.store import Collection

    landing.append([_to_land(harvest, page, observed_at) for page in harvest.pages if page.parser])
    last = next((page for page in reversed(harvest.pages) if page.parser), None)
    result = store.write(
        newest_of(harvest.observations),
        Collection(
            platform=harvest.platform,
            method=harvest.method,
            account=harvest.account,
            source=f"{len(harvest.pages)} calls",
            api_version=(last.api_version or None) if last else None,
            rate_limit_remaining=last.rate_limit_remaining if last else None,
            started_at=harvest.started_at,
            error=harvest.problem,
            is_skipped=harvest.state == "skipped",
        ),
    )
    _keep_contents(store, harvest)
    return replace(
        harvest,
        written=result.written,
        duplicate=result.duplicate,
        corrected=result.corrected,
        quarantined=result.quarantined,
    )


def address_of(root: str, platform: str) -> str:
    """Where a platform answers below `root`.

    >>> address_of("http://127.0.0.1:8080", "github")
    'http://127.0.0.1:8080/github'
    """
    return f"{root.rstrip('/')}/{platform}"


def _jobs(params: Params, names: Sequence[str], account: str | None) -> Iterator[tuple[str, Platform, Account]]:
    found = False
    for name in names or [name for name, platform in params.platforms.items() if platform.is_active]:
        require_platform(name, params.platforms)
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


def require_platform(name: str, platforms: Mapping[str, Any]) -> None:
    """Raise `InputError` with what there is, where params have no platform of that name."""
    if name not in platforms:
        raise InputError(f"platform {name!r}: not in params/platforms.yaml; it has {', '.join(platforms) or 'none'}")


def _check_metrics(name: str, platform: Platform) -> None:
    offered = {definition.metric_type for definition in load_adapter(platform.adapter).DEFINITIONS}
    for metric in platform.metrics:
        if metric not in offered:
            raise ParamsError(
                f"{name}.metrics: the adapter {platform.adapter} has no {metric!r}; it has {sorted(offered)}"
            )


def _token(name: str, account: Account, stored: StoredToken | None) -> str | None:
    """The account's key: the environment's, else what a sign-in or `analytics credentials` keeps in the store."""
    if account.credential is None:
        return None
    secret = credential(account.credential) or (stored(account.credential) if stored else None)
    if secret is None:
        raise AccessDenied(
            name, account.id, f"no {account.credential}: set that environment variable, or `analytics connect {name}`"
        )
    key = secret.get_secret_value().strip()
    if not key.isprintable():  # what no header may hold, the transport would complain of with the key itself
        raise AccessDenied(name, account.id, f"{account.credential} holds a control character: it is no key")
    return key


def _stored_token(settings: Settings, store: Store, wanted: str) -> SecretStr | None:
    if settings.secret_key is None:
        return None
    from analytics.jobs.collecting.signin import access_token

    return access_token(settings, store, wanted, now=datetime.now(UTC))


def _renew(
    account: Account, renewal: Callable[[str], Callable[[str], Renewed | None] | None] | None
) -> Callable[[str], Renewed | None] | None:
    """What renews the account's token: nothing where the environment has it."""
    name = account.credential
    return renewal(name) if renewal and name and credential(name) is None else None


def _renewal(settings: Settings, store: Store, name: str) -> Callable[[str], Renewed | None] | None:
    if settings.secret_key is None:
        return None
    from analytics.jobs.collecting.signin import renewal

    return renewal(settings, store, name)


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
