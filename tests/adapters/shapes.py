"""Answers that are legal by a vendor's description, whatever else they are.

`answers` makes them from a JSON schema, an OpenAPI document or a Google discovery document. `SHAPES` describe in a few
lines what the adapters read, as the vendors' descriptions have it: names, types, and what must be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

Schema = Mapping[str, Any]
DEEPEST = 7
ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**9), st.text(max_size=4), st.just({}), st.just([]))
WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
TIMES = st.datetimes(datetime(2006, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC).isoformat())  # noqa: DTZ001


def answers(schema: Schema, find: Callable[[str], Schema] = lambda _: {}, depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a schema; `find` gives what a reference names. What is not required may be missing."""
    if "$ref" in schema:
        return answers(find(schema["$ref"]), find, depth)
    if "allOf" in schema:
        return answers(_together([_plain(part, find) for part in schema["allOf"]]), find, depth)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return st.one_of([answers(part, find, depth) for part in schema[choice]])
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return st.one_of([answers({**schema, "type": kind}, find, depth) for kind in kinds])
    made = _of_kind(kinds, schema, find, depth)
    return st.one_of(st.none(), made) if schema.get("nullable") else made


def _of_kind(kind: Any, schema: Schema, find: Callable[[str], Schema], depth: int) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if kind == "null":
        return st.none()
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(schema.get("minimum", 0), schema.get("maximum", 10**15))
    if kind == "number":
        return st.one_of(st.integers(0, 10**9), st.floats(0, 1e12))
    if kind == "string":
        return _texts(schema)
    if kind == "array":
        items = answers(schema.get("items", {}), find, depth + 1) if depth < DEEPEST else st.nothing()
        least = schema.get("minItems", 0)
        return st.lists(items, min_size=least, max_size=max(3, least)) if depth < DEEPEST else st.just([])
    if kind == "object" or "properties" in schema:
        return _objects(schema, find, depth)
    return ANYTHING


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    if schema.get("format") in ("uint64", "int64"):
        return st.integers(0, 10**15).map(str)
    if schema.get("format") == "date-time":
        return TIMES
    if schema.get("format") == "date":
        return TIMES.map(lambda text: text[:10])
    if "pattern" in schema:
        return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda text: text.isascii())
    return WORDS


def _objects(schema: Schema, find: Callable[[str], Schema], depth: int) -> st.SearchStrategy[dict[str, Any]]:
    properties, required = schema.get("properties", {}), set(schema.get("required", ()))
    if depth >= DEEPEST:
        properties = {name: one for name, one in properties.items() if name in required}
    made = {name: answers(one, find, depth + 1) for name, one in properties.items()}
    return st.fixed_dictionaries(
        {name: one for name, one in made.items() if name in required},
        optional={name: one for name, one in made.items() if name not in required},
    )


def _plain(schema: Schema, find: Callable[[str], Schema]) -> Schema:
    return _plain(find(schema["$ref"]), find) if "$ref" in schema else schema


def _together(parts: list[Schema]) -> Schema:
    properties = {name: one for part in parts for name, one in part.get("properties", {}).items()}
    return {"type": "object", "properties": properties, "required": [n for p in parts for n in p.get("required", ())]}


def record(required: Mapping[str, Schema] | None = None, **optional: Schema) -> Schema:
    """An object's schema: what must be there, and what may."""
    return {"type": "object", "properties": {**(required or {}), **optional}, "required": list(required or {})}


def several(items: Schema, least: int = 0) -> Schema:
    """A list's schema."""
    return {"type": "array", "items": items, "minItems": least}


COUNT: Schema = {"type": "integer"}
SIGNED: Schema = {"type": "integer", "minimum": -(10**6)}
NUMBER: Schema = {"type": "number"}
TEXT: Schema = {"type": "string"}
DIGITS: Schema = {"type": "string", "pattern": "[0-9]{1,19}"}
COUNT_IN_WORDS: Schema = {"type": "string", "format": "uint64"}
TIME: Schema = {"type": "string", "format": "date-time"}
ANY: Schema = {}
MILLISECONDS: Schema = {"type": "integer", "minimum": 1_600_000_000_000, "maximum": 1_800_000_000_000}

