"""What Instagram and Facebook share: Graph's errors, limits, pages, and a metric it no longer knows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from analytics.adapters import meta
from analytics.adapters.http import get_json
from analytics.adapters.limits import remaining_of, wait_of
from analytics.adapters.meta_insights import begin_of, parse_periods, whole_days
from analytics.adapters.platforms import instagram
from analytics.errors import AccessDenied, MalformedResponse, SourceError, SourceNotFound, TransientSourceError

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BUSINESS = '{"66782684":[{"type":"instagram","call_count":%d,"total_time":20,"estimated_time_to_regain_access":%d}]}'


def graph_error(code, message="no", status=400, **more):
    return httpx.Response(status, json={"error": {"message": message, "code": code, **more}})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (graph_error(4, "(#4) Application request limit reached"), TransientSourceError),
        (graph_error(17), TransientSourceError),
        (graph_error(32, status=403), TransientSourceError),
        (graph_error(613), TransientSourceError),
        (graph_error(80002), TransientSourceError),
        (graph_error("4"), TransientSourceError),
        (graph_error(2, status=500), TransientSourceError),
        (graph_error(999, is_transient=True), TransientSourceError),
        (graph_error(1, "Please reduce the amount of data you're asking for", status=500), SourceError),
        (graph_error(190, "Error validating access token"), AccessDenied),
        (graph_error(190, status=401), AccessDenied),
        (graph_error(10, "(#10) Application does not have permission for this action"), AccessDenied),
        (graph_error(200, status=403), AccessDenied),
        (graph_error(100, "(#100) The value must be a valid insights metric"), SourceError),
        (graph_error(100, "Object does not exist", error_subcode=33), SourceNotFound),
        (graph_error(100, "Invalid parameter", error_subcode=2108006), SourceNotFound),
        (graph_error(10, "(#10) Not enough viewers for the media to show insights"), SourceNotFound),
        (graph_error(803, status=404), SourceNotFound),
        (graph_error(100, "within a success", status=200), SourceError),
    ],
)
def test_a_refusal_is_read_from_its_code(answering, answer, error):
    """The status says little: 400 stands for a spent limit, a revoked token and a wrong metric alike."""
    client = answering("instagram", lambda _: answer)

    with pytest.raises(SourceError) as caught:
        get_json(client, "v25.0/1")

    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("used", "minutes", "expected"), [(28, 0, (72, None)), (100, 3, (0, 180.0)), (140, 3, (0, 180.0))]
)
def test_usage_is_told_in_percent_and_minutes(used, minutes, expected):
    headers = {"x-business-use-case-usage": BUSINESS % (used, minutes)}

    left = remaining_of(headers, meta.vendor("instagram").remaining_headers)
    wait = wait_of(headers["x-business-use-case-usage"], NOON)

    assert (left, wait) == expected


@pytest.mark.parametrize("text", ["{", "{}", '{"call_count": "many"}', '{"1": null}', "[1]"])
def test_usage_that_cannot_be_read_says_nothing(text):
    assert remaining_of({"x-app-usage": text}, ("x-app-usage",)) is None
    assert wait_of(text, NOON) is None


def test_a_spent_business_limit_is_waited_for_in_minutes(answering, waits):
    """Within the limit of one call: a minute; longer waits are left to the next round."""
    spent = httpx.Response(
        400, json={"error": {"code": 80002}}, headers={"x-business-use-case-usage": BUSINESS % (100, 1)}
    )
    client = answering("instagram", [spent, httpx.Response(200, json={"id": "1"})])

    answer = get_json(client, "v25.0/1")

    assert answer.payload == {"id": "1"}
    assert waits == [60.0]


def test_the_token_in_the_links_is_not_kept(answering):
    """Graph puts it into every link to a next page."""
    link = "https://graph.facebook.com/v25.0/1/media?access_token=a-secret-token&after=b"
    client = answering("instagram", [httpx.Response(200, json={"data": [], "paging": {"next": link}})])

    answer = meta.get(client, "1/media")

    assert b"a-secret-token" not in answer.raw
    assert meta.next_of(answer.payload) == {"after": "b"}


@pytest.mark.parametrize(
    ("paging", "expected"),
    [
        ({"cursors": {"before": "a", "after": "b"}}, {}),
        ({"previous": "https://graph.facebook.com/1/feed?since=9&__previous=1"}, {}),
        (
            {"next": "https://graph.facebook.com/1/feed?access_token=x&until=7&since&__paging_token=p"},
            {"until": "7", "__paging_token": "p"},
        ),
        ({"next": 7}, {}),
        (None, {}),
    ],
)
def test_only_a_next_link_is_a_further_page(paging, expected):
    """A cursor stands on the last page too, and the link back leads to what was read before."""
    assert meta.next_of({"data": [], "paging": paging}) == expected


@pytest.mark.parametrize("fresh", [True, False])
def test_paging_that_does_not_end_is_refused(answering, fresh):
    """Whether the links go round or are new for ever."""
    calls = []

    def endless(request):
        calls.append(request)
        place = len(calls) if fresh else 1
        return httpx.Response(200, json={"data": [], "paging": {"next": f"https://x/1/media?after={place}"}})

    with pytest.raises(MalformedResponse, match="paging"):
        list(meta.pages(answering("instagram", endless), "1/media", {"limit": 50}))

    assert len(calls) <= 100


OURS = {"reach": "reach", "views": "views", "saved": "saves", "shares": "shares"}


def metrics_asked(answering, observed_at, refuse):
    """The names of each call made, and the pages, where `refuse` says why a call is refused."""
    made = []

    def answer(request):
        names = request.url.params["metric"].split(",")
        made.append(names)
        reason = refuse(names)
        if reason:
            return graph_error(reason[0], reason[1])
        data = [{"name": n, "period": "lifetime", "values": [{"value": 1}], "id": f"9/insights/{n}"} for n in names]
        return httpx.Response(200, json={"data": data})

    client = answering("instagram", answer)

    def fetch(names):
        found = meta.get(client, "9/insights", {"metric": ",".join(names)})
        return meta.page_of(found, instagram.parse_insights, account="1", observed_at=observed_at)

    return made, list(meta.asked(list(OURS), fetch, ours=OURS, older={}))


@pytest.mark.parametrize("bad", list(OURS))
@pytest.mark.parametrize(
    "reason",
    [
        "(#100) The value must be a valid insights metric",
        "(#100) The Media Insights API does not support the {} metric for this media product type.",
        "(#100) metric[{place}] must be one of the following values: follows, navigation",
        "(#100) Starting from version 22 and above, the {} metric is no longer supported for the queried media.",
        "(#100) The metric {} is not supported for this media type",
    ],
)
def test_one_refused_metric_costs_itself_alone(answering, observed_at, bad, reason):
    """Whether Graph names it, numbers it, or says only that one of them is wrong."""

    def refuse(names):
        return (100, reason.format(bad, place=names.index(bad))) if bad in names else None

    made, pages = metrics_asked(answering, observed_at, refuse)

    assert {o.metric_type for page in pages for o in page.observations} == {OURS[n] for n in OURS if n != bad}
    assert [r.metric for page in pages for r in page.refused] == [OURS[bad]]
    assert len(made) <= (5 if "valid insights" in reason else 2)


def test_a_revoked_token_is_no_metrics_fault(answering, observed_at):
    """Halving would ask seven times what is refused once and for all."""
    with pytest.raises(AccessDenied):
        metrics_asked(answering, observed_at, lambda _: (190, "Error validating access token: Session has expired"))


def test_the_older_name_is_asked_for_where_the_newer_is_refused(answering, observed_at):
    """The names changed in 2025 and 2026, and not for every page on one day."""
    made = []

    def fetch(names):
        made.append(list(names))
        if "new" in names:
            raise SourceError(
                "facebook", "GET insights", "answered 400: (#100) The value must be a valid insights metric"
            )
        return meta.Page(call=" ".join(names))

    pages = list(meta.asked(["new", "other"], fetch, ours={"new": "reach", "other": "views"}, older={"new": "old"}))

    assert [page.call for page in pages if not page.failure] == ["old", "other"]
    assert [r for page in pages for r in page.refused] == []
    assert made == [["new", "other"], ["new"], ["old"], ["other"]]


@pytest.mark.parametrize(
    ("end", "begin"),
    [
        (datetime(2026, 7, 2, 7, tzinfo=UTC), datetime(2026, 7, 1, 7, tzinfo=UTC)),
        (datetime(2026, 1, 2, 8, tzinfo=UTC), datetime(2026, 1, 1, 8, tzinfo=UTC)),
        (datetime(2026, 3, 9, 7, tzinfo=UTC), datetime(2026, 3, 8, 8, tzinfo=UTC)),
        (datetime(2026, 11, 2, 8, tzinfo=UTC), datetime(2026, 11, 1, 7, tzinfo=UTC)),
        (datetime(2026, 7, 2, 0, tzinfo=UTC), datetime(2026, 7, 1, 0, tzinfo=UTC)),
    ],
)
def test_a_day_is_dated_at_its_beginning(end, begin):
    """Graph dates a day at its end in Pacific time, also where the clocks change; other zones have 24 hours."""
    assert begin_of(end, 1) == begin


def test_days_asked_for_are_over():
    """The day that is not over yet would look like a fall."""
    days = whole_days(NOON, 3)

    assert [begin.date().day for begin, _ in days] == [17, 18, 19]
    assert days[-1][1] <= NOON < days[-1][1] + timedelta(days=1)


def test_every_period_has_a_name_of_its_own():
    """A week's reach added to a day's would be a new number nobody knows."""
    data = [
        {"name": "reach", "period": period, "values": [{"value": "12", "end_time": "2026-11-19T08:00:00+0000"}]}
        for period in ("day", "week", "days_28")
    ]

    parsed = parse_periods({"data": data}, "instagram", {"reach": "reach"}, account="1", observed_at=NOON)

    assert [(o.metric_type, o.value) for o in parsed] == [
        ("reach_per_day", 12),
        ("reach_per_week", 12),
        ("reach_per_28_days", 12),
    ]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"values": [{"value": 5, "end_time": "2026-11-19T08:00:00+0000"}]}, [5]),
        ({"total_value": {"value": 7}}, [7]),
        ({"values": [], "total_value": {"value": 7}}, [7]),
        ({"values": [{"value": 5, "end_time": "2026-11-19T08:00:00+0000"}], "total_value": {"value": 7}}, [5]),
        ({"values": [{"value": None, "end_time": "2026-11-19T08:00:00+0000"}]}, [None]),
        ({"values": [{"value": {}, "end_time": "2026-11-19T08:00:00+0000"}]}, [None]),
        ({"name": "reach_by_kind", "values": [{"value": {"a": 2, "b": 1}}]}, [3]),
        ({"total_value": {"breakdowns": []}}, []),
        ({"values": []}, []),
    ],
)
def test_each_shape_of_a_result_is_read(result, expected):
    """`values`, `total_value`, or both; an empty set is unknown, never zero."""
    payload = {"data": [{"name": "reach", "period": "day", **result}]}

    names = {"reach": "reach", "reach_by_kind": "reach"}
    parsed = parse_periods(payload, "instagram", names, account="1", observed_at=NOON)

    assert [o.value for o in parsed] == expected


def test_an_object_is_no_sum_where_none_is_described():
    """`{"a": 1}` for the reach is no reach of 1."""
    values = [{"value": value, "end_time": f"2026-11-{day}T08:00:00+0000"} for value, day in (({"a": 1}, 18), (7, 19))]

    parsed = parse_periods(
        {"data": [{"name": "reach", "period": "day", "values": values}]},
        "instagram",
        {"reach": "reach"},
        account="1",
        observed_at=NOON,
    )

    assert [(o.value, o.fault) for o in parsed] == [
        (7, ""),
        (None, "data[0].values[0].value: expected a number, found {'a': 1}"),
    ]
