"""Feeds: whole, harmless, and read without feedparser ever asking anybody."""

from __future__ import annotations

import socket

import httpx
import pytest

from analytics.adapters.base import page_of
from analytics.adapters.feeds import feed_of
from analytics.adapters.http import Client
from analytics.adapters.platforms import medium, substack
from analytics.errors import MalformedResponse, SourceNotFound

RSS = '<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel><title>T</title>{items}</channel></rss>'
ITEM = "<item><title>Ä</title><guid>https://medium.com/p/{id}</guid><pubDate>{date}</pubDate></item>"
DATE = "Tue, 26 Oct 2021 04:07:52 GMT"
NOON = "Tue, 26 Oct 2021 12:00:00 +0200"


def rss(*items, encoding="UTF-8"):
    return RSS.format(encoding=encoding, items="".join(items)).encode(encoding)


def read(client, adapter, account, at):
    return list(adapter.collect(client, account, (), observed_at=at))


def test_mediums_own_feed_gives_its_post(contract, answering, observed_at):
    body = contract("medium/feeds/user_feed.xml").encode()

    with answering("medium", [httpx.Response(200, content=body, headers={"content-type": "text/xml"})]) as client:
        (page,) = read(client, medium, "@gbaccetta", observed_at)

    assert [(o.metric_type, o.value, o.observed_at.isoformat()) for o in page.observations] == [
        ("posts", 1, "2021-10-26T04:07:52+00:00")
    ]
    assert page.raw == body
    (content,) = page.contents
    assert (content.content_id, content.published_at.year) == ("e1131f7c0355", 2021)
    assert content.title.startswith("TeamSpot")
    assert content.url.endswith("-e1131f7c0355")


def test_substacks_letters_paid_and_free_are_posts(contract, answering, observed_at):
    body = contract("substack/feeds/newsletter_shape.xml").encode()

    with answering("substack", [httpx.Response(200, content=body)]) as client:
        (page,) = read(client, substack, "example", observed_at)

    assert [(o.value, o.observed_at.isoformat()) for o in page.observations] == [
        (1, "2026-08-12T12:00:00+00:00"),
        (1, "2026-08-19T12:00:00+00:00"),
    ]


def test_an_episode_without_a_date_is_unknown(contract, answering, observed_at):
    body = contract("substack/feeds/podcast_channel.xml").encode()

    with answering("substack", [httpx.Response(200, content=body)]) as client:
        (page,) = read(client, substack, "podcast/69345", observed_at)

    assert [(o.metric_type, o.value) for o in page.observations] == [("posts", None)]


@pytest.mark.parametrize(
    ("adapter", "account", "address"),
    [
        (medium, "@ada.love", "https://medium.com/feed/@ada.love"),
        (medium, "better-programming", "https://medium.com/feed/better-programming"),
        (medium, "blog.example.com", "https://blog.example.com/feed"),
        (substack, "acme", "https://acme.substack.com/feed"),
        (substack, "letters.example.com", "https://letters.example.com/feed"),
        (substack, "podcast/69345", "https://api.substack.com/feed/podcast/69345.rss"),
    ],
)
def test_accounts_live_at_different_addresses(adapter, account, address, observed_at):
    asked = []

    def answer(request):
        asked.append(str(request.url))
        return httpx.Response(200, content=rss())

    with Client(adapter.VENDOR, transport=httpx.MockTransport(answer)) as client:
        (page,) = read(client, adapter, account, observed_at)

    assert asked == [address]
    assert (page.failure, page.observations) == (None, ())


def test_posts_of_one_moment_are_counted_and_a_repeated_one_is_not():
    payload, fault = feed_of(
        rss(*(ITEM.format(id=i, date=d) for i, d in (("a", DATE), ("a", DATE), ("b", DATE), ("c", NOON))))
    )

    read = medium.parse_feed(payload, account="@a", observed_at=None)

    assert fault is None
    assert [(o.value, o.observed_at.isoformat()) for o in read] == [
        (2, "2021-10-26T04:07:52+00:00"),
        (1, "2021-10-26T10:00:00+00:00"),
    ]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1"])
def test_encodings_and_leading_space_are_read(encoding):
    body = rss(ITEM.format(id="a", date=DATE), encoding=encoding)

    payload, fault = feed_of((b"\n  " if encoding == "UTF-8" else b"") + body)

    assert fault is None
    assert payload["entries"][0]["title"] == "Ä"