_POST_COUNTS = record(
    dict.fromkeys(("bookmark_count", "impression_count", "like_count", "reply_count", "retweet_count"), COUNT),
    quote_count=COUNT,
)
_PRIVATE = record(impression_count=COUNT, url_link_clicks=COUNT, user_profile_clicks=COUNT, engagements=COUNT)
_PROBLEM = record({"type": TEXT, "title": TEXT}, detail=TEXT, status=COUNT)
_TRAFFIC = several(record({"timestamp": TIME, "uniques": COUNT, "count": COUNT}))
_STATISTICS = record(
    **dict.fromkeys(
        ("impressionCount", "uniqueImpressionsCount", "likeCount", "commentCount", "shareCount", "clickCount"), SIGNED
    ),
    engagement=NUMBER,
)
_SPAN = record({"start": MILLISECONDS, "end": MILLISECONDS})
_FOLLOWERS = record({"organicFollowerCount": COUNT, "paidFollowerCount": COUNT})
_INSIGHTS = record(
    {
        "data": several(
            record(
                {
                    "name": {"enum": ["reach", "views", "likes", "shares", "page_media_view", "post_clicks", "other"]},
                    "id": {"enum": ["17/insights/reach/day"]},
                    "period": {"enum": ["day", "week", "days_28", "lifetime"]},
                },
                values=several(record({"value": {"type": ["integer", "object", "null"]}}, end_time=TIME)),
                total_value=record(value=COUNT),
            )
        )
    }
)
_EDGE = record(data=several(record({"id": DIGITS})), summary=record(total_count=COUNT))
_THING = {
    "t1": record({"name": TEXT, "score": SIGNED}, score_hidden={"type": "boolean"}, body=TEXT),
    "t3": record(
        {"name": TEXT, "score": SIGNED, "num_comments": COUNT},
        upvote_ratio=NUMBER,
        hide_score={"type": "boolean"},
        title=TEXT,
    ),
}

