"""Contents that break out, from stored readings to incident and command."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from analytics.jobs.watching.detect import detect
from analytics.model import MetricDefinition, SeriesKey
from analytics.monitoring.breakouts import breakouts
from analytics.settings import Settings
from analytics.store import Collection, Store, open_store
from analytics.store.journal import save_contents

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
VIRAL = "post-29"
KNOWN = {
    ("youtube", "views"): (MetricDefinition("youtube", "views", "Views", "views", "counter", "sum"),),
    ("youtube", "watching"): (MetricDefinition("youtube", "watching", "Watching", "viewers", "gauge", "mean"),),
}


def post(number: int, factor: float) -> tuple[dict[str, object], pd.DataFrame]:
    """One post a day, the last of them six hours old; views rise quickly and then slowly, read every half-hour."""
    published = NOW - timedelta(hours=6) - timedelta(days=29 - number)
    until = min(NOW, published + timedelta(days=9))
    times = pd.date_range(published + timedelta(minutes=10), until, freq="30min")
    hours = (times - published) / pd.Timedelta(hours=1)
    size = factor * np.exp(np.random.default_rng(number).normal(0, 0.2))
    views = np.floor(1000 * size * np.log1p(hours))
    name = f"post-{number}"
    names = {"platform": "youtube", "author_id": "acme", "content_id": name, "content_type": "video"}
    frames = [
        pd.DataFrame({**names, "metric_type": metric, "time": times, "value": values})
        for metric, values in (("views", views), ("watching", 1e6 * np.ones(times.size)))
    ]
    about = {"platform": "youtube", "content_id": name, "author_id": "acme", "content_type": "video"}
    about |= {"title": f"Video {number}", "url": None, "published_at": published, "details": None}
    return about, pd.concat(frames)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    settings.params_dir.mkdir(parents=True, exist_ok=True)
    posts = [post(number, 6.0 if f"post-{number}" == VIRAL else 1.0) for number in range(30)]
    with open_store(settings) as opened:
        opened.write(pd.concat(frame for _, frame in posts), Collection("youtube", "api", "acme"), now=NOW)
        opened.roll_up(now=NOW)
        with opened.begin() as connection:
            save_contents(connection, [about for about, _ in posts])
        yield opened


def test_a_post_six_times_as_good_is_told_once_at_its_first_age(store: Store):
    (found,) = breakouts(store, KNOWN, NOW - timedelta(days=20), NOW)

    assert found.key == SeriesKey("youtube", "views", VIRAL, "acme")
    assert found.title == "Video 29"
    assert found.age == timedelta(hours=1)
    assert 3 < found.ratio < 12
    assert found.event.confirmed_at == NOW - timedelta(hours=5)


def test_only_what_was_known_by_then_is_told(store: Store):
    """Half an hour after publication no reading is an hour old: nothing is told yet, whatever came later."""
    early = NOW - timedelta(hours=5, minutes=30)

    assert breakouts(store, KNOWN, NOW - timedelta(days=20), early) == []
    assert breakouts(store, KNOWN, NOW - timedelta(days=20), NOW, platforms=["reddit"]) == []


def test_the_next_look_keeps_it_as_an_incident_once(store: Store, settings: Settings):
    first, again = (detect(settings, store, at=NOW) for _ in range(2))

    told = [event for event in first.events if event.series.content_id == VIRAL]
    assert [event.method for event in told] == ["breakout: log value at the same age against earlier content"]
    assert "pieces had" in told[0].reason
    assert again.new == ()
