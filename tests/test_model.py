"""Months and zones: arithmetic, bounds, and what is refused."""

from datetime import UTC, datetime

import pytest

from analytics.errors import InputError
from analytics.model import Month, Observation, SeriesKey, zone_of


@pytest.mark.parametrize("text", ["2015-3", "2015-13", "2015-00", "15-03", "2015/03", "", "2015-03-01", "٢٠١٥-03"])
def test_what_is_no_month_is_refused_with_the_form_expected(text):
    """The message is what a user of `--month` reads."""
    with pytest.raises(InputError, match="expected YYYY-MM"):
        Month.parse(text)


def test_months_shift_over_years_and_sort():
    """Twelve months earlier is the same month a year before."""
    assert Month(2026, 1).previous() == Month(2025, 12)
    assert Month(2026, 10).shifted(-12) == Month(2025, 10)
    assert sorted([Month(2026, 1), Month(2025, 12)])[0] == Month(2025, 12)


def test_bounds_are_local_midnights_in_utc():
    """New York's March 2026 begins in winter time and ends in summer time."""
    start, end = Month(2026, 3).bounds("America/New_York")

    assert start == datetime(2026, 3, 1, 5, tzinfo=UTC)
    assert end == datetime(2026, 4, 1, 4, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "/etc/passwd"])
def test_a_zone_that_does_not_exist_is_refused(name):
    """A path must not reach the file system either."""
    with pytest.raises(InputError, match="time zone"):
        zone_of(name)


def test_an_observation_knows_its_series():
    """The natural key is what makes a replay change nothing."""
    seen = Observation("github", "stars", 3.0, datetime(2026, 1, 1, tzinfo=UTC), author_id="a/b")

    assert seen.key == SeriesKey("github", "stars", "", "a/b")
    assert str(seen.key) == "github a/b stars"
