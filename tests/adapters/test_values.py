"""Numbers, times and texts as vendors write them; anything else is an error, never a guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from analytics.adapters.values import as_count, as_number, as_time, headline, poll_slot, readings
from analytics.errors import InputError

AT = datetime(2026, 11, 20, 12, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(0, 0.0), ("0", 0.0), ("1927873", 1927873.0), (18552.0, 18552.0), ("18552.0", 18552.0), (-3, -3.0), (None, None)],
)
def test_counts_come_as_numbers_and_as_text(given, expected):
    assert as_count(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        True,
        False,
        "",
        " 5",
        "5 ",
        "1,234",
        "1.2K",
        "٣",
        "0x10",
        "1_000",
        "NaN",
        "inf",
        float("nan"),
        float("inf"),
        [],
        {},
    ],
)
def test_what_is_no_number_is_never_guessed(given):
    """`1,234` is one or a thousand, depending on the country; a flag is no count."""
    with pytest.raises(ValueError, match="expected a"):
        as_number(given)


def test_a_fraction_is_no_count():
    with pytest.raises(ValueError, match="expected a count"):
        as_count("12.5")


@pytest.mark.parametrize(
    "given",
    [
        "2026-11-20T12:03:00Z",
        "2026-11-20T12:03:00.000Z",
        "2026-11-20T13:03:00+0100",
        1795176180,
        "1795176180",
        1795176180.0,
    ],
)
def test_times_come_in_many_forms(given):
    assert as_time(given) == AT


@pytest.mark.parametrize("given", ["2026-11-20T12:03:00", "yesterday", "", None, True, 1e20])
def test_a_time_without_a_zone_is_no_time(given):
    with pytest.raises(ValueError, match=r"expected|Invalid|out of range|time"):
        as_time(given)


def test_a_poll_slot_is_the_same_in_every_zone():
    berlin = AT.astimezone(timezone(timedelta(hours=1)))

    assert poll_slot(berlin) == poll_slot(AT) == datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    assert poll_slot(AT, timedelta(days=1)) == datetime(2026, 11, 20, tzinfo=UTC)


def test_a_time_without_zone_has_no_slot():
    with pytest.raises(InputError, match="needs a time zone"):
        poll_slot(datetime(2026, 11, 20))  # noqa: DTZ001


def test_two_names_of_one_metric_are_generations():
    """The first that has a value counts; both absent is unknown, once."""
    fields = {"tweet_count": "posts", "post_count": "posts", "listed_count": "listed"}

    for item, posts in (({"tweet_count": 5}, 5), ({"post_count": 6}, 6), ({"listed_count": 1}, None)):
        found = readings("twitter", item, fields, observed_at=AT, author_id="acme")
        assert {o.metric_type: o.value for o in found}["posts"] == posts
        assert len(found) == 2


@pytest.mark.parametrize(
    ("text", "title"), [("", ""), (None, ""), ("\n\n One \nTwo", "One"), ("a" * 200, "a" * 119 + "…")]
)
def test_a_headline_is_one_short_line(text, title):
    assert headline(text) == title
