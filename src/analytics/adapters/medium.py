"""Medium, the feed of a writer or publication: https://help.medium.com/hc/en-us/articles/214874118

Medium has no API for figures: the feed tells what was published, and views, reads, claps and followers come from
the statistics page by `analytics import-export`. An account is `@user`, a publication's name, or a domain.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from analytics.adapters.base import CONTENT_LIMIT, Content, Page, guarded, page_of, wanted
from analytics.adapters.feeds import ACCEPT, entries_of, feed_of, path_below, published
from analytics.adapters.http import Client, get_json
from analytics.adapters.values import malformed, poll_slot
from analytics.adapters.vendor import Vendor
from analytics.model import Aggregation, MetricDefinition, Observation

NAME = "medium"
FEED = ("posts",)  # the rest is imported
SETTLES = timedelta(days=2)


def _count(metric: str, title: str, unit: str, text: str, aggregation: Aggregation = "increase") -> MetricDefinition:
    return MetricDefinition(NAME, metric, title, unit, "counter", aggregation, f"{text} By import.", "daily", SETTLES)


def _per_day(metric: str, title: str, unit: str, text: str) -> MetricDefinition:
    return MetricDefinition(NAME, metric, title, unit, "gauge", "sum", f"{text} By import.", "daily", SETTLES)


DEFINITIONS = (
    MetricDefinition(NAME, "posts", "Posts", "posts", "gauge", "sum", "Posts by their moment of publication.", "daily"),
    _count("views", "Views", "views", "Views of a story since it was published."),
    _count("reads", "Reads", "reads", "Views of a story of 30 seconds or more, since it was published."),
    _count("claps", "Claps", "claps", "Claps for a story; one reader may give up to 50."),
    _count("fans", "Fans", "users", "Readers who clapped for a story."),
    _count("comments", "Responses", "comments", "Responses to a story."),
    _count("presentations", "Presentations", "impressions", "How often a story was offered to a reader."),
    _count("followers", "Followers", "users", "Accounts that follow this one.", "last"),
    _count("email_subscribers", "E-mail subscribers", "users", "Readers who get stories by mail.", "last"),
    _per_day("views_per_day", "Views per day", "views", "Views of all stories on the day."),
    _per_day("reads_per_day", "Reads per day", "reads", "Reads of all stories on the day."),
    _per_day("claps_per_day", "Claps per day", "claps", "Claps for all stories on the day."),
    _per_day("followers_gained", "Followers gained", "users", "On the day."),
)

VENDOR = Vendor(NAME, "https://medium.com", headers={"Accept": ACCEPT}, read=feed_of, form="a feed")


def collect(
    client: Client, account: str, metrics: Collection[str], *, observed_at: datetime, contents: int = CONTENT_LIMIT
) -> Iterator[Page]:
    """Yield the feed's page; it holds about ten posts, whatever `contents` asks for."""
    del contents
    if asked := wanted(metrics, FEED):
        yield from guarded(asked, fetch_feed, client, account, observed_at=poll_slot(observed_at))


def fetch_feed(client: Client, account: str, *, observed_at: datetime) -> Page:
    """The newest posts of the account."""
    domain = "." in account and not account.startswith("@")  # a name may hold a dot, a publication's may not
    answer = get_json(client, path_below(client, account, "feed") if domain else f"feed/{account}")
    return page_of(answer, parse_feed, account=account, observed_at=observed_at, metrics=FEED, contents=contents_of)


def parse_feed(payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
    """Posts by their moment of publication; raise `MalformedResponse` if it is no feed."""
    try:
        entries = entries_of(payload, post_id=post_id)
    except (KeyError, TypeError, ValueError) as exc:
        raise malformed(NAME, f"feed of {account}", exc) from exc
    return published(NAME, entries, account=account, observed_at=observed_at)


def contents_of(payload: Any) -> list[Content]:
    """The posts of a feed, whatever is known of each."""
    return [entry.content for entry in entries_of(payload, post_id=post_id)]


def post_id(guid: str) -> str:
    """A story's id from the feed's or a link: the last part, after its title.

    >>> post_id("https://medium.com/p/e1131f7c0355")
    'e1131f7c0355'
    >>> post_id("https://blog.example.com/a-story-about-apples-e1131f7c0355?source=rss----2")
    'e1131f7c0355'
    """
    return guid.partition("?")[0].rstrip("/").rpartition("/")[2].rpartition("-")[2]
