"""Whatever a vendor's description allows: read, or refused as malformed; nothing absent becomes a zero.

By the shapes written here, and by the vendors' own descriptions where they lie beside the checkout.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.adapters.registry import load_adapter
from analytics.errors import MalformedResponse
from tests.adapters.conftest import OBSERVED_AT
from tests.adapters.shapes import SHAPES, answers

MANY = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
FEW = settings(MANY, max_examples=max(1, MANY.max_examples // 2))  # large: a vendor's own description
SUMS = {"engagement", "contributions", "mentions", "followers_by_group", "reactions"}
GITHUB = {
    "parse_repository": "full-repository",
    "parse_views": "view-traffic",
    "parse_clones": "clone-traffic",
    "parse_owner": "public-user",
}
X = {
    "parse_posts": "/2/users/{id}/tweets",
    "parse_private": "/2/tweets",
    "parse_user": "/2/users/by/username/{username}",
    "parse_counts": "/2/tweets/counts/recent",
}
YOUTUBE = {
    "parse_videos": ("v3", "VideoListResponse"),
    "parse_channel": ("v3", "ChannelListResponse"),
    "parse_uploads": ("v3", "PlaylistItemListResponse"),
    "parse_report": ("v2", "QueryResponse"),
    "parse_viewers": ("v2", "QueryResponse"),
}


def numbers_in(value):
    """Every number of an answer, as such or as text."""
    if isinstance(value, dict):
        return {number for inner in value.values() for number in numbers_in(inner)}
    if isinstance(value, list):
        return {number for inner in value for number in numbers_in(inner)}
    if isinstance(value, bool) or not (
        isinstance(value, int | float)
        or (isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", value, flags=re.ASCII))
    ):
        return set()
    return {float(value)}


def honest(platform, parser, payload):
    """Read an answer: it is readings or malformed; each figure stands in it, or is a sum of what does."""
    parse = getattr(load_adapter(platform), parser)
    about = {} if parser == "parse_uploads" else {"account": "acme", "observed_at": OBSERVED_AT}
    try:
        found = parse(payload, **about)
    except MalformedResponse:
        return None
    if not about:
        return found
    there = numbers_in(payload)
    for o in found:
        # Facebook alone leaves a count out where it is zero: shares, beside other counts
        known = there | {0} if (platform, o.metric_type) == ("facebook", "shares") else there
        assert o.value is None or o.metric_type in SUMS or o.value in known, (o, payload)
        assert o.value != 0 or 0 in known, (o, payload)
        assert not o.fault or o.value is None
    return found


@pytest.mark.parametrize(("platform", "parser"), SHAPES, ids=lambda value: value)
@MANY
@given(data=st.data())
def test_what_a_description_allows_is_read_or_malformed(platform, parser, data):
    honest(platform, parser, data.draw(answers(SHAPES[platform, parser])))


@pytest.mark.parametrize(
    ("platform", "parser"),
    [
        ("github", "parse_repository"),
        ("github", "parse_views"),
        ("reddit", "parse_community"),
        ("github", "parse_owner"),
    ],
)
@MANY
@given(data=st.data())
def test_what_must_be_there_is_read_to_the_last_figure(platform, parser, data):
    """A legal answer of required counts is never refused, and has no fault."""
    found = honest(platform, parser, data.draw(answers(SHAPES[platform, parser])))

    assert found is not None
    assert [o for o in found if o.value is None or o.fault] == []


@pytest.mark.parametrize("parser", GITHUB)
@FEW
@given(data=st.data())
def test_githubs_own_description(parser, contract, data):
    described = contract("github/openapi.json")["components"]["schemas"]

    found = honest("github", parser, data.draw(_cached("github", described, GITHUB[parser])))

    assert found is not None
    assert [o for o in found if o.value is None or o.fault] == []


@pytest.mark.parametrize("version", ["v2.166", "v2.167"])
@pytest.mark.parametrize("parser", X)
@FEW
@given(data=st.data())
def test_xs_own_description_in_both_generations(version, parser, contract, data):
    described = contract(f"x/openapi.{version}.json")
    answer = described["paths"][X[parser]]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    name = answer["$ref"].rpartition("/")[2]

    honest("twitter", parser, data.draw(_cached(f"x {version}", described["components"]["schemas"], name)))


@pytest.mark.parametrize("parser", YOUTUBE)
@FEW
@given(data=st.data())
def test_youtubes_own_description(parser, contract, data):
    api, name = YOUTUBE[parser]
    file = "youtube.v3" if api == "v3" else "youtubeAnalytics.v2"
    described = contract(f"youtube/discovery.{file}.json")["schemas"]

    honest("youtube", parser, data.draw(_cached(file, described, name)))


_made: dict[tuple[str, str], st.SearchStrategy] = {}


def _cached(key, schemas, name):
    """The strategy of one schema, made once: a vendor's description is large."""
    if (key, name) not in _made:
        _made[key, name] = answers(schemas[name], lambda ref: schemas[ref.rpartition("/")[2]])
    return _made[key, name]


@pytest.mark.parametrize("parser", GITHUB)
def test_our_shapes_are_githubs(parser, contract):
    """Each field of ours has its type in the description, and nothing we call required is optional there."""
    described = contract("github/openapi.json")["components"]["schemas"]

    _agrees(SHAPES["github", parser], described[GITHUB[parser]], described)


@pytest.mark.parametrize(("parser", "name"), [("parse_posts", "Tweet"), ("parse_user", "User")])
def test_our_shapes_are_xs(parser, name, contract):
    described = contract("x/openapi.v2.166.json")["components"]["schemas"]
    ours = SHAPES["twitter", parser]["properties"]["data"]

    _agrees(ours.get("items", ours), described[name], described)


def _agrees(ours, theirs, described):
    while "$ref" in theirs:
        theirs = described[theirs["$ref"].rpartition("/")[2]]
    assert ours.get("type") == theirs.get("type")
    if "required" in theirs:  # X has posts of no required field, though each has its id
        assert set(ours.get("required", ())) <= set(theirs["required"])
    for field, one in ours.get("properties", {}).items():
        assert field in theirs["properties"], field
        _agrees(one, theirs["properties"][field], described)
    if "items" in ours:
        _agrees(ours["items"], theirs["items"], described)
