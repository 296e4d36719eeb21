"""Evidence beside an incident, and the contents that grew most, counted a second way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from analytics.model import MetricDefinition, SeriesKey
from analytics.params.reports import Brand
from analytics.periods.evidence import outages, published
from analytics.reports.exporters.html import ReportHTMLExporter
from analytics.reports.sections.choice import SECTIONS
from analytics.reports.sections.top_contents import top_contents
from analytics.reports.traffic.further import look_beyond
from analytics.reports.traffic.report import TrafficReport
from analytics.store import Collection, open_store
from analytics.store.journal import save_contents
from analytics.store.remarks import Annotation, add
from tests.reports.sample import notebook_of, shown
from tests.reports.traffic.test_traffic import DEFINITIONS, gathered, mentions, with_spike

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
    store.record_failure(Collection("github", "api", "globex", started_at=NOON), "globex answered 401")

    found = outages(store, [("github", "acme")], NOON, NOON + 24 * HOUR)

    assert found[["start", "end"]].to_numpy().tolist() == [
        [NOON + HOUR, NOON + 3 * HOUR],
        [NOON + 9 * HOUR, NOON + 9 * HOUR],
    ]
    assert set(found["reason"]) == {"answered 503"}


def test_what_was_published_up_to_a_day_before_is_evidence(store):
    contents = [
        {"platform": "github", "content_id": f"v{n}", "title": f"Release {n}", "published_at": NOON - n * 13 * HOUR}
        | {"author_id": "acme"}
        for n in range(3)
    ]
    contents.append(contents[0] | {"content_id": "secret", "author_id": "globex", "title": "Not yet announced"})
    with store.begin() as connection:
        save_contents(connection, contents)

    ours = published(store, [("github", "acme")], NOON, NOON + HOUR)
    assert ours["title"].tolist() == ["Release 1", "Release 0"]
    assert published(store, [("reddit", "acme")], NOON, NOON + HOUR).empty


def test_the_contents_that_grew_most_are_those_sql_counts(store):
    """By the platform's widest metric; what fell or stood still is left out."""
    assert ("twitter", "mentions") in DEFINITIONS
    store.write(mentions("acme", "2026-09-25", "2026-11-01"), Collection("twitter", "import", account="acme"))
    times = pd.date_range("2026-10-01", "2026-10-31", freq="1D", tz="UTC")
    for n, growth in enumerate((5, 40, 0, 20, 7, 9, 30)):
        names = {"platform": "twitter", "author_id": "acme", "metric_type": "views", "content_id": f"p{n}"}
        frame = pd.DataFrame({**names, "time": times})
        store.write(frame.assign(value=100.0 + growth * np.arange(len(times))), Collection("twitter", "api"))
        likes = frame.head(5).assign(metric_type="likes", value=[1.0, 2, 3, 4, 5])
        store.write(likes, Collection("twitter", "api"))
    with store.begin() as connection:
        about = {"platform": "twitter", "author_id": "acme", "content_id": "p1", "title": "<b>Launch</b>"}
        save_contents(connection, [about])

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
    assert top_contents(store, gathered(store), DEFINITIONS, metrics=["likes"])["increase"].tolist() == [4.0] * 5


def grown(store, *, aggregation: str, timezone: str = "UTC", **values: pd.Series) -> pd.DataFrame:
    """What grew most of acme's videos in October; v1 came out on 10 October at 22:30 UTC, v2 a year before."""
    store.write(mentions("acme", "2026-09-25", "2026-11-01"), Collection("twitter", "import", account="acme"))
    names = {"platform": "twitter", "author_id": "acme", "metric_type": "views"}
    for name, read in values.items():
        frame = pd.DataFrame({**names, "content_id": name, "time": read.index, "value": read.to_numpy(float)})
        store.write(frame, Collection("twitter", "import", account="acme"))
    dates = {"v1": datetime(2026, 10, 10, 22, 30, tzinfo=UTC), "v2": datetime(2025, 10, 1, tzinfo=UTC)}
    rows = [
        {"platform": "twitter", "author_id": "acme", "content_id": name, "title": name, "published_at": dates[name]}
        for name in values
    ]
    with store.begin() as connection:
        save_contents(connection, rows)
    views = MetricDefinition("twitter", "views", "Views", "views", "counter", aggregation)
    return top_contents(store, gathered(store, timezone=timezone), DEFINITIONS | {("twitter", "views"): (views,)})


