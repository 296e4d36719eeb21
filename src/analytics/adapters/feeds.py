"""RSS and Atom, for platforms that publish nothing else: bytes in, plain entries out.

The bytes come from our own client: feedparser is given a stream and never fetches anything. Before it sees them, odd
characters are put right, and expat has checked that the document is whole and declares no entities, so a feed cannot
blow up or read files.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from xml.parsers import expat

import httpx

from analytics.adapters.base import CONTENT_LIMIT, Content, Page, guarded, page_of, wanted
from analytics.adapters.http import Client, get_json
from analytics.adapters.values import Fault, as_time, gathered, lost, malformed, mapping, numbered, poll_slot, text
from analytics.adapters.vendor import Vendor
from analytics.adapters.xml_text import parseable
from analytics.model import Observation

POSTS = "posts"  # the one figure a feed gives
ACCEPT = "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9"
MAX_DEPTH = 100


class _Refused(ValueError):
    """A feed that is not read, and why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One post of a feed; `published_at` is None where the feed does not say."""

    post_id: str
    title: str
    link: str
    published_at: datetime | None

    @property
    def content(self) -> Content:
        """As the store keeps contents; the address without what tells where it was found."""
        return Content(self.post_id, "post", self.title, self.link.partition("?")[0], self.published_at)


def feed_of(raw: bytes) -> tuple[Any, str | None]:
    """The feed as plain data (`title`, `entries`), and what is wrong where there is none (then it is None)."""
    document = parseable(raw)
    try:
        _check(document)
    except (expat.ExpatError, _Refused) as exc:
        return None, f"{exc} in {len(raw)} bytes that begin {raw[:40].decode('utf-8', 'replace')!r}"
    import feedparser

    read = feedparser.parse(BytesIO(document), sanitize_html=False, resolve_relative_uris=False)
    if not read.version:
        return None, "neither RSS nor Atom"
    entries = [
        {
            "id": entry.get("id") or entry.get("link") or "",
            "title": entry.get("title", ""),
            "link": entry.get("link", ""),
            "published": _iso(entry.get("published_parsed")) or entry.get("published"),
        }
        for entry in read.entries
    ]
    return {"title": read.feed.get("title", ""), "entries": entries}, None


def vendor(platform: str, base_url: str) -> Vendor:
    """How a platform that publishes feeds is spoken to."""
    own = httpx.URL(base_url).host
    return Vendor(
        platform,
        base_url,
        headers={"Accept": ACCEPT},
        read=feed_of,
        form="a feed",
        method="feed",
        redirect_hosts=(own,),  # from the common address to the account's own below it, and back
    )


@dataclass(frozen=True, slots=True)
class Feed:
    """How a platform is collected of which the feed is all there is; its functions are the adapter's.

    Args:
        platform: its name.
        address_of: host ('' for the vendor's own) and path of an account's feed.
        post_id: the platform's id of a post, from the feed's.
    """

    platform: str
    address_of: Callable[[str], tuple[str, str]]
    post_id: Callable[[str], str]

    def collect(
        self,
        client: Client,
        account: str,
        metrics: Collection[str],
        *,
        observed_at: datetime,
        contents: int = CONTENT_LIMIT,
    ) -> Iterator[Page]:
        """Yield the feed's page; it holds the newest posts, whatever `contents` asks for."""
        del contents
        if asked := wanted(metrics, (POSTS,)):
            yield from guarded(
                asked, self.fetch_feed, client, account, observed_at=poll_slot(observed_at, client.step())
            )

    def fetch_feed(self, client: Client, account: str, *, observed_at: datetime) -> Page:
        """The newest posts of the account."""
        host, path = self.address_of(account)
        answer = get_json(client, path_below(client, host, path) if host else path)
        common: dict[str, Any] = {"account": account, "observed_at": observed_at, "metrics": (POSTS,)}
        return page_of(answer, self.parse_feed, **common, contents=self.contents_of)

    def parse_feed(self, payload: Any, *, account: str, observed_at: datetime) -> list[Observation]:
        """Posts by their moment of publication; raise `MalformedResponse` if it is no feed."""
        try:
            entries, faults = entries_of(payload, post_id=self.post_id)
        except (KeyError, TypeError, ValueError) as exc:
            raise malformed(self.platform, f"feed of {account}", exc) from exc
        unread = [lost(self.platform, fault, observed_at=observed_at, author_id=account) for fault in faults]
        return published(self.platform, entries, account=account, observed_at=observed_at) + unread

    def contents_of(self, payload: Any) -> list[Content]:
        """The posts of a feed, whatever is known of each."""
        return [entry.content for entry in entries_of(payload, post_id=self.post_id)[0]]


def entries_of(payload: Any, *, post_id: Callable[[str], str]) -> tuple[list[Entry], list[Fault]]:
    """The posts of a feed, each once, in the feed's order; and what is wrong with those that cannot be read.

    A post whose date cannot be read is a post without a date.

    Args:
        payload: what `feed_of` read.
        post_id: the platform's id of a post, from the feed's.
    Raises:
        TypeError, KeyError, ValueError: it is no such payload, or none of its posts can be read.
    """
    undated: list[Fault] = []

    def one(item: tuple[str, Any]) -> Entry:
        at, entry = item[0], mapping(item[1], "entry")
        title, link, given = str(entry["title"]), str(entry["link"]), entry["published"]
        when = None
        try:
            when = None if given is None else as_time(given)
        except ValueError as exc:
            undated.append(Fault(f"{at}.published", str(exc)))
        return Entry(text(post_id(str(entry["id"])) or title, "id and title"), title, link, when)

    items = list(numbered(mapping(payload, "feed")["entries"], "entries"))
    found, faults = gathered(((at, (at, item)) for at, item in items), one)
    if faults and not found:
        raise ValueError(str(faults[0]))
    entries: dict[str, Entry] = {}
    for entry in found:
        entries.setdefault(entry.post_id, entry)
    return list(entries.values()), faults + undated


def published(platform: str, entries: Iterable[Entry], *, account: str, observed_at: datetime) -> list[Observation]:
    """The metric `posts`: one reading a moment of publication, its value how many appeared then.

    So dated, a post is the same point in every feed that still shows it. A post without a date is one unknown.
    """
    counts: dict[datetime, int] = {}
    undated = False
    for entry in entries:
        if entry.published_at is None:
            undated = True
        else:
            counts[entry.published_at] = counts.get(entry.published_at, 0) + 1
    readings = [Observation(platform, "posts", n, at, author_id=account) for at, n in sorted(counts.items())]
    return readings + ([Observation(platform, "posts", None, observed_at, author_id=account)] if undated else [])


def path_below(client: Client, host: str, path: str) -> str:
    """`path` on the account's own host, which the client may then ask; below an overridden base URL, `host/path`."""
    if client.overridden:
        return f"{host}/{path}"
    client.allow(f"https://{host}")
    return f"https://{host}/{path}"


def _check(raw: bytes) -> None:
    """Raise unless `raw` is one whole XML document without entities of its own, nested no deeper than feeds are."""
    depth = 0

    def start(_name: str, _attributes: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise _Refused(f"elements nested more than {MAX_DEPTH} deep")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def entity(name: str, *_: Any) -> None:
        raise _Refused(f"declares the entity {name!r:.40}, which no feed needs")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.EntityDeclHandler = entity
    parser.Parse(raw, True)


def _iso(moment: Any) -> str | None:
    if moment is None:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(moment), UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return None
