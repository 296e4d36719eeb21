"""Medium: a feed of the ten newest posts, for people's names and publications. There is nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import Flow
from analytics.simulator.platform import Platform
from analytics.simulator.posts import Post, Publishing, posts
from analytics.simulator.world import World

SHOWN = 10
# what the statistics page would show; the feed holds none of it
FLOWS = {
    "views_per_day": Flow(640),
    "reads_per_day": Flow(290),
    "claps_per_day": Flow(75, sensitivity=0.9),
    "followers": Flow(6, start=1_900, loss=0.15, sensitivity=0.5),
}
PUBLISHING = Publishing(per_day=0.3, audience=2_400, half_life=timedelta(days=2), shares={"views": 1.0, "reads": 0.45})
HEAD = """<?xml version="1.0" encoding="UTF-8"?><rss xmlns:dc="http://purl.org/dc/elements/1.1/"\
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:atom="http://www.w3.org/2005/Atom" version="2.0">"""
PAGE = "<!DOCTYPE html><html><head><title>Medium</title></head><body><h1>{status}</h1></body></html>"


def _daily(name: str) -> Callable[[World, str, datetime, datetime], float]:
    return lambda world, account, begin, end: float(world.increments("medium", account, name, begin, end).sum())


def refusal(status: int, _call: Call) -> Reply:
    """A page for people."""
    return Reply(text=PAGE.format(status=status), status=status, media_type="text/html; charset=utf-8")


def feed(call: Call) -> Reply:
    """GET /feed/{account}, or {domain}/feed."""
    account = call.path["account"]
    if account.lstrip("@").startswith("nobody"):
        return refusal(404, call)
    items = "".join(_item(post) for post in posts(call.world, "medium", account, PUBLISHING, call.at, SHOWN))
    title = f"<title><![CDATA[Stories by {account} on Medium]]></title><generator>Medium</generator>"
    link = f"<link>https://medium.com/{escape(account)}?source=rss-{_hex(account, 0)}------2</link>"
    text = f"{HEAD}<channel>{title}{link}{items}</channel></rss>"
    return Reply(text=text, media_type="text/xml; charset=UTF-8")


def _item(post: Post) -> str:
    identity = _hex(post.account, post.number)
    link = f"https://medium.com/{escape(post.account)}/story-number-{post.number}-{identity}?source=rss-1------2"
    pixel = f'<img src="https://medium.com/_/stat?event=post.clientViewed&postId={identity}" width="1" height="1">'
    return (
        f"<item><title><![CDATA[Story number {post.number} & more]]></title><link>{link}</link>"
        f'<guid isPermaLink="false">https://medium.com/p/{identity}</guid>'
        f"<dc:creator><![CDATA[{post.account}]]></dc:creator>"
        f"<pubDate>{format_datetime(post.published_at, usegmt=True)}</pubDate>"
        f"<atom:updated>{post.published_at:%Y-%m-%dT%H:%M:%S.000Z}</atom:updated>"
        f"<content:encoded><![CDATA[<p>Text</p>{pixel}]]></content:encoded></item>"
    )


def _hex(account: str, number: int) -> str:
    return f"{sum(ord(c) * 31**i for i, c in enumerate(account)) * 1000 + number:012x}"[-12:]


PLATFORM = Platform(
    account="@acme",
    flows=FLOWS,
    routes=(("GET", "/feed/{account}", feed), ("GET", "/{account}/feed", feed)),
    token_of=lambda call: call.bearer or "anonymous",
    refusal=refusal,
    limit=Limit(1_000, timedelta(minutes=10), lambda *_: {}),
    daily={name: _daily(name) for name in FLOWS if name.endswith("_per_day")},
)