def test_daily_counts_of_a_content_add_up(store):
    """A video with a thousand views each day gained 31 thousand, and not the difference of two days."""
    days = pd.date_range("2026-10-01", "2026-10-31", tz="UTC")

    found = grown(
        store,
        aggregation="sum",
        v1=pd.Series(1000.0, index=days),
        v2=pd.Series(np.linspace(10.0, 40.0, len(days)), index=days),
    )

    assert found[["title", "increase"]].to_numpy().tolist() == [["v1", 31_000.0], ["v2", 775.0]]


def test_a_new_post_gained_all_it_has_and_an_old_one_what_came_since_the_last_reading_before(store):
    """The first reading of a post is no nothing: it had five thousand by then. Its day is the report's, not UTC's."""
    new = pd.date_range("2026-10-11", "2026-10-31", tz="UTC")
    old = pd.date_range("2026-09-29 12:00", "2026-10-31 12:00", tz="UTC")

    found = grown(
        store,
        aggregation="increase",
        timezone="Europe/Berlin",
        v1=pd.Series(np.linspace(5000.0, 50_000.0, len(new)), index=new),
        v2=pd.Series(7000.0 + 100 * np.arange(len(old)), index=old),
    )

    assert found[["title", "increase"]].to_numpy().tolist() == [["v1", 50_000.0], ["v2", 3100.0]]
    assert found["published_at"].tolist() == [date(2026, 10, 11), date(2025, 10, 1)]


def test_a_clients_report_holds_no_word_of_another(store, settings):
    """Two clients on one platform: posts, breakouts, failed rounds and remarks of the other stay out."""
    noon = pd.Timestamp(NOON)
    for account in ("acme", "globex"):
        frame = with_spike(mentions(account, "2026-09-01", "2026-11-02"), "2026-10-20 12:00", 120, 6)
        store.write(frame, Collection("twitter", "import", account=account))
        key = SeriesKey("twitter", "mentions", "", account)
        said = Annotation(key, NOON, NOON, "note", f"{account} said so", f"head of {account}", NOON)
        names = {"platform": "twitter", "author_id": account, "metric_type": "views"}
        about = []
        for n in range(16):
            at = noon - HOUR - timedelta(days=2 * n)
            times = pd.date_range(at, pd.Timestamp("2026-11-02", tz="UTC"), freq="1h")
            value = (1 + 20 * (n == 0)) * (100.0 + n + 10 * np.arange(len(times)))
            content = {"platform": "twitter", "author_id": account, "content_id": f"{account}{n}"}
            store.write(
                pd.DataFrame({**names, "content_id": f"{account}{n}", "time": times, "value": value}),
                Collection("twitter", "import", account=account),
            )
            about.append({**content, "title": f"{account} launch {n}", "published_at": at.to_pydatetime()})
        with store.begin() as connection:
            save_contents(connection, about)
            add(connection, [said])
        for hours in (-1, 0, 1):
            round_ = Collection("twitter", "api", account, started_at=NOON + hours * HOUR)
            store.record_failure(round_, f"{account} token refused")
    store.roll_up(now=datetime(2026, 11, 2, tzinfo=UTC))
    views = {("twitter", "views"): (MetricDefinition("twitter", "views", "Views", "views", "counter", "increase"),)}

    data = gathered(store, accounts=["acme"])
    report = TrafficReport("Traffic", data, Brand(), look_beyond(store, data, DEFINITIONS | views))
    sections = [getattr(report, name)() for name in SECTIONS]
    notebook = notebook_of(shown(report.cover(), *(block for block in sections if block), report.figures()))
    page = ReportHTMLExporter(interactive=False).from_notebook_node(notebook)[0]

    assert "acme launch 0" in page
    assert "acme token refused" in page
    assert "acme said so" in page
    assert "× at" in page, "a post that broke out is told as one"
    assert "globex" not in page
    assert "globex" not in str(notebook)
