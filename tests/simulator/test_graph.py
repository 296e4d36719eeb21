"""Graph's ways, simulated: fields within fields, pages, limits, metrics retired on their day."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from analytics.simulator import serve
from analytics.simulator.graph import fields_of
from analytics.simulator.platforms import facebook, instagram

NOW = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
TOKEN = {"Authorization": "Bearer any"}


@pytest.fixture(scope="module")
def url():
    with serve(now=NOW) as running:
        yield running.url


def ask(url, path, at=NOW, **params):
    headers = {**TOKEN, "X-Simulated-Now": at.isoformat()}
    return httpx.get(f"{url}/{path}", params=params, headers=headers)


def test_fields_within_fields_are_taken_apart():
    text = "id,reactions.type(LIKE).limit(0).summary(true).as(like),media.limit(2){id,insights.metric(views,reach)}"

    fields = list(fields_of(text))

    assert [(f.name, f.shown_as) for f in fields] == [("id", "id"), ("reactions", "like"), ("media", "media")]
    assert fields[2].fields == "id,insights.metric(views,reach)"


@pytest.mark.parametrize(
    ("metric", "day", "status"),
    [("impressions", 20, 200), ("impressions", 21, 400), ("plays", 21, 400), ("views", 20, 400), ("views", 21, 200)],
)
def test_instagrams_views_replace_impressions_on_their_day(url, metric, day, status):
    """The break a collector must live through, on the simulated clock."""
    at = datetime(2025, 4, day, 12, tzinfo=UTC)
    media = ask(url, f"instagram/v25.0/{instagram.ACCOUNT}/media", at).json()["data"][0]["id"]

    answer = ask(url, f"instagram/v25.0/{media}/insights", at, metric=f"reach,{metric}")

    assert answer.status_code == status
    assert status == 200 or answer.json()["error"]["code"] == 100


@pytest.mark.parametrize(
    ("metric", "at", "status"),
    [
        ("page_impressions", datetime(2025, 11, 14, tzinfo=UTC), 200),
        ("page_impressions", datetime(2025, 11, 15, tzinfo=UTC), 400),
        ("page_impressions_unique", datetime(2026, 6, 14, tzinfo=UTC), 200),
        ("page_impressions_unique", datetime(2026, 6, 15, tzinfo=UTC), 400),
    ],
)
def test_facebooks_metrics_go_in_two_waves(url, metric, at, status):
    answer = ask(url, f"facebook/v25.0/{facebook.ACCOUNT}/insights", at, metric=metric, period="day")

    assert answer.status_code == status


def test_pages_follow_each_other_without_gap_and_lead_back(url):
    """The link carries the token, as Graph's does."""
    path = f"instagram/v25.0/{instagram.ACCOUNT}/media"
    whole = [item["id"] for item in ask(url, path, limit=40).json()["data"]]

    first = ask(url, path, limit=20).json()
    second = httpx.get(first["paging"]["next"]).json()

    assert [item["id"] for item in first["data"] + second["data"]] == whole
    assert "access_token=any" in first["paging"]["next"]
    assert "previous" in second["paging"]
    assert "previous" not in first["paging"]


def test_a_metric_of_totals_needs_to_be_asked_for_as_one(url):
    path = f"instagram/v25.0/{instagram.ACCOUNT}/insights"

    series = ask(url, path, metric="views", period="day")
    total = ask(url, path, metric="views", period="day", metric_type="total_value")

    assert series.status_code == 400
    assert total.json()["data"][0]["total_value"]["value"] > 0


def test_usage_is_told_in_percent_and_a_spent_limit_in_minutes(url):
    answer = ask(url, f"facebook/v25.0/{facebook.ACCOUNT}")

    assert answer.headers["facebook-api-version"] == "v25.0"
    assert '"call_count": 0' in answer.headers["x-app-usage"]
    assert '"estimated_time_to_regain_access": 0' in answer.headers["x-business-use-case-usage"]


@pytest.mark.parametrize("platform", ["instagram", "facebook"])
def test_what_does_not_exist_is_said_with_a_400(url, platform):
    answer = ask(url, f"{platform}/v25.0/123_456")

    assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (400, 33)
