"""A preview of a month that has not ended: nothing is late that cannot have come, and every comparison is fair."""

import pytest

from analytics.model import Month, Span
from analytics.reports.document.display import CALLOUT, COVER
from analytics.reports.sections.recommend import recommendations
from analytics.reports.traffic.summary import sentences
from analytics.store import Collection, open_store
from tests.reports.traffic.test_traffic import mentions, reported

NOVEMBER = Month(2026, 11)


@pytest.fixture
def running(settings):
    """A perfect feed from September up to noon of 28 November, a Saturday, as November's report."""
    with open_store(settings) as store:
        store.write(mentions("acme", "2026-09-01", "2026-11-28 12:00"), Collection("twitter", "import"))
        yield reported(store, month=NOVEMBER)


def test_days_to_come_are_not_missing(running):
    """Every Monday's preview told people to repair a perfect collection."""
    actions = [entry.action for entry in recommendations(running.data)]

    assert running.data.items[0].facts.coverage_ratio == 1
    assert not any("Repair" in action for action in actions)


def test_it_says_how_far_the_month_has_come(running):
    """On the cover, in the summary, and in place of a promise when figures settle."""
    period = running.cover().data[COVER]["period"].replace("\xa0", " ")
    callouts = [block.data["text/plain"] for block in running.summary() if CALLOUT in block.data]

    assert period == "November 2026 (so far, to 28 Nov 2026)"
    assert period in " ".join(sentences(running.data)).replace("\xa0", " ")
    assert [text.split(":")[0] for text in callouts] == ["November 2026 has not ended"]


def test_it_is_compared_with_as_many_days(running):
    """27 days are over: with the first 27 of October, not with all of it."""
    item = running.data.items[0]

    assert str(item.previous.other) == "2026-10-01--2026-10-27"
    assert abs(item.previous.adjusted_change_ratio) < 0.02
    assert isinstance(item.year_before.other, Span)


def test_its_outlook_stands_on_days_that_are_over(running):
    """A month's missing days at the end, and half a day, are no history."""
    found = running.beyond.outlooks[0].found

    assert found is not None
    assert found.per_day == pytest.approx(running.data.items[0].facts.per_day, rel=0.05)
