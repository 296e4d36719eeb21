"""GitHub REST API, repositories, traffic and statistics: https://docs.github.com/rest

An account is `owner/repository`, or an owner alone for each of the owner's repositories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx

from analytics.adapters.base import CONTENT_LIMIT, Page, Pages, guarded, page_of, wanted
from analytics.adapters.http import Answer, Client, get_json, paged
from analytics.adapters.prices import Prices
from analytics.adapters.values import (
    Fault,
    added,
    as_count,
    as_time,
    each,
    figure,
    listing,
    malformed,
    mapping,
    numbered,
    observed,
    poll_slot,
    readings,
    text,
)
from analytics.adapters.vendor import Vendor
from analytics.errors import SourceError, TransientSourceError
from analytics.model import Aggregation, MetricDefinition, Observation

NAME = "github"
POLL = timedelta(minutes=5)
PER_PAGE = 100

# `watchers_count` repeats the stars (since 2012); those who watch are the subscribers.
REPOSITORY = {"stargazers_count": "stars", "forks_count": "forks", "subscribers_count": "watchers"}
LISTED = {"stargazers_count": "stars", "forks_count": "forks"}
TRAFFIC = {"views": ("views", "unique_visitors"), "clones": ("clones", "unique_cloners")}


def _per_day(metric: str, title: str, unit: str, aggregation: Aggregation, text: str) -> MetricDefinition:
    return MetricDefinition(NAME, metric, title, unit, "gauge", aggregation, text, "daily", timedelta(days=2))


DEFINITIONS = (
    MetricDefinition(NAME, "stars", "Stars", "stars", "counter", "increase", "Users who have starred the repository."),
    MetricDefinition(NAME, "forks", "Forks", "forks", "counter", "increase", "Forks of the repository."),
    MetricDefinition(NAME, "watchers", "Watchers", "users", "counter", "last", "Users subscribed to notifications."),
    MetricDefinition(NAME, "followers", "Followers", "users", "counter", "last", "Users who follow the owner."),
    MetricDefinition(
        NAME,
        "contributions",
        "Contributions",
        "commits",
        "counter",
        "increase",
        "Commits on the default branch by the contributors GitHub lists (at most 100, merges left out).",
        "daily",
        timedelta(days=1),
    ),
    _per_day("views", "Views", "views", "sum", "Page views of the repository on the UTC day the reading is dated."),
    _per_day("clones", "Clones", "clones", "sum", "Full clones of the repository on the UTC day."),
    _per_day("unique_visitors", "Unique visitors", "users", "mean", "Visitors on the UTC day; days do not add up."),
    _per_day("unique_cloners", "Unique cloners", "users", "mean", "Cloners on the UTC day; days do not add up."),
)


def _classify(response: httpx.Response, payload: Any) -> type[SourceError] | None:
    """Both rate limits may answer 403; statistics answer 202 while they are being computed."""
    if response.status_code == httpx.codes.ACCEPTED:
        return TransientSourceError
    if response.status_code != httpx.codes.FORBIDDEN:
        return None
    said = str(payload.get("message", "")).lower() if isinstance(payload, dict) else ""
    limited = response.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in response.headers
    return TransientSourceError if limited or "rate limit" in said else None


VENDOR = Vendor(
    NAME,
    "https://api.github.com",
    api_version="2022-11-28",
    headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    classify=_classify,
    free_unchanged=True,
)

PRICES = Prices(fixed_calls=5)  # repository, owner, views, clones, contributors


def collect(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int = CONTENT_LIMIT
) -> Iterator[Page]:
    """Yield a page a call: counts, followers, traffic of 14 days, contributions."""
    at = poll_slot(observed_at, client.step(POLL))
    owner, _, name = account.partition("/")
    counts = wanted(metrics, REPOSITORY.values() if name else LISTED.values())
    if counts and name:
        yield from guarded(counts, fetch_repository, client, account, counts, observed_at=at)
    elif counts and contents:
        yield from guarded(counts, fetch_repositories, client, owner, counts, observed_at=at, contents=contents)
    if followers := wanted(metrics, ("followers",)):
        yield from guarded(followers, fetch_owner, client, account, observed_at=at)
    for kind, names in TRAFFIC.items():
        if name and (asked := wanted(metrics, names)):
            yield from guarded(asked, fetch_traffic, client, account, kind, asked, observed_at=at)
    if name and (asked := wanted(metrics, ("contributions",))):
        yield from guarded(asked, fetch_contributions, client, account, observed_at=at)


def fetch_repository(client: Client, account: str, metrics: Collection[str], *, observed_at: datetime) -> Page:
    """Stars, forks and watchers of one repository."""
    answer = get_json(client, f"repos/{account}")
    return page_of(answer, parse_repository, account=account, observed_at=observed_at, metrics=metrics)


def fetch_repositories(
    client: Client, owner: str, metrics: Collection[str], *, observed_at: datetime, contents: int
) -> Pages:
    """Stars and forks of each of an owner's repositories, the most recently pushed first."""
    params: dict[str, str | int] = {"sort": "pushed", "per_page": min(PER_PAGE, contents)}
    left = contents
    for answer in paged(client, f"users/{owner}/repos", params=params, cursor="page", next_of=_next_page):
        yield page_of(answer, parse_repositories, account=owner, observed_at=observed_at, metrics=metrics)
        left -= PER_PAGE
        if left <= 0:
            return