# by adapter and parser: what the answer looks like
SHAPES: dict[tuple[str, str], Schema] = {
    ("twitter", "parse_posts"): record(
        data=several(record({"id": DIGITS, "text": TEXT}, public_metrics=_POST_COUNTS, created_at=TIME), 1),
        errors=several(_PROBLEM, 1),
        meta=record(result_count=COUNT, next_token=TEXT),
    ),
    ("twitter", "parse_private"): record(
        data=several(record({"id": DIGITS, "text": TEXT}, non_public_metrics=_PRIVATE), 1), errors=several(_PROBLEM, 1)
    ),
    ("twitter", "parse_user"): record(
        data=record(
            {"id": DIGITS, "name": TEXT, "username": TEXT},
            public_metrics=record(
                dict.fromkeys(("followers_count", "following_count", "tweet_count", "listed_count"), COUNT)
            ),
        ),
        errors=several(_PROBLEM, 1),
    ),
    ("twitter", "parse_counts"): record(
        data=several(record({"start": TIME, "end": TIME, "tweet_count": COUNT}), 1), errors=several(_PROBLEM, 1)
    ),
    ("youtube", "parse_videos"): record(
        items=several(
            record(
                id=TEXT,
                statistics=record(viewCount=COUNT_IN_WORDS, likeCount=COUNT_IN_WORDS, commentCount=COUNT_IN_WORDS),
            )
        )
    ),
    ("youtube", "parse_channel"): record(
        items=several(
            record(
                id=TEXT,
                statistics=record(
                    viewCount=COUNT_IN_WORDS,
                    subscriberCount=COUNT_IN_WORDS,
                    videoCount=COUNT_IN_WORDS,
                    hiddenSubscriberCount={"type": "boolean"},
                ),
            )
        )
    ),
    ("youtube", "parse_report"): record(
        columnHeaders=several(record(name={"enum": ["day", "views", "estimatedMinutesWatched", "shares"]})),
        rows=several(several({"type": ["integer", "string", "number"]})),
    ),
    ("github", "parse_repository"): record(
        dict.fromkeys(("stargazers_count", "forks_count", "subscribers_count", "watchers_count"), COUNT)
    ),
    ("github", "parse_repositories"): several(record({"full_name": TEXT}, stargazers_count=COUNT, forks_count=COUNT)),
    ("github", "parse_owner"): record({"login": TEXT, "followers": COUNT}),
    ("github", "parse_views"): record({"count": COUNT, "uniques": COUNT, "views": _TRAFFIC}),
    ("github", "parse_clones"): record({"count": COUNT, "uniques": COUNT, "clones": _TRAFFIC}),
    ("github", "parse_contributors"): several(record({"author": {"type": ["object", "null"]}, "total": COUNT})),
    ("linkedin", "parse_statistics"): record(
        {
            "elements": several(
                record(
                    {"organizationalEntity": TEXT},
                    totalShareStatistics=_STATISTICS,
                    timeRange=_SPAN,
                    share={"enum": ["urn:li:share:1", "urn:li:share:2"]},
                )
            )
        }
    ),
    ("linkedin", "parse_gains"): record(
        {
            "elements": several(
                record(followerGains=record(organicFollowerGain=SIGNED, paidFollowerGain=SIGNED), timeRange=_SPAN)
            )
        }
    ),
    ("linkedin", "parse_groups"): record(
        {
            "elements": several(
                record(followerCountsByFunction=several(record({"followerCounts": _FOLLOWERS}, function=TEXT)))
            )
        }
    ),
    ("linkedin", "parse_followers"): record(firstDegreeSize=COUNT),
    ("linkedin", "parse_member"): record(
        {
            "elements": several(
                record({"metricType": {"enum": ["IMPRESSION", "REACTION", "OTHER"]}, "count": COUNT}, targetEntity=TEXT)
            )
        }
    ),
    ("instagram", "parse_user"): record({"id": DIGITS}, followers_count=COUNT, follows_count=COUNT, media_count=COUNT),
    ("instagram", "parse_media"): record(
        {
            "data": several(
                record(
                    {"id": DIGITS},
                    media_type=TEXT,
                    timestamp=TIME,
                    like_count=COUNT,
                    comments_count=COUNT,
                    view_count=COUNT,
                    insights=_INSIGHTS,
                )
            )
        }
    ),
    ("instagram", "parse_days"): _INSIGHTS,
    ("instagram", "parse_insights"): _INSIGHTS,
    ("facebook", "parse_page"): record(
        {"id": DIGITS}, followers_count=COUNT, fan_count=COUNT, talking_about_count=COUNT
    ),
    ("facebook", "parse_posts"): record(
        {
            "data": several(
                record(
                    {"id": DIGITS, "created_time": TIME},
                    reactions=_EDGE,
                    like=_EDGE,
                    comments=_EDGE,
                    shares=record(count=COUNT),
                    insights=_INSIGHTS,
                )
            )
        }
    ),
    ("facebook", "parse_days"): _INSIGHTS,
    ("facebook", "parse_post_insights"): _INSIGHTS,
    ("reddit", "parse_listing"): record(
        {
            "kind": {"enum": ["Listing"]},
            "data": record(
                {
                    "children": several(
                        {
                            "oneOf": [
                                record({"kind": {"enum": ["t1"]}, "data": _THING["t1"]}),
                                record({"kind": {"enum": ["t3"]}, "data": _THING["t3"]}),
                                record({"kind": {"enum": ["more"]}, "data": record(count=COUNT)}),
                            ]
                        }
                    )
                },
                after={"type": ["string", "null"]},
            ),
        }
    ),
    ("reddit", "parse_user"): record(
        {"kind": {"enum": ["t2"]}, "data": record(total_karma=SIGNED, link_karma=SIGNED, comment_karma=SIGNED)}
    ),
    ("reddit", "parse_community"): record({"kind": {"enum": ["t5"]}, "data": record({"subscribers": COUNT})}),
    ("producthunt", "parse_post"): record(
        data=record(
            {
                "post": {
                    **record({"id": TEXT, "slug": TEXT, "votesCount": COUNT, "commentsCount": COUNT}),
                    "nullable": True,
                }
            }
        )
    ),
    ("producthunt", "parse_posts"): record(
        {
            "data": record(
                {
                    "posts": record(
                        {
                            "edges": several(
                                record(
                                    {
                                        "node": record(
                                            {"id": TEXT, "slug": TEXT, "votesCount": COUNT}, commentsCount=COUNT
                                        )
                                    }
                                )
                            ),
                            "pageInfo": record({"hasNextPage": {"type": "boolean"}}, endCursor=TEXT),
                        }
                    )
                }
            )
        }
    ),
    ("producthunt", "parse_maker"): record(
        {"data": record({"user": record({"id": TEXT}, followers=record({"totalCount": COUNT}), followersCount=COUNT)})}
    ),
}
