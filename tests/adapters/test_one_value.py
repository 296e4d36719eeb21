"""One value of an answer is no figure: it costs itself, or its post, and is named; every other reading is as before.

Held for every number of every answer of a simulated round of each platform, and of the vendors' own payloads where
they lie beside the checkout.
"""

from __future__ import annotations

import copy
import re

import pytest

from analytics.adapters.base import naming_faults
from analytics.adapters.http import Client, json_of
from analytics.adapters.registry import load_adapter
from analytics.adapters.vendor import Retry
from analytics.errors import MalformedResponse
from analytics.simulator import platforms
from tests.adapters.conftest import OBSERVED_AT

TOKEN = "user-token-of-the-owner"
JSON = ("facebook", "github", "instagram", "linkedin", "producthunt", "reddit", "twitter", "youtube")
WRONG = ({"a": 1}, [7], True, "abc")
STRUCTURE = {"id", "start", "end", "year", "month", "day"}  # numbers that name an item or date it, and are no figures
VENDORS_OWN = {
    "twitter": {
        "parse_user": ("x/examples/user_with_public_metrics", "x/examples/docs_user_by_username"),
        "parse_posts": (
            "x/examples/search_recent_page",
            "x/examples/user_timeline_page",
            "x/examples/docs_metrics_public",
            "x/examples/docs_dictionary_0",
        ),
        "parse_private": ("x/examples/docs_metrics_nonpublic_organic",),
        "parse_counts": ("x/examples/counts_recent", "x/examples/docs_counts_recent"),
    },
    "youtube": {
        "parse_channel": ("youtube/examples/channel_single",),
        "parse_videos": tuple(
            f"youtube/examples/{name}" for name in ("video_single", "videos_page_1", "videos_page_2")
        ),
        "parse_report": ("youtube/examples/analytics_day_views", "youtube/examples/analytics_totals_zero"),
        "parse_viewers": ("youtube/examples/analytics_age_gender",),
    },
    "linkedin": {
        "parse_followers": ("linkedin/examples/network_size",),
        "parse_statistics": (
            "linkedin/examples/share_statistics_lifetime",
            "linkedin/examples/share_statistics_single_share",
        ),
        "parse_groups": ("linkedin/examples/follower_statistics_element",),
    },
    "instagram": {
        "parse_user": ("instagram/examples/user_fields",),
        "parse_media": ("instagram/examples/user_media_page_1", "instagram/examples/media_default"),
        "parse_insights": (
            "instagram/examples/media_insights",
            "instagram/examples/media_insights_reel_legacy_metrics",
        ),
        "parse_days": (
            "instagram/examples/user_insights_values",
            "instagram/examples/user_insights_day_values",
            "instagram/examples/user_insights_total_value_breakdown",
        ),
        "parse_followers": ("instagram/examples/follower_demographics_age_gender",),
        "parse_discovery": ("instagram/examples/business_discovery_user",),
    },
    "facebook": {
        "parse_page": ("facebook/examples/page_default", "facebook/examples/page_node_minimal"),
        "parse_posts": ("facebook/examples/post_single", "facebook/examples/feed_fields_page_1"),
        "parse_days": (
            "facebook/examples/insights_page_daily_follows_unique",
            "facebook/examples/insights_page_impressions_unique_2020",
        ),
    },
    "github": {
        "parse_repository": ("github/examples/recorded_repo",),
        "parse_views": ("github/examples/recorded_traffic_views",),
    },
    "reddit": {
        "parse_listing": tuple(
            f"reddit/examples/{name}"
            for name in ("submission_2025", "comments_listing_pair", "user_overview_page", "info_comment")
        ),
        "parse_user": ("reddit/examples/user_about", "reddit/examples/user_about_old"),
        "parse_community": ("reddit/examples/subreddit_about",),
    },
    "producthunt": {
        "parse_post": ("producthunt/examples/post_by_slug",),
        "parse_posts": ("producthunt/examples/posts_page",),
    },
}
OWN = [
    (name, parser, file) for name, parsers in VENDORS_OWN.items() for parser, files in parsers.items() for file in files
]


def numbers(value, place=()):
    """Every place of a payload with a number, as such or as text; of a long list the first two and the last."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, (*place, key))
    elif isinstance(value, list):
        for key in sorted({0, 1, len(value) - 1} & set(range(len(value)))):
            yield from numbers(value[key], (*place, key))
    elif (isinstance(value, int | float) and not isinstance(value, bool)) or (
        isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value)
    ):
        yield place


def at(payload, place):
    for key in place:
        payload = payload[key]
    return payload


def changed(payload, place, value):
    whole = copy.deepcopy(payload)
    at(whole, place[:-1])[place[-1]] = value
    return whole


def shown(place):
    """`("data", 0, "likes")` as `data[0].likes`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in place).removeprefix(".")


def values(observations):
    return {(o.key, o.observed_at): o.value for o in observations if o.value is not None}


