"""The budget of alerts: a level for each series from its own weeks, used by the next look, shown beside what came."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
import yaml

from analytics.alerts import levels as kept
from analytics.anomalies import Level
from analytics.jobs.watching.detect import detect
from analytics.jobs.watching.levels import budgeted, choose, said
from analytics.model import SeriesKey
from analytics.settings import Settings
from analytics.store import Collection, Store, open_store

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CALM, RESTLESS, YOUNG = (SeriesKey("twitter", "mentions", "", name) for name in ("calm", "restless", "young"))


def readings(key: SeriesKey, days: int, bursts: float, seed: int) -> pd.DataFrame:
    """Hourly counts with a daily rhythm; in a share of the hours a multiple of it, three hours long."""
    times = pd.date_range(NOW - timedelta(days=days), NOW, freq="1h", inclusive="left")
    rng = np.random.default_rng(seed)
    usual = 200 + 80 * np.sin(2 * np.pi * times.hour / 24)
    begins = rng.random(times.size) < bursts
    factor = np.where(np.convolve(begins, np.ones(3))[: times.size] > 0, rng.uniform(1.6, 3, times.size), 1.0)
    values = rng.poisson(usual).astype(float) * factor
    names = {"platform": key.platform, "metric_type": key.metric_type, "author_id": key.author_id}
    return pd.DataFrame({**names, "time": times, "value": np.round(values)})


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    settings.params_dir.mkdir(parents=True, exist_ok=True)
    (settings.params_dir / "baselines.yaml").write_text(yaml.safe_dump({"alerts_per_week": 1.0}))
    with open_store(settings) as opened:
        collection = Collection("twitter", "import")
        opened.write(readings(CALM, 70, 0.0, 1), collection)
        opened.write(readings(RESTLESS, 70, 0.02, 2), collection)
        opened.write(readings(YOUNG, 10, 0.0, 3), collection)
        yield opened


def test_each_series_has_the_level_its_own_weeks_ask_for_and_a_young_one_none(store: Store, settings: Settings):
    chosen = choose(settings, store, at=NOW)

    assert chosen == kept.load(store)
    assert set(chosen) == {CALM, RESTLESS}
    assert chosen[RESTLESS].factor > chosen[CALM].factor
    assert all(level.history_weeks > 4 for level in chosen.values())
    assert choose(settings, store, at=NOW) == chosen


def test_what_came_after_the_moment_of_choice_changes_nothing(store: Store, settings: Settings):
    before = choose(settings, store, at=NOW)
    later = readings(CALM, 1, 1.0, 9).assign(time=lambda frame: frame["time"] + timedelta(days=1))
    store.write(later, Collection("twitter", "import"))

    assert choose(settings, store, at=NOW) == before


def test_the_next_look_judges_by_the_level(store: Store, settings: Settings):
    """A rise that is told at 100 % is not told where the series' thresholds were tripled."""
    at = NOW + timedelta(hours=4)
    times = pd.date_range(NOW, at, freq="1h", inclusive="left")
    usual = 200 + 80 * np.sin(2 * np.pi * times.hour / 24)
    rise = readings(CALM, 1, 0.0, 5).iloc[:4].assign(time=times, value=np.round(1.3 * usual))
    store.write(rise, Collection("twitter", "import"))
    kept.save(store, {CALM: Level(3.2, 0.1, 1.0, 7.0, True)}, at=NOW)

    quiet = [event for event in detect(settings, store, at=at).events if event.series == CALM]
    kept.save(store, {CALM: Level(1.0, 0.1, 1.0, 7.0, True)}, at=NOW)
    told = [event for event in detect(settings, store, at=at).events if event.series == CALM]

    assert quiet == []
    assert [event.direction for event in told][:1] == ["above"]
    (calm,) = [entry for entry in budgeted(store, at=at) if entry.key == CALM]
    assert calm.seen_per_week == pytest.approx(0.25)  # one alert in four weeks
    assert calm.row()["expected a week"] == "0.1"


def test_the_sentence_adds_up_what_has_a_level(store: Store):
    nothing = said(budgeted(store, at=NOW))
    kept.save(store, {CALM: Level(1.0, 0.4, 1.0, 7.0, True), RESTLESS: Level(2.0, 0.9, 1.0, 7.0, True)}, at=NOW)

    assert nothing.startswith("No series has two judged weeks")
    assert said(budgeted(store, at=NOW)) == "2 series: 2.0 alerts a week allowed in all, 1.3 expected, 0.0 seen."
