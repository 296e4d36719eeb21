"""Substack: the feed of a publication, at an address of its own. Figures exist for its owner alone, in no API."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from html import escape

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import Flow
from analytics.simulator.platform import Platform
from analytics.simulator.posts import Post, Publishing, posts

SHOWN = 20
# what dashboard, export and mails would tell; the feed holds none of it
FLOWS = {
    "opens": Flow(3_100, start=210_000, peak_hour=9.0),
    "clicks": Flow(240, start=15_000, peak_hour=9.5),
    "subscribers": Flow(21, start=7_400, loss=0.18, sensitivity=0.8),
}
PUBLISHING = Publishing(per_day=0.4, audience=5_200, half_life=timedelta(hours=20), shares={"opens": 1.0})
HEAD = """<?xml version="1.0" encoding="UTF-8"?><rss xmlns:dc="http://purl.org/dc/elements/1.1/"\
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom" version="2.0">"""
PAGE = "<!DOCTYPE html><html><head><title>Substack</title></head><body><h1>{status}</h1></body></html>"


def refusal(status: int, _call: Call) -> Reply:
    """A page for people."""
    return Reply(text=PAGE.format(status=status), status=status, media_type="text/html; charset=utf-8")


def feed(call: Call) -> Reply:
    """GET {host}/feed, or the feed of a podcast."""
    host = call.path.get("host") or f"podcast{call.path['number']}.example.com"
    if host.startswith("nobody"):
        return refusal(404, call)
    account = host.removesuffix(".substack.com")
    items = "".join(_item(host, post) for post in posts(call.world, "substack", account, PUBLISHING, call.at, SHOWN))
    title = f"<title><![CDATA[{account}]]></title><link>https://{escape(host)}</link><generator>Substack</generator>"
    return Reply(text=f"{HEAD}<channel>{title}{items}</channel></rss>", media_type="application/xml; charset=utf-8")


def _item(host: str, post: Post) -> str:
    link = f"https://{escape(host)}/p/letter-number-{post.number}"
    paid = post.number % 4 == 0
    body = "" if paid else "<content:encoded><![CDATA[<p>Text</p>]]></content:encoded>"
    return (
        f"<item><title><![CDATA[Letter number {post.number} & more]]></title><link>{link}</link>"
        f'<guid isPermaLink="false">{link}</guid><dc:creator><![CDATA[Writer]]></dc:creator>'
        f"<pubDate>{format_datetime(post.published_at, usegmt=True)}</pubDate>"
        f'<enclosure url="https://substackcdn.com/image/cover.jpg" length="0" type="image/jpeg"/>{body}</item>'
    )


PLATFORM = Platform(
    account="acme",
    flows=FLOWS,
    routes=(("GET", "/{host}/feed", feed), ("GET", "/api.substack.com/feed/podcast/{number}.rss", feed)),
    token_of=lambda call: call.bearer or "anonymous",
    refusal=refusal,
    limit=Limit(1_000, timedelta(minutes=10), lambda *_: {}),
)
