"""Substack, the feed of a publication: https://support.substack.com/hc/en-us/articles/360038239391

Substack has neither an API nor webhooks. The feed tells what was published; opens, clicks and subscribers come from
the owner's export (`analytics import-export`), from the notification mails Substack sends to the owner (inbound
mail of `analytics web`), or from the mail provider where the letter is sent through one. An account is the
publication's name (`name` of `name.substack.com`), its own domain, or `podcast/{id}`.
"""

from __future__ import annotations

from datetime import timedelta

from analytics.adapters import feeds
from analytics.model import Aggregation, MetricDefinition

NAME = "substack"
SETTLES = timedelta(days=2)


def _count(metric: str, title: str, unit: str, text: str, aggregation: Aggregation = "increase") -> MetricDefinition:
    return MetricDefinition(NAME, metric, title, unit, "counter", aggregation, text, "minutes", SETTLES)


DEFINITIONS = (
    MetricDefinition(NAME, "posts", "Posts", "posts", "gauge", "sum", "Posts by their moment of publication.", "daily"),
    _count("delivered", "Delivered", "mails", "Mails delivered, of a post or of all."),
    _count("opens", "Opens", "opens", "Opens of the mails; one reader may open many times. Machine opens are apart."),
    _count("unique_opens", "Unique opens", "users", "Readers who opened a mail, once a mail."),
    _count("machine_opens", "Machine opens", "opens", "Opens by mail programs that fetch pictures ahead."),
    _count("clicks", "Clicks", "clicks", "Clicks on links in the mails."),
    _count("unique_clicks", "Unique clicks", "users", "Readers who clicked in a mail, once a mail."),
    _count("bounces", "Bounces", "mails", "Mails that could not be delivered."),
    _count("complaints", "Complaints", "mails", "Mails marked as spam by their readers."),
    _count("views", "Views", "views", "Views of a post, by mail, on the web and in the app."),
    _count("subscribers", "Subscribers", "users", "People on the mail list who get mails.", "last"),
    _count("paid_subscribers", "Paid subscribers", "users", "People with a paid subscription.", "last"),
    _count(
        "subscribers_gained", "Subscribers gained", "users", "New free and paid subscribers since collecting began."
    ),
    _count("paid_subscribers_gained", "Paid subscribers gained", "users", "New paid ones since collecting began."),
    _count("subscribers_lost", "Subscribers lost", "users", "Unsubscribed since collecting began."),
)

VENDOR = feeds.vendor(NAME, "https://substack.com")


def address_of(account: str) -> tuple[str, str]:
    """Host and path of an account's feed.

    >>> address_of("acme"), address_of("letters.example.com"), address_of("podcast/69345")
    (('acme.substack.com', 'feed'), ('letters.example.com', 'feed'), ('api.substack.com', 'feed/podcast/69345.rss'))
    """
    kind, _, number = account.partition("/")
    if kind == "podcast" and number:
        return "api.substack.com", f"feed/podcast/{number}.rss"
    return account if "." in account else f"{account}.substack.com", "feed"


def post_id(guid: str) -> str:
    """A post's name in its address, or the id a podcast gives it.

    >>> post_id("https://example.substack.com/p/first?utm_source=rss"), post_id("substack:post:9384")
    ('first', 'substack:post:9384')
    """
    return guid.partition("?")[0].rstrip("/").rpartition("/")[2]


FEED = feeds.Feed(NAME, address_of, post_id)
collect, parse_feed, contents_of = FEED.collect, FEED.parse_feed, FEED.contents_of
