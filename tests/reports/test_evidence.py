"""Evidence beside an incident, and the contents that grew most, counted a second way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from analytics.reports.evidence import outages, published
from analytics.reports.top_contents import top_contents
from analytics.store import Collection, open_store
from analytics.store.journal import save_contents
from tests.reports.test_traffic import DEFINITIONS, gathered, mentions

NOON = datetime(2026, 10, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def test_an_outage_lasts_from_its_first_failed_round_to_the_next_good_one(store):
    for hours, failed in ((0, False), (1, True), (2, True), (3, False), (9, True)):
        round_ = Collection("github", "api", "acme", started_at=NOON + hours * HOUR)
        store.record_failure(round_, "answered 503") if failed else store.write([], round_)

    found = outages(store, ["github"], NOON, NOON + 24 * HOUR)

    assert found[["start", "end"]].to_numpy().tolist() == [
        [NOON + HOUR, NOON + 3 * HOUR],
        [NOON + 9 * HOUR, NOON + 9 * HOUR],
    ]
    assert set(found["reason"]) == {"answered 503"}


def test_what_was_published_up_to_a_day_before_is_evidence(store):
    contents = [
        {"platform": "github", "content_id": f"v{n}", "title": f"Release {n}", "published_at": NOON - n * 13 * HOUR}
        for n in range(3)
    ]
    with store.begin() as connection:
        save_contents(connection, contents)

    assert published(store, ["github"], NOON, NOON + HOUR)["title"].tolist() == ["Release 1", "Release 0"]
    assert published(store, ["reddit"], NOON, NOON + HOUR).empty


def test_the_contents_that_grew_most_are_those_sql_counts(store):
    """By the platform's widest metric; what fell or stood still is left out."""
    assert ("twitter", "mentions") in DEFINITIONS
    store.write(mentions("acme", "2026-09-25", "2026-11-01"), Collection("twitter", "import", account="acme"))
    times = pd.date_range("2026-10-01", "2026-10-31", freq="1D", tz="UTC")
    for n, growth in enumerate((5, 40, 0, 20, 7, 9, 30)):
        frame = pd.DataFrame({"platform": "twitter", "metric_type": "views", "time": times, "content_id": f"p{n}"})
        store.write(frame.assign(value=100.0 + growth * np.arange(len(times))), Collection("twitter", "api"))
        likes = frame.head(5).assign(metric_type="likes", value=[1.0, 2, 3, 4, 5])
        store.write(likes, Collection("twitter", "api"))
    with store.begin() as connection:
        save_contents(connection, [{"platform": "twitter", "content_id": "p1", "title": "<b>Launch</b>"}])

    found = top_contents(store, gathered(store), DEFINITIONS)

    query = sa.text(
        "SELECT content_id, max(value) - min(value) AS grown FROM points JOIN series USING (series_id)"
        " WHERE metric_type = 'views' GROUP BY 1 HAVING max(value) > min(value) ORDER BY 2 DESC LIMIT 5"
    )
    with store.engine.connect() as connection:
        counted = [tuple(row) for row in connection.execute(query)]
    named = {"p1": "<b>Launch</b>"}
    assert found[["title", "increase"]].to_numpy().tolist() == [[named.get(c, c), grown] for c, grown in counted]
    assert set(found["metric"]) == {"views"}
