"""A figure that a platform gives for a calendar day belongs to that date, wherever the report is read."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from analytics.definitions import definitions_of
from analytics.errors import NoDataError
from analytics.model import Month
from analytics.monitoring.days import day_zone_of, local_dates, moved
from analytics.monitoring.watch import Watch
from analytics.params.files import Params
from analytics.periods.choice import choose_series, require_month
from analytics.periods.gather import gather
from analytics.periods.provenance import figure_sql
from analytics.reports.sections.outlook import _days, daily_amounts
from analytics.store import Collection, open_store

ZONES = [
    "America/Los_Angeles",
    "America/New_York",
    "America/Sao_Paulo",
    "Pacific/Honolulu",
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
]
PLACES = {"UTC": ("github", "views"), "America/Los_Angeles": ("youtube", "views_per_day")}
OCTOBER = Month(2026, 10)


def daily(zone: str) -> pd.DataFrame:
    """100 a day from August to November, 7,000 on 1 October and 5,000 on 1 November: October makes 10,000."""
    dates = pd.date_range("2026-08-01", "2026-11-29", freq="D")
    values = np.where(dates == "2026-10-01", 7000.0, np.where(dates == "2026-11-01", 5000.0, 100.0))
    platform, metric = PLACES[zone]
    return pd.DataFrame({"time": dates.tz_localize(zone).tz_convert("UTC"), "value": values}).assign(
        platform=platform, metric_type=metric, author_id="acme"
    )


@pytest.fixture(scope="module")
def store(shared_settings):
    with open_store(shared_settings) as opened:
        for zone, (platform, _) in PLACES.items():
            opened.write(daily(zone), Collection(platform, "import"), now=datetime(2026, 12, 1, tzinfo=UTC))
        opened.roll_up(now=datetime(2026, 12, 1, tzinfo=UTC))
        yield opened


def month_of(store, zone: str):
    series = choose_series(store, platforms=(), metrics=(), accounts=())
    return gather(store, series, month=OCTOBER, watch=Watch(timezone=zone), definitions=definitions_of(Params()))


@pytest.mark.parametrize("zone", ZONES)
def test_a_days_figure_keeps_its_date(store, zone):
    """West of the platform's zone it slipped to the day before, and made incidents of next month's figures."""
    data = month_of(store, zone)

    assert len(data.items) == len(PLACES)
    for item in data.items:
        days = item.facts.days
        assert item.facts.total == 10_000, item.full_name
        assert days.index[int(np.argmax(days["amount"].to_numpy()))].date() == date(2026, 10, 1)
        assert {event.start.astimezone(data.zone).date() for event in item.series.events} <= {date(2026, 10, 1)}
        values = daily_amounts(
            _days(store, data).query(f"series_id == {item.series.series_id}"),
            item.series.definition,
            OCTOBER,
            data.timezone,
        )
        assert np.nansum(values[-31:]) == 10_000
        with store.begin() as connection:
            assert float(connection.execute(sa.text(figure_sql(item, data))).scalar()) == 10_000


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "UTC", "Pacific/Kiritimati"])
def test_months_are_told_by_the_same_dates(store, zone):
    series = choose_series(store, platforms=(), metrics=(), accounts=())

    require_month(store, series, Month(2026, 8), zone)
    with pytest.raises(NoDataError, match="stored: 2026-08 to 2026-11"):
        require_month(store, series, Month(2026, 7), zone)


def test_instants_keep_to_the_clock():
    """Readings in between midnights, or one that is not at one, are instants."""
    hourly = pd.Series(pd.date_range("2026-10-01", periods=48, freq="h", tz="UTC"))

    assert day_zone_of(hourly) == ""
    assert local_dates(hourly[1:2], "America/New_York")[1] == pd.Timestamp("2026-09-30")
    assert local_dates(hourly[:1], "America/New_York")[0] == pd.Timestamp("2026-10-01")


def test_a_midnight_that_the_clock_leaves_out_is_the_first_hour_there_is():
    """In Beirut summer time begins at midnight."""
    times = pd.Series(pd.to_datetime(["2026-03-28T00:00Z", "2026-03-29T00:00Z", "2026-03-30T00:00Z"]))

    there = moved(times, "UTC", "Asia/Beirut").dt.tz_convert("Asia/Beirut")

    assert there.dt.strftime("%d %H").tolist() == ["28 00", "29 01", "30 00"]
