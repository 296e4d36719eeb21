"""Medium, the feed of a writer or publication: https://help.medium.com/hc/en-us/articles/214874118

Medium has no API for figures: the feed tells what was published, and views, reads, claps and followers come from
the statistics page by `analytics import-export`. An account is `@user`, a publication's name, or a domain.
"""

from __future__ import annotations

from datetime import timedelta

from analytics.adapters import feeds
from analytics.model import Aggregation, MetricDefinition

NAME = "medium"
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

VENDOR = feeds.vendor(NAME, "https://medium.com")


def address_of(account: str) -> tuple[str, str]:
    """Host and path of an account's feed; '' is Medium's own host. A name may hold a dot, a publication's may not.

    >>> address_of("@ada.love"), address_of("better-programming"), address_of("blog.example.com")
    (('', 'feed/@ada.love'), ('', 'feed/better-programming'), ('blog.example.com', 'feed'))
    """
    return (account, "feed") if "." in account and not account.startswith("@") else ("", f"feed/{account}")


def post_id(guid: str) -> str:
    """A story's id from the feed's or a link: the last part, after its title.

    >>> post_id("https://medium.com/p/e1131f7c0355")
    'e1131f7c0355'
    >>> post_id("https://blog.example.com/a-story-about-apples-e1131f7c0355?source=rss----2")
    'e1131f7c0355'
    """
    return guid.partition("?")[0].rstrip("/").rpartition("/")[2].rpartition("-")[2]


FEED = feeds.Feed(NAME, address_of, post_id)
collect, parse_feed, contents_of = FEED.collect, FEED.parse_feed, FEED.contents_of
