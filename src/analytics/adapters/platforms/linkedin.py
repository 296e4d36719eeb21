"""LinkedIn Community Management: https://learn.microsoft.com/linkedin/marketing/community-management

An account is an organisation's number or URN, for a page we administer; `@name` for anybody's page by its
vanity name, of which LinkedIn gives the followers alone; `me` for the member who signed in. A member's
connections are offered to nobody: followers stand for them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from analytics.adapters.base import CONTENT_LIMIT, Page, Pages, Parser, Refused, guarded, naming_faults, page_of, wanted
from analytics.adapters.http import MAX_PAGES, STATUS_ERRORS, Answer, Client, get_json
from analytics.adapters.platforms.linkedin_answers import (
    DEFINITIONS,
    FOLLOWERS,
    GAINS,
    GROUPS,
    MEMBER,
    NAME,
    PAGE_VIEWS,
    SHARES,
    parse_followers,
    parse_gains,
    parse_groups,
    parse_member,
    parse_member_followers,
    parse_page_views,
    parse_posts,
    parse_problems,
    parse_statistics,
    posts_of,
)
from analytics.adapters.values import lost, poll_slot
from analytics.adapters.vendor import Vendor
from analytics.errors import MalformedResponse, QuotaExhausted, SourceError, SourceNotFound, TransientSourceError

__all__ = [
    "DEFINITIONS",
    "NAME",
    "VENDOR",
    "collect",
    "parse_followers",
    "parse_gains",
    "parse_groups",
    "parse_member",
    "parse_member_followers",
    "parse_page_views",
    "parse_posts",
    "parse_statistics",
]

POLL = timedelta(minutes=15)
VERSION = "202605"  # LinkedIn keeps a version for about a year; then 426, and a newer one is asked for
NEWER = (2, 4)  # months before the poll, whose versions are tried then
PER_PAGE = 50
DAYS = 7
SHARE_STATISTICS, FOLLOWER_STATISTICS = "organizationalEntityShareStatistics", "organizationalEntityFollowerStatistics"


def _classify(response: httpx.Response, payload: Any) -> type[SourceError] | None:
    """Each endpoint has a limit of its own for the UTC day; a refusal may stand in a 200."""
    if not isinstance(payload, dict):
        return None
    status = payload.get("status") if response.is_success else response.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS and "retry-after" not in response.headers:
        daily = payload.get("serviceErrorCode") == 101 or "level throttle" in str(payload.get("message", "")).lower()
        return QuotaExhausted if daily else TransientSourceError
    if not response.is_success or not isinstance(status, int) or status < 400 or "message" not in payload:
        return None
    return STATUS_ERRORS.get(status, TransientSourceError if status >= 500 else SourceError)


VENDOR = Vendor(
    NAME,
    "https://api.linkedin.com",
    api_version=VERSION,
    headers={"LinkedIn-Version": VERSION, "X-Restli-Protocol-Version": "2.0.0"},
    classify=_classify,
)


def collect(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int = CONTENT_LIMIT
) -> Iterator[Page]:
    """Yield a page a call: followers, statistics in all and by day, page views, the newest posts; or a member's."""
    at = poll_slot(observed_at, client.step(POLL))
    common: dict[str, Any] = {"account": account, "observed_at": at}
    if account == "me":
        yield from _of_member(client, metrics, **common)
        return
    followers = wanted(metrics, (FOLLOWERS,))
    if account.startswith("@"):
        if followers:
            yield from _limited(followers, fetch_followers_of, client, **common)
        return
    urn = organisation(account)
    if followers:
        yield from _limited(followers, fetch_followers, client, urn, **common)
    if totals := wanted(metrics, SHARES.values()):
        yield from _limited(totals, fetch_statistics, client, urn, totals, **common)
    if by_day := wanted(metrics, [f"{metric}_per_day" for metric in SHARES.values()]):
        yield from _limited(by_day, fetch_days, client, urn, by_day, parse_statistics, SHARE_STATISTICS, **common)
    if gains := wanted(metrics, [f"{metric}_per_day" for metric in GAINS.values()]):
        yield from _limited(gains, fetch_days, client, urn, gains, parse_gains, FOLLOWER_STATISTICS, **common)
    if page_views := wanted(metrics, (PAGE_VIEWS,)):
        yield from _limited(page_views, fetch_page_views, client, urn, **common)
    if totals and contents:
        yield from _limited(totals, fetch_posts, client, urn, totals, contents=contents, **common)
    if GROUPS in metrics:
        yield from _limited((GROUPS,), fetch_groups, client, urn, **common)