def fetch_owner(client: Client, account: str, *, observed_at: datetime) -> Page:
    """Followers of the account's owner."""
    answer = get_json(client, f"users/{account.partition('/')[0]}")
    return page_of(answer, parse_owner, account=account, observed_at=observed_at, metrics=("followers",))


def fetch_traffic(client: Client, account: str, kind: str, metrics: Collection[str], *, observed_at: datetime) -> Page:
    """Views or clones by UTC day, 14 days back; needs push access (fine-grained: Administration read)."""
    parser = parse_views if kind == "views" else parse_clones
    answer = get_json(client, f"repos/{account}/traffic/{kind}", params={"per": "day"})
    return page_of(answer, parser, account=account, observed_at=observed_at, metrics=metrics)


def fetch_contributions(client: Client, account: str, *, observed_at: datetime) -> Page:
    """Commits of all contributors; GitHub may answer 202 for minutes while it counts."""
    answer = get_json(client, f"repos/{account}/stats/contributors")
    return page_of(answer, parse_contributors, account=account, observed_at=observed_at, metrics=("contributions",))


def parse_repository(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of one repository; raise `MalformedResponse` if it is not one."""
    try:
        return readings(NAME, payload, REPOSITORY, observed_at=observed_at, author_id=account)
    except (TypeError, ValueError) as exc:
        raise malformed(NAME, f"repository {account}", exc) from exc


def parse_repositories(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Counts of each repository in a listing, by its full name; a listing does not hold the watchers."""
    place: dict[str, Any] = {"observed_at": observed_at, "author_id": account}

    def of_one(at: str, item: Any) -> list[Observation]:
        name = text(mapping(item, "repository")["full_name"], "full_name")
        return readings(NAME, item, LISTED, **place, content_id=name, content_type="repository", at=at)

    try:
        return each(numbered(payload, ""), of_one, platform=NAME, **place)
    except (TypeError, ValueError) as exc:
        raise malformed(NAME, f"repositories of {account}", exc) from exc


def parse_owner(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Followers of a user or an organisation."""
    try:
        return readings(NAME, payload, {"followers": "followers"}, observed_at=observed_at, author_id=account)
    except (TypeError, ValueError) as exc:
        raise malformed(NAME, f"owner of {account}", exc) from exc


def parse_views(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Views by day, see `_parse_traffic`."""
    return _parse_traffic(payload, "views", account, observed_at)


def parse_clones(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Clones by day, see `_parse_traffic`."""
    return _parse_traffic(payload, "clones", account, observed_at)


def _parse_traffic(payload: Any, kind: str, account: str, observed_at: datetime) -> list[Observation]:
    """One reading a day, dated at the day's UTC midnight.

    GitHub leaves days without traffic out, and they stay out: it does the same with days not yet counted.
    """
    total, unique = TRAFFIC[kind]
    fields = {"count": total, "uniques": unique}

    def of_day(at: str, day: Any) -> list[Observation]:
        begin = as_time(mapping(day, "day")["timestamp"])
        return readings(NAME, day, fields, observed_at=begin, author_id=account, at=at)

    try:
        days = numbered(mapping(payload, "traffic")[kind], kind)
        return each(days, of_day, platform=NAME, observed_at=observed_at, author_id=account)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"traffic/{kind} {account}", exc) from exc


def parse_contributors(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """The sum of all contributors' commits; unknown where none is listed: an empty repository answers 204."""
    try:
        totals = [
            figure(person, f"[{number}].total", lambda one: as_count(mapping(one, "contributor")["total"]))
            for number, person in enumerate(listing(payload or [], "contributors"))
        ]
        whole = next((total for total in totals if isinstance(total, Fault)), added(totals))
        return observed(NAME, {"contributions": whole}, observed_at=observed_at, author_id=account)
    except (TypeError, ValueError) as exc:
        raise malformed(NAME, f"stats/contributors {account}", exc) from exc


def _next_page(answer: Answer) -> str | None:
    """The number of the next page: the link itself may point to `/repositories/{id}` instead of the path asked."""
    link = httpx.Response(200, headers=answer.headers).links.get("next")
    return httpx.URL(link["url"]).params.get("page") if link else None