HOSTILE = {
    "bomb": '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><rss version="2.0">&b;</rss>',
    "file": '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel>&x;</channel></rss>',
    "parameter": '<!DOCTYPE r [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><rss version="2.0"></rss>',
    "deep": "<rss>" + "<a>" * 5_000 + "</a>" * 5_000 + "</rss>",
    "cut": rss(ITEM.format(id="a", date=DATE)).decode()[:180],
    "two": '<rss version="2.0"></rss><rss version="2.0"></rss>',
    "page": "<html><head></head><body>Sorry</body></html>",
    "json": '{"entries": []}',
    "nothing": "",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_feed_is_malformed(body, answering, observed_at):
    """feedparser would make the best of a half or hostile feed; half of a feed would pass for all of it."""
    with answering("medium", lambda _: httpx.Response(200, content=body.encode())) as client:
        (page,) = read(client, medium, "@a", observed_at)

    assert isinstance(page.failure, MalformedResponse)
    assert "not a feed" in str(page.failure)
    assert [r.metric for r in page.refused] == ["posts"]


def test_a_hidden_utf16_entity_is_found():
    body = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r [<!ENTITY a "x">]><rss version="2.0">&a;</rss>'

    assert "entity 'a'" in feed_of(body.encode("utf-16"))[1]


def test_an_address_as_body_is_not_fetched(monkeypatch):
    """feedparser fetches whatever looks like an address, unless it is given a stream."""
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("asked the network"))

    assert feed_of(b"http://127.0.0.1:9/feed")[0] is None


def test_an_unknown_account_is_not_found(simulator, patient, observed_at):
    for adapter, account in ((medium, "@nobody"), (substack, "nobody")):
        with Client(adapter.VENDOR, base_url=simulator.base_url(adapter.NAME), retry=patient) as client:
            (page,) = read(client, adapter, account, observed_at)
        assert isinstance(page.failure, SourceNotFound)


def test_a_date_that_cannot_be_read_costs_its_post(answering, observed_at):
    """The post keeps its title; the others are counted, and the fault says what stood there."""
    body = rss(ITEM.format(id="a", date="soon"), ITEM.format(id="b", date=DATE))

    with answering("medium", [httpx.Response(200, content=body)]) as client:
        (page,) = read(client, medium, "@a", observed_at)

    assert [o.value for o in page.observations if o.value is not None] == [1]
    assert [o.fault for o in page.observations if o.fault] == [
        "GET /feed/@a: entries[0].published: expected a time, found 'soon'"
    ]
    assert {(content.content_id, content.published_at is None) for content in page.contents} == {
        ("a", True),
        ("b", False),
    }


@pytest.mark.parametrize("payload", [{}, [], {"entries": [1]}, {"entries": [{"id": "a"}]}, None])
def test_another_payload_is_malformed(payload, observed_at):
    for adapter in (medium, substack):
        with pytest.raises(MalformedResponse):
            adapter.parse_feed(payload, account="a", observed_at=observed_at)


def test_the_simulated_feed_is_the_worlds(simulator, patient, observed_at):
    """The ten newest stories and the twenty newest letters, each at its own moment."""
    from analytics.simulator.platforms import medium as simulated_medium
    from analytics.simulator.platforms import substack as simulated_substack
    from analytics.simulator.posts import posts

    for adapter, account, own in (
        (medium, "@acme", simulated_medium),
        (substack, "acme", simulated_substack),
    ):
        truth = posts(simulator.world, adapter.NAME, account, own.PUBLISHING, observed_at, own.SHOWN)
        with Client(adapter.VENDOR, base_url=simulator.base_url(adapter.NAME), retry=patient) as client:
            (page,) = read(client, adapter, account, observed_at)
        assert sum(o.value for o in page.observations) == own.SHOWN
        assert {o.observed_at for o in page.observations} == {post.published_at for post in truth}


def test_the_answer_is_kept_as_it_came(answering, observed_at):
    body = rss(ITEM.format(id="a", date=DATE))

    with answering("medium", [httpx.Response(200, content=body)]) as client:
        from analytics.adapters.http import get_json

        page = page_of(
            get_json(client, "feed/@a"), medium.parse_feed, account="@a", observed_at=observed_at, metrics=("posts",)
        )

    payload, _ = medium.VENDOR.read(page.raw)
    assert tuple(medium.parse_feed(payload, account="@a", observed_at=observed_at)) == page.observations