def _of_member(client: Client, metrics: Collection[str], *, account: str, observed_at: datetime) -> Pages:
    common: dict[str, Any] = {"account": account, "observed_at": observed_at}
    if followers := wanted(metrics, (FOLLOWERS,)):
        yield from _limited(followers, fetch_member_followers, client, **common)
    for kind, metric in MEMBER.items():
        if wanted(metrics, (metric,)):
            yield from _limited((metric,), fetch_member, client, kind, **common)


def _limited(metrics: Sequence[str], fetch: Callable[..., Page | Pages], *args: Any, **kwargs: Any) -> Pages:
    """Like `guarded`, but a spent quota is this endpoint's alone."""
    try:
        yield from guarded(metrics, fetch, *args, **kwargs)
    except QuotaExhausted as exc:
        yield Page(call=exc.call, refused=tuple(Refused(metric, exc.problem) for metric in metrics), failure=exc)


def organisation(account: str) -> str:
    """The URN of an account; raise `SourceNotFound` for what cannot be one.

    >>> organisation("1337")
    'urn:li:organization:1337'
    """
    urn = f"urn:li:organization:{account}" if account.isdecimal() else account
    if not urn.startswith("urn:li:organization"):
        raise SourceNotFound(NAME, account, "expected an organisation's number or URN, `@name`, or `me`")
    return urn


def fetch_followers(client: Client, urn: str, *, account: str, observed_at: datetime) -> Page:
    """Followers of any page."""
    answer = _get(client, f"networkSizes/{_encoded(urn)}", {"edgeType": "COMPANY_FOLLOWED_BY_MEMBER"}, observed_at)
    return _page(answer, parse_followers, (FOLLOWERS,), account, observed_at)


def fetch_followers_of(client: Client, *, account: str, observed_at: datetime) -> Pages:
    """Followers of a page by its vanity name."""
    name = _encoded(account.removeprefix("@"))
    answer = _get(client, "organizations", {"q": "vanityName", "vanityName": name}, observed_at)
    yield Page(call=answer.call, api_version=answer.api_version)
    elements = answer.payload.get("elements") if isinstance(answer.payload, dict) else None
    if not isinstance(elements, list):
        raise MalformedResponse(NAME, answer.call, "no list of elements")
    number = elements[0].get("id") if elements and isinstance(elements[0], dict) else None
    if not elements or not str(number).isdecimal():
        raise SourceNotFound(NAME, answer.call, f"no page {account!r}")
    yield fetch_followers(client, organisation(str(number)), account=account, observed_at=observed_at)


def fetch_statistics(
    client: Client, urn: str, metrics: Collection[str], *, account: str, observed_at: datetime
) -> Page:
    """Statistics of all posts of the page within twelve months."""
    query = {"q": "organizationalEntity", "organizationalEntity": _encoded(urn)}
    return _page(_get(client, SHARE_STATISTICS, query, observed_at), parse_statistics, metrics, account, observed_at)


def fetch_days(
    client: Client,
    urn: str,
    metrics: Collection[str],
    parser: Parser,
    endpoint: str,
    *,
    account: str,
    observed_at: datetime,
) -> Page:
    """Statistics of the last days that are over, those not yet final again and again.

    The interval is written as the description has it, or as protocol 2.0 does where that is refused.
    """
    midnight = observed_at.replace(hour=0, minute=0, second=0, microsecond=0)
    start, end = (int(moment.timestamp()) * 1000 for moment in (midnight - timedelta(days=DAYS), midnight))
    whose = {"q": "organizationalEntity", "organizationalEntity": _encoded(urn)}
    dotted = {
        "timeIntervals.timeGranularityType": "DAY",
        "timeIntervals.timeRange.start": str(start),
        "timeIntervals.timeRange.end": str(end),
    }
    nested = {"timeIntervals": f"(timeRange:(start:{start},end:{end}),timeGranularityType:DAY)"}
    try:
        answer = _get(client, endpoint, whose | dotted, observed_at)
    except SourceError as exc:
        if type(exc) is not SourceError and "PARAM" not in exc.problem.upper():
            raise
        answer = _get(client, endpoint, whose | nested, observed_at)
    return _page(answer, parser, metrics, account, observed_at)


def fetch_page_views(client: Client, urn: str, *, account: str, observed_at: datetime) -> Page:
    """Views of the page itself since it was made."""
    query = {"q": "organization", "organization": _encoded(urn)}
    answer = _get(client, "organizationPageStatistics", query, observed_at)
    return _noting_empty(_page(answer, parse_page_views, (PAGE_VIEWS,), account, observed_at), PAGE_VIEWS)


