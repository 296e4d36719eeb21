"""LinkedIn simulated: versions, pages, lists, totals over twelve months."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from analytics.simulator import history, metrics_of, serve, world_of
from analytics.simulator.platforms import linkedin

NOW = datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
HEADERS = {"Authorization": "Bearer any", "LinkedIn-Version": "202610", "X-Restli-Protocol-Version": "2.0.0"}
URN = f"urn:li:organization:{linkedin.ACCOUNT}"


@pytest.fixture(scope="module")
def url():
    with serve(now=NOW) as running:
        yield f"{running.url}/linkedin/rest"


@pytest.mark.parametrize(
    ("version", "status"), [("202511", 200), ("202510", 426), ("202611", 200), ("202612", 426), ("", 426)]
)
def test_a_version_lives_for_a_year(url, version, status):
    params = {"q": "organization", "organization": URN}

    answer = httpx.get(
        f"{url}/organizationPageStatistics", params=params, headers=HEADERS | {"LinkedIn-Version": version}
    )

    assert answer.status_code == status


def test_the_last_page_has_no_link_to_a_next(url):
    found, start = [], 0
    for _ in range(20):
        params = {"q": "author", "author": URN, "count": 100, "start": start}
        page = httpx.get(f"{url}/posts", params=params, headers=HEADERS).json()
        found += [post["id"] for post in page["elements"]]
        if not page["paging"]["links"]:
            break
        start += 100

    assert len(found) == len(set(found)) > 300
    assert page["elements"]


def test_statistics_of_a_list_leave_unknown_posts_out(url):
    params = {"q": "author", "author": URN, "count": 2}
    posts = [post["id"] for post in httpx.get(f"{url}/posts", params=params, headers=HEADERS).json()["elements"]]
    kind = "shares" if ":share:" in posts[0] else "ugcPosts"

    query = f"q=organizationalEntity&organizationalEntity={URN}&{kind}=List({posts[0]},urn:li:share:1)"
    answer = httpx.get(f"{url}/organizationalEntityShareStatistics?{query}", headers=HEADERS).json()

    assert [element[kind.removesuffix("s")] for element in answer["elements"]] == [posts[0]]


def test_a_total_is_what_came_in_within_twelve_months():
    """So it may fall, though nothing was taken back."""
    world, views = world_of(7), linkedin.LEVELS["views"]

    total = views(world, linkedin.ACCOUNT, NOW)

    slot = NOW.replace(minute=5)
    came = world.increments("linkedin", "acme", "views_per_day", slot - timedelta(days=365), slot).sum()
    assert total == came > 0


@pytest.mark.parametrize("metric", metrics_of("linkedin"))
def test_every_metric_has_a_history(metric):
    frame = history("linkedin", linkedin.ACCOUNT, metric, NOW - timedelta(days=3), NOW, timedelta(hours=6))

    assert len(frame) >= 2
    assert frame.value.notna().all()
