"""What the simulated Instagram and Facebook share: Graph's fields, listings, insights, errors and limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from analytics.simulator.exchange import Call, Limit, Reply
from analytics.simulator.flow import Flow
from analytics.simulator.posts import Post
from analytics.simulator.world import World

Daily = Callable[[World, str, datetime, datetime], float]
SubjectOf = Callable[[str, str], str]

BRAND = "acme"
DAY_ZONE = "America/Los_Angeles"
PACIFIC = ZoneInfo(DAY_ZONE)
MESSAGES: dict[int, tuple[int, str, dict[str, Any]]] = {
    401: (190, "Error validating access token: The session has been invalidated.", {"error_subcode": 460}),
    403: (10, "(#10) Application does not have permission for this action", {}),
    404: (100, "Unsupported get request. Object does not exist, or does not support this operation", {}),
    410: (100, "Unsupported get request. Object does not exist, or does not support this operation", {}),
    429: (4, "(#4) Application request limit reached", {"is_transient": True}),
}


def subject(own: str) -> SubjectOf:
    """Whose figures a number has: acme's the account `own`, any other number its own."""

    def subject_of(account: str, _metric: str) -> str:
        return BRAND if account == own else account.removeprefix("@").lower()

    return subject_of


def by_day(platform: str, flows: Mapping[str, Flow], subject_of: SubjectOf) -> dict[str, Daily]:
    """The figures of a day: each flow that is counted by day, and the followers won."""

    def counted(flow: str) -> Daily:
        def figure_of(world: World, account: str, start: datetime, end: datetime) -> float:
            return int(world.increments(platform, subject_of(account, flow), flow, start, end).sum())

        return figure_of

    found = {name: counted(name) for name in flows if name.endswith("_per_day")}
    return {**found, "new_followers_per_day": counted("followers")}


def refusal(status: int, _call: Call) -> Reply:
    """Graph's error object; a spent limit comes as a 403."""
    code, message, more = MESSAGES.get(status, (2, "An unexpected error has occurred. Please retry later.", {}))
    if status in (404, 410):
        more = {"error_subcode": 33}
    return failed(code, message, 403 if status == 429 else status, **more)


def failed(code: int, message: str, status: int = 400, **more: Any) -> Reply:
    """An error as Graph words it, 400 unless said otherwise."""
    kind = "OAuthException" if code in {4, 10, 100, 110, 190} else "GraphMethodException"
    return Reply({"error": {"message": message, "type": kind, "code": code, **more, "fbtrace_id": "A"}}, status)


def missing() -> Reply:
    """No such object, or not for this token."""
    return failed(100, MESSAGES[404][1], error_subcode=33)


def token_of(call: Call) -> str | None:
    """A bearer token, or one in the query."""
    return call.query.get("access_token") or call.bearer