def fetch_posts(
    client: Client, urn: str, metrics: Collection[str], *, account: str, observed_at: datetime, contents: int
) -> Pages:
    """Statistics of the newest posts; those without activity LinkedIn leaves out."""
    left = contents
    query = {"q": "author", "author": _encoded(urn), "count": str(min(PER_PAGE, contents)), "sortBy": "CREATED"}
    for listed in _pages(client, "posts", query, observed_at):
        posts, faults = posts_of(listed.payload)
        posts = posts[:left]
        unread = [lost(NAME, fault, observed_at=observed_at, author_id=account) for fault in faults]
        yield Page(listed.call, tuple(naming_faults(unread, listed.call)), api_version=listed.api_version)
        for kind, parameter in (("share", "shares"), ("ugcPost", "ugcPosts")):
            some = [_encoded(post) for post in posts if post.startswith(f"urn:li:{kind}:")]
            if some:
                whose = {"q": "organizationalEntity", "organizationalEntity": _encoded(urn)}
                answer = _get(client, SHARE_STATISTICS, whose | {parameter: f"List({','.join(some)})"}, observed_at)
                yield _page(answer, parse_statistics, metrics, account, observed_at)
        left -= len(posts)
        if left <= 0:
            return


def fetch_groups(client: Client, urn: str, *, account: str, observed_at: datetime) -> Page:
    """Followers by function, seniority, company size and the like."""
    query = {"q": "organizationalEntity", "organizationalEntity": _encoded(urn)}
    page = _page(_get(client, FOLLOWER_STATISTICS, query, observed_at), parse_groups, (GROUPS,), account, observed_at)
    return _noting_empty(page, GROUPS)


def fetch_member_followers(client: Client, *, account: str, observed_at: datetime) -> Page:
    """Followers of the member who signed in."""
    answer = _get(client, "memberFollowersCount", {"q": "me"}, observed_at)
    return _page(answer, parse_member_followers, (FOLLOWERS,), account, observed_at)


def fetch_member(client: Client, kind: str, *, account: str, observed_at: datetime) -> Page:
    """One figure of all posts of the member who signed in: each kind is a call of its own."""
    query = {"q": "me", "queryType": kind, "aggregation": "TOTAL"}
    answer = _get(client, "memberCreatorPostAnalytics", query, observed_at)
    return _page(answer, parse_member, (MEMBER[kind],), account, observed_at)


def _page(answer: Answer, parser: Parser, metrics: Collection[str], account: str, observed_at: datetime) -> Page:
    common: dict[str, Any] = {"account": account, "observed_at": observed_at, "metrics": metrics}
    return page_of(answer, parser, **common, problems=parse_problems)


def _noting_empty(page: Page, metric: str) -> Page:
    """The page; an answer without the one figure it was asked for costs that figure, it is no zero."""
    if page.observations or page.refused:
        return page
    return replace(page, refused=(Refused(metric, "empty: LinkedIn has no figure, or withholds it"),))


def _encoded(urn: str) -> str:
    """A URN or name as protocol 2.0 wants it within an address: its colons encoded, the parentheses of lists not."""
    return quote(urn, safe="")


def _get(client: Client, path: str, query: Mapping[str, str], observed_at: datetime) -> Answer:
    """GET below `rest`; where the version is retired, with a newer one, which the client then keeps to."""
    address = f"rest/{path}?{'&'.join(f'{name}={value}' for name, value in query.items())}"
    months = observed_at.year * 12 + observed_at.month - 1
    for back in (None, *NEWER):
        if back is not None:
            client.headers["LinkedIn-Version"] = f"{(months - back) // 12}{(months - back) % 12 + 1:02d}"
        try:
            answer = get_json(client, address)
        except SourceError as exc:
            if not exc.problem.startswith("answered 426") or back == NEWER[-1]:
                raise
        else:
            return replace(answer, api_version=client.headers["LinkedIn-Version"])
    raise AssertionError("unreachable: the last version answers or raises")


def _pages(client: Client, path: str, query: Mapping[str, str], observed_at: datetime) -> Iterator[Answer]:
    """Yield a listing's pages as long as there is a link to a next one: a full page does not prove it."""
    start = 0
    for _ in range(MAX_PAGES):
        answer = _get(client, path, {**query, "start": str(start)}, observed_at)
        yield answer
        following = _next_start(answer.payload)
        if following is None:
            return
        if following <= start:
            raise MalformedResponse(NAME, answer.call, f"paging goes round at start {following}")
        start = following
    raise MalformedResponse(NAME, f"GET rest/{path}", f"paging does not end after {MAX_PAGES} pages")


def _next_start(payload: Any) -> int | None:
    paging = payload.get("paging") if isinstance(payload, dict) else None
    links = paging.get("links") if isinstance(paging, dict) else None
    for link in links if isinstance(links, list) else []:
        if isinstance(link, dict) and link.get("rel") == "next":
            start = parse_qs(urlsplit(str(link.get("href"))).query).get("start", [""])[0]
            return int(start) if start.isdecimal() else None
    return None