def hold(parse, payload):
    """Change every number of a payload, in every way; return how many readings were lost in all."""
    lost = 0
    before = values(parse(payload, account="acme", observed_at=OBSERVED_AT))
    names = {part for (key, _) in before for part in re.split(r"[_/]", key.content_id)}
    for place in numbers(payload):
        for value in WRONG:
            is_name = str(at(payload, place)) in names or place[-1] == "id"
            if is_name and isinstance(value, str):
                continue  # another name is another post
            lost += costs_itself(parse, changed(payload, place, value), place, value, before)
    return lost


def costs_itself(parse, payload, place, value, before):
    try:
        found = parse(payload, account="acme", observed_at=OBSERVED_AT)
    except MalformedResponse:  # nothing else was there to be read
        assert len({(key.content_id, moment) for key, moment in before}) == 1
        assert len(before) == 1 or place[-1] in STRUCTURE
        return len(before)
    after = values(found)
    assert after.items() <= before.items()
    gone = before.keys() - after.keys()
    assert len({(key.content_id, moment) for key, moment in gone}) <= 1
    faults = [o.fault for o in found if o.fault]
    assert len(faults) <= 1, (shown(place), value, faults)
    assert faults or not gone, (shown(place), value, gone)
    if gone:
        path, _, said = faults[0].partition(": ")
        assert shown(place).startswith(path.rpartition(".")[0])
        if path == shown(place):
            assert repr(value) in said
        assert len(gone) <= 2 or place[-1] in STRUCTURE  # itself, and a sum it is part of
    return len(gone)


@pytest.fixture(scope="module", params=JSON)
def answered(request, simulated):
    """Each parser of a platform with the answers it read in one round."""
    adapter, account = load_adapter(request.param), platforms.load(request.param).account
    metrics = sorted({definition.metric_type for definition in adapter.DEFINITIONS})
    found = {}
    for who in dict.fromkeys((account, "me" if request.param == "linkedin" else account)):
        retry = Retry(sleep=lambda _: None)
        with Client(adapter.VENDOR, token=TOKEN, base_url=simulated.base_url(request.param), retry=retry) as client:
            for page in adapter.collect(client, who, metrics, observed_at=OBSERVED_AT, contents=3):
                if page.parser and len(found.setdefault(page.parser, [])) < 2:
                    found[page.parser].append(json_of(page.raw)[0])
    return adapter, found


def test_a_number_of_a_simulated_answer_costs_itself(answered):
    adapter, found = answered

    lost = {
        name: sum(hold(getattr(adapter, name), payload) for payload in payloads) for name, payloads in found.items()
    }

    assert lost
    assert all(lost.values()), lost


@pytest.mark.parametrize(("platform", "parser", "file"), OWN, ids=lambda value: str(value).rpartition("/")[2])
def test_a_number_of_a_vendors_own_payload_costs_itself(platform, parser, file, contract):
    recorded = contract(f"{file}.json")
    payload = recorded["body" if platform == "reddit" else "response"] if platform in ("reddit", "github") else recorded

    hold(getattr(load_adapter(platform), parser), payload)


def test_a_field_that_changed_in_every_post_is_one_fault():
    """X would send likes as an object from now on: a hundred posts are one thing to look into."""
    from analytics.adapters.platforms import twitter

    posts = [{"id": str(n), "public_metrics": {"like_count": {"total": n}, "reply_count": n}} for n in range(100)]
    read = twitter.parse_posts({"data": posts}, account="acme", observed_at=OBSERVED_AT)

    named = list(naming_faults(read, "GET /2/users/7/tweets?max_results=100"))

    (fault,) = (o.fault for o in named if o.fault)
    assert fault == (
        "GET /2/users/7/tweets: data[0].public_metrics.like_count: expected a number, found {'total': 0} "
        "(99 more like it)"
    )
    assert [o.value for o in named if o.metric_type == "replies"] == list(range(100))
    assert {o.value for o in named if o.metric_type in ("likes", "engagement")} == {None}


@pytest.mark.parametrize("items", [[{"id": 5}, {"id": "6"}], [7, {"id": "6"}], [{}, {"id": "6"}]])
def test_a_post_that_has_no_name_costs_itself(items):
    from analytics.adapters.platforms import twitter

    counts = {"public_metrics": {"like_count": 3}}
    posts = [item | counts if isinstance(item, dict) else item for item in items]

    read = twitter.parse_posts({"data": posts}, account="acme", observed_at=OBSERVED_AT)

    assert {(o.content_id, o.value) for o in read if o.metric_type == "likes"} == {("6", 3)}
    assert [o.fault.partition(":")[0] for o in read if o.fault] == ["data[0]"]


def test_what_a_post_is_costs_no_other_posts_title(answering):
    """A title that is no text, or a time that is none, of one post."""
    from analytics.adapters.platforms import reddit

    good = {"name": "t3_b", "score": 1, "num_comments": 0, "title": "Good", "created_utc": 1_795_000_000}
    odd = ({**good, "name": "t3_a", "title": {"a": 1}}, {**good, "name": "t3_c", "created_utc": "soon"}, good)
    listing = {"kind": "Listing", "data": {"children": [{"kind": "t3", "data": data} for data in odd], "after": None}}

    told = reddit.contents_of(listing)

    assert {content.content_id: content.title for content in told} == {"t3_a": "", "t3_b": "Good"}