def _usage(limit: int, used: int, reset_at: datetime, now: datetime) -> dict[str, str]:
    percent = min(100, 100 * used // limit)
    minutes = int((reset_at - now) / timedelta(minutes=1)) if used >= limit else 0
    measures = {"call_count": percent, "total_cputime": percent // 2, "total_time": percent // 2}
    business = {"66782684": [{"type": "pages", **measures, "estimated_time_to_regain_access": minutes}]}
    return {
        "x-app-usage": json.dumps(measures),
        "x-business-use-case-usage": json.dumps(business),
        "facebook-api-version": "v25.0",
    }


LIMIT = Limit(4800, timedelta(hours=1), _usage)


@dataclass(frozen=True, slots=True)
class Field:
    """One field asked for: its name, what stands in parentheses after it, and the fields within it."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    fields: str = ""

    @property
    def shown_as(self) -> str:
        """The name in the answer."""
        return self.options.get("as", self.name)


def fields_of(text: str) -> Iterator[Field]:
    """The fields of a `fields` parameter.

    >>> [f.name for f in fields_of("id,media.limit(2){id,insights.metric(views,reach)},shares")]
    ['id', 'media', 'shares']
    """
    for part in _split(text):
        head, _, inner = part.partition("{")
        name = re.split(r"[.({]", head)[0]
        options = dict(re.findall(r"\.(\w+)\(([^)]*)\)", head))
        yield Field(name, options, inner.removesuffix("}"))


def _split(text: str) -> Iterator[str]:
    depth, begin = 0, 0
    for place, letter in enumerate(text):
        depth += (letter in "({") - (letter in ")}")
        if letter == "," and depth == 0:
            yield text[begin:place]
            begin = place + 1
    if text[begin:]:
        yield text[begin:]


def refused_metric(names: Sequence[str], known: Sequence[str], retired: Mapping[str, datetime], at: datetime) -> str:
    """The message for the first metric that is not known at that time; '' where all are."""
    for place, name in enumerate(names):
        if name in retired and at >= retired[name]:
            return f"(#100) Starting from version 22 and above, the {name} metric is no longer supported"
        if name not in known and name not in retired:
            return f"(#100) metric[{place}] must be one of the following values: {', '.join(known)}"
    return ""


def window(call: Call, default_days: int = 2) -> tuple[datetime, datetime]:
    """`since` and `until` of a call, in Unix seconds; the last days where they are not given."""
    given = {name: call.query[name] for name in ("since", "until") if call.query.get(name, "").isdecimal()}
    until = datetime.fromtimestamp(int(given["until"]), call.at.tzinfo) if "until" in given else call.at
    since = datetime.fromtimestamp(int(given["since"]), call.at.tzinfo) if "since" in given else None
    return since or until - timedelta(days=default_days), until


def pacific_days(call: Call) -> list[tuple[datetime, datetime]]:
    """Begin and end of the days of a call's window, from one Pacific midnight to the next."""
    first, last = (moment.astimezone(PACIFIC).date() for moment in window(call))
    count = (last - first).days + 1
    midnights = [datetime.combine(first + timedelta(days=n), datetime.min.time(), PACIFIC) for n in range(count)]
    return [(begin.astimezone(UTC), end.astimezone(UTC)) for begin, end in pairwise(midnights)]


def content(
    identity: str, fields: Sequence[Field], shown: Callable[[Field], Any], insights: Callable[[list[str]], Reply]
) -> Reply:
    """A post or a medium with the fields asked for.

    Args:
        shown: what stands in a field; None where the field is left out.
        insights: the answer for the metrics nested in it; a metric refused there refuses the whole.
    """
    item: dict[str, Any] = {"id": identity}
    for one in fields:
        if one.name == "insights":
            found = insights(one.options.get("metric", "").split(","))
            if found.status != 200:
                return found
            item["insights"] = found.payload
        elif (value := shown(one)) is not None:
            item[one.shown_as] = value
    return Reply(item)


def listing(
    call: Call, published: Callable[[int, int], Sequence[Post]], shown: Callable[[Post, list[Field]], Reply]
) -> Reply:
    """A page of what was published, newest first, paged by `after`.

    Args:
        published: contents by (how many, how many to pass over).
        shown: one of them with the fields asked for; a field refused for one fails the whole page.
    """
    fields = list(fields_of(call.query.get("fields", "id")))
    size, offset = call.number("limit", 25, 100), offset_of(call.query.get("after", ""))
    found, items = published(size + 1, offset), []
    for post in found[:size]:
        answer = shown(post, fields)
        if answer.status != 200:
            return answer
        items.append(answer.payload)
    return page(call, found, size, offset, items)


def lifetime(identity: str, figures: Mapping[str, int]) -> Reply:
    """The insights of one content, each figure since its publication."""
    data = [
        {
            "name": name,
            "period": "lifetime",
            "values": [{"value": value}],
            "title": name,
            "id": f"{identity}/insights/{name}/lifetime",
        }
        for name, value in figures.items()
    ]
    return Reply({"data": data})


def results(call: Call, node: str, names: Sequence[str], figure: Callable[[str, datetime, datetime], float]) -> Reply:
    """Insights by day: one result a metric with a value a day, and links to the ranges before and after."""
    data = [
        {
            "name": name,
            "period": "day",
            "values": [
                {"value": int(figure(name, begin, end)), "end_time": stamp(end)}
                for begin, end in pacific_days(call)
                if end <= call.at
            ],
            "title": name,
            "id": f"{node}/insights/{name}/day",
        }
        for name in names
    ]
    return Reply({"data": [result for result in data if result["values"]], "paging": ranges(call)})


def ranges(call: Call) -> dict[str, str]:
    """The links every insights answer has, to the ranges before and after its own."""
    since, until = window(call)
    length = until - since
    spans = {"previous": (since - length, since), "next": (until, until + length)}
    return {
        name: _link(call, {"since": str(int(a.timestamp())), "until": str(int(b.timestamp()))})
        for name, (a, b) in spans.items()
    }


def page(call: Call, found: Sequence[Any], size: int, offset: int, items: Sequence[Mapping[str, Any]]) -> Reply:
    """One page of a listing: `found` may hold one more than the page, which is shown as `items`."""
    paging: dict[str, Any] = {"cursors": {"before": cursor(offset), "after": cursor(offset + len(items))}}
    if len(found) > size:
        paging["next"] = _link(call, {"after": cursor(offset + size)})
    if offset:
        paging["previous"] = _link(call, {"before": cursor(offset)})
    return Reply({"data": list(items), "paging": paging} if items else {"data": []})


def cursor(offset: int) -> str:
    """What a place in a listing is called."""
    return f"QVFI{offset}"


def offset_of(text: str) -> int:
    """The place a cursor names; the beginning for none."""
    number = text.removeprefix("QVFI")
    return int(number) if number.isdecimal() else 0


def stamp(at: datetime) -> str:
    """Times as Graph writes them, `2026-11-20T08:00:00+0000`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S+0000}"


def _link(call: Call, place: Mapping[str, str]) -> str:
    asked = {name: value for name, value in call.query.items() if name not in ("after", "before", "access_token")}
    path = "/".join(call.path[part] for part in ("version", "node", "edge") if part in call.path)
    return f"{call.base_url}/{path}?{urlencode({'access_token': token_of(call), **asked, **place})}"
