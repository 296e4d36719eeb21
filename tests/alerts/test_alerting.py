"""From readings in a store to a message on a channel, and back: history, acknowledgement, health."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from analytics.alerts import events, history
from analytics.alerts.incidents import Incident
from analytics.alerts.rules import Notice
from analytics.errors import InputError
from analytics.jobs.watching.alert import alert
from analytics.jobs.watching.detect import detect
from analytics.model import Observation, SeriesKey
from analytics.monitoring.watch import Own, own_of
from analytics.params.baselines import Baselines
from analytics.store import Collection
from tests.alerts.conftest import NOW

ANOMALY = {"condition": "anomaly", "severity": "low", "channels": ["team"]}
TEAM = {"channels": {"team": "TEAM_CHANNEL"}, "rules": {"any": ANOMALY}}
GITHUB = {"adapter": "github", "display_name": "GitHub", "schedule": "*/5 * * * *", "accounts": [{"id": "acme"}]}


def readings(metric="mentions", spike=0.0, days=20, seed=3):
    """Five-minute counts with a daily rhythm; `spike` is added to the last half-hour."""
    times = pd.date_range(NOW - timedelta(days=days), NOW, freq="5min", inclusive="left")
    rhythm = 60 + 25 * np.sin(2 * np.pi * (times.hour * 60 + times.minute) / 1440)
    values = np.random.default_rng(seed).poisson(rhythm).astype(float)
    values[-6:] += spike
    return pd.DataFrame(
        {"platform": "twitter", "metric_type": metric, "time": times, "value": values, "author_id": "ACME"}
    )


@pytest.fixture
def watched(store, settings, params, channel):
    params(alerts=TEAM)
    return store


def test_a_spike_is_found_once_and_told_once(watched, settings, channel):
    """Looking again finds the same episode: no second row, no second message."""
    watched.write(readings(spike=200), Collection("twitter", "import"))

    first, second = detect(settings, watched, at=NOW), detect(settings, watched, at=NOW)
    told, again = alert(settings, watched, at=NOW), alert(settings, watched, at=NOW)

    assert [e.series.metric_type for e in first.new] == ["mentions"]
    assert first.new[0].start == NOW - timedelta(minutes=30)
    assert (second.new, len(second.events)) == ((), len(first.events))
    assert (len(told.sent), len(again.sent)) == (1, 0)
    (message,) = channel.messages
    assert "mentions of twitter above" in message["title"]
    assert "analytics alerts ack" in message["message"]


def test_normal_readings_are_no_news(watched, settings, channel):
    """The rhythm of the day is no anomaly."""
    watched.write(readings(), Collection("twitter", "import"))

    done = detect(settings, watched, at=NOW)
    alert(settings, watched, at=NOW)

    assert (done.judged, done.events, channel.messages) == (1, (), [])


def test_an_episode_that_ended_is_closed(watched, settings):
    """It is found over by a later look, and keeps its start."""
    frame = readings(spike=200)
    watched.write(frame, Collection("twitter", "import"))
    (opened,) = detect(settings, watched, at=NOW).events
    yesterday = frame[frame["time"] < NOW - timedelta(hours=22)].tail(24)
    later = yesterday.assign(time=yesterday["time"] + timedelta(days=1))
    watched.write(later, Collection("twitter", "import"))

    detect(settings, watched, at=NOW + timedelta(hours=2))

    (closed,) = [e for e in events.load(watched, since=NOW - timedelta(days=1)) if e.kind == opened.kind]
    assert opened.is_open
    assert not closed.is_open
    assert (closed.start, closed.anomaly_id) == (opened.start, opened.anomaly_id)


def test_what_was_expected_is_kept_once_an_hour(watched, settings):
    """For the pages that draw yesterday's band, without a model at hand."""
    watched.write(readings(), Collection("twitter", "import"))

    rows = [detect(settings, watched, at=NOW + timedelta(minutes=m)).baseline_rows for m in (0, 5)]

    assert rows == [36, 0]


def test_one_series_wrong_parameters_stop_no_other(watched, settings, params):
    """A value no algorithm can take stopped all detection, and with it every message."""
    params(baselines={"series": [{"platform": "twitter", "metric": "likes", "parameters": {"lead_hours": -3}}]})
    watched.write(readings(spike=200), Collection("twitter", "import"))
    watched.write(readings("likes", seed=4), Collection("twitter", "import"))

    done = detect(settings, watched, at=NOW)

    assert [event.series.metric_type for event in done.new] == ["mentions"]
    assert (done.judged, len(done.skipped)) == (1, 1)
    assert "profile for twitter ACME likes: lead_hours -3: expected 0 or more" in done.skipped


def test_too_little_history_is_said_and_not_judged(watched, settings):
    """Two days teach nothing about a week."""
    watched.write(readings(days=3, spike=500), Collection("twitter", "import"))

    done = detect(settings, watched, at=NOW)

    assert (done.judged, dict(done.skipped)) == (0, {"too little history": 1})


def test_an_outage_of_the_channel_loses_no_message(watched, settings, channel):
    """The failure is in the history with its reason; the next look delivers."""
    watched.write(readings(spike=200), Collection("twitter", "import"))
    detect(settings, watched, at=NOW)
    channel.answer = 503

    failed = alert(settings, watched, at=NOW)
    channel.answer = 200
    sent = alert(settings, watched, at=NOW + timedelta(minutes=5))

    assert "not delivered" in failed.failed[0].error
    assert len(sent.sent) == len(channel.messages) == 1


def test_a_missing_address_names_the_variable_and_no_secret(watched, settings, monkeypatch):
    """The operator has to know which one to set."""
    monkeypatch.delenv("TEAM_CHANNEL")
    watched.write(readings(spike=200), Collection("twitter", "import"))
    detect(settings, watched, at=NOW)

    (failure,) = alert(settings, watched, at=NOW).failed

    assert "TEAM_CHANNEL is not set" in failure.error


def test_an_acknowledged_incident_is_silent_and_stays_so_when_found_again(watched, settings, channel):
    """What people said outlives the next look of the detector."""
    watched.write(readings(spike=200), Collection("twitter", "import"))
    (found,) = detect(settings, watched, at=NOW).events

    events.answer(watched, found.key, "acknowledged", by="ann", at=NOW, note="campaign", acknowledged_by="ann")
    detect(settings, watched, at=NOW)
    alert(settings, watched, at=NOW)

    (kept,) = events.load(watched, since=NOW - timedelta(days=1))
    assert kept.acknowledged_by == "ann"
    assert channel.messages == []


def test_an_unknown_incident_is_an_input_error(watched, settings):
    """A mistyped key must not look like success, and the nearest one is named."""
    watched.write(readings(spike=200), Collection("twitter", "import"))
    (found,) = detect(settings, watched, at=NOW).events

    with pytest.raises(InputError, match=f"did you mean '{found.key}'"):
        events.answer(watched, f"{found.key}x", "muted", by="ann", at=NOW)


@pytest.mark.parametrize(("kind", "said"), [("muted", {"muted": True}), ("rejected", {"verdict": "rejected"})])
def test_a_muted_or_rejected_incident_is_silent(watched, settings, channel, kind, said):
    watched.write(readings(spike=200), Collection("twitter", "import"))
    (found,) = detect(settings, watched, at=NOW).events

    events.answer(watched, found.key, kind, by="ann", at=NOW, **said)
    detect(settings, watched, at=NOW)
    alert(settings, watched, at=NOW)

    assert channel.messages == []


def test_who_resolved_first_stays_also_when_found_again(watched, settings):
    watched.write(readings(spike=200), Collection("twitter", "import"))
    (found,) = detect(settings, watched, at=NOW).events

    done = [events.resolve(watched, found.key, by=by, at=NOW, resolution="campaign") for by in ("ana", "bob")]
    detect(settings, watched, at=NOW)

    assert done == [1, 0]
    (kept,) = events.load(watched, since=NOW - timedelta(days=1))
    assert not kept.is_open
    with watched.begin() as connection:
        row = connection.exec_driver_sql("SELECT resolved_by, resolution, resolved_at FROM anomaly_events").one()
    assert tuple(row) == ("ana", "campaign", NOW)


def test_a_confirmed_incident_is_not_learned_from_and_a_rejected_one_raises_thresholds(watched, settings):
    """What people decided changes the next judgement of that series, and no other's."""
    watched.write(readings(spike=200), Collection("twitter", "import"))
    watched.write(readings("likes", seed=4), Collection("twitter", "import"))
    (found,) = detect(settings, watched, at=NOW).events
    judged, other = SeriesKey("twitter", "mentions", "", "ACME"), SeriesKey("twitter", "likes", "", "ACME")

    events.answer(watched, found.key, "rejected", by="ann", at=NOW, verdict="rejected")
    rejected = own_of(watched, Baselines())(judged)
    events.answer(watched, found.key, "confirmed", by="ann", at=NOW, verdict="confirmed")
    confirmed = own_of(watched, Baselines())(judged)

    assert (rejected.factor, rejected.masked) == (1.1, ())
    assert (confirmed.factor, confirmed.masked) == (0.97, ((found.start, found.last),))
    assert own_of(watched, Baselines())(other) == Own()


def test_a_refused_collector_is_one_health_incident_that_mutes_and_closes(watched, settings, params, channel):
    """Its own trouble is told with the platform's words; the drop it causes is noted and not sent."""
    params(platforms={"platforms": {"github": GITHUB}})
    for minutes in (60, 55, 50, 5):
        when = NOW - timedelta(minutes=minutes)
        good = [Observation("github", "stars", 5.0, when, author_id="acme")]
        collection = Collection("github", "api", "acme", started_at=when)
        watched.write(good, collection, now=NOW) if minutes == 60 else watched.record_failure(
            collection, "answered 401"
        )
    drop = Incident(
        NOW - timedelta(minutes=40), SeriesKey("github", "stars", "", "acme"), "pattern", "high",
        direction="below", is_open=True, key="drop", reason="Missing.", end=NOW,
    )  # fmt: skip
    events.save(watched, [drop], now=NOW)

    ill = alert(settings, watched, at=NOW)
    again = alert(settings, watched, at=NOW + timedelta(minutes=5))
    well = [Observation("github", "stars", 6.0, NOW + timedelta(minutes=9), author_id="acme")]
    after = NOW + timedelta(minutes=10)
    watched.write(well, Collection("github", "api", "acme", started_at=NOW + timedelta(minutes=9)), now=after)
    alert(settings, watched, at=after)

    assert (len(ill.sent), ill.suppressed, again.sent) == (1, 1, ())
    assert "answered 401" in channel.messages[0]["message"]
    kinds = {event.kind: event.is_open for event in events.load(watched, since=NOW - timedelta(days=1))}
    assert kinds == {"health": False, "pattern": True}


def test_a_threshold_is_told_and_closes(watched, settings, params, channel):
    """An absolute limit needs no baseline."""
    rule = {"condition": "threshold", "severity": "critical", "channels": ["team"], "metric": "mentions"}
    params(alerts={**TEAM, "rules": {"flood": {**rule, "config": {"above": 150, "for_minutes": 30}}}})
    watched.write(readings(spike=200), Collection("twitter", "import"))

    told = alert(settings, watched, at=NOW)
    alert(settings, watched, at=NOW + timedelta(hours=3))
    (silent,) = events.load(watched, since=NOW - timedelta(days=1))
    later = NOW + timedelta(hours=3)
    watched.write([Observation("twitter", "mentions", 60.0, later, author_id="ACME")], Collection("twitter", "import"))
    alert(settings, watched, at=later + timedelta(minutes=1))

    assert "above the limit of 150" in channel.messages[0]["message"]
    assert len(told.sent) == 1
    assert silent.is_open  # no reading says that it is back
    assert not any(event.is_open for event in events.load(watched, since=NOW - timedelta(days=1)))


def hourly(store, *hours, value=5.0):
    for hour in hours:
        at = NOW + timedelta(hours=hour)
        reading = Observation("facebook", "reach", value, at, author_id="acme")
        store.write([reading], Collection("facebook", "import", "acme"), now=at)


FLOOD = {"condition": "threshold", "metric": "reach", "severity": "high", "channels": ["team"]}


def test_a_series_read_less_often_than_a_threshold_looks_is_told_once(watched, settings, params, channel):
    """Between two hourly readings nothing is known, which is no way back: it was told six times in six hours."""
    params(alerts={**TEAM, "rules": {"flood": {**FLOOD, "config": {"above": 1, "for_minutes": 30}}}})

    for minutes in range(0, 6 * 60, 10):
        if minutes % 60 == 0:
            hourly(watched, minutes // 60)
        alert(settings, watched, at=NOW + timedelta(minutes=minutes))

    assert len(channel.messages) == 1
    (kept,) = events.load(watched, since=NOW - timedelta(days=1))
    assert (kept.start, kept.last) == (NOW, NOW + timedelta(hours=5))


@pytest.mark.parametrize(
    ("hours", "looked_after", "told"), [((0,), 1.1, 1), ((-48, -24, 0), 30, 1), ((-2, -1, 0), 5, 0)]
)
def test_a_reading_is_news_for_as_long_as_its_series_interval(
    watched, settings, params, channel, hours, looked_after, told
):
    """A daily series would else have to be looked at within an hour; of one that went silent nothing is known."""
    params(alerts={**TEAM, "rules": {"flood": {**FLOOD, "config": {"above": 1}}}})
    hourly(watched, *hours)

    done = alert(settings, watched, at=NOW + timedelta(hours=looked_after))

    assert len(done.sent) == told


def test_a_threshold_that_is_watched_no_more_closes_and_says_so(watched, settings, params):
    params(alerts={**TEAM, "rules": {"flood": {**FLOOD, "config": {"above": 1}}}})
    hourly(watched, 0)
    alert(settings, watched, at=NOW)
    params(alerts=TEAM)

    alert(settings, watched, at=NOW + timedelta(minutes=5))

    with watched.begin() as connection:
        assert connection.exec_driver_sql("SELECT resolution FROM anomaly_events").scalar() == "no longer watched"


def test_an_episode_of_a_series_that_is_judged_no_more_closes_and_says_so(watched, settings):
    """It stayed open, and counted in every figure of open incidents, for ever."""
    watched.write(readings(spike=200), Collection("twitter", "import"))
    (found,) = detect(settings, watched, at=NOW).events

    detect(settings, watched, at=NOW + timedelta(days=4))

    (kept,) = events.load(watched, since=NOW - timedelta(days=1))
    with watched.begin() as connection:
        assert connection.exec_driver_sql("SELECT resolution FROM anomaly_events").scalar() == "no longer judged"
    assert (found.is_open, kept.is_open, kept.last) == (True, False, found.last)


def test_the_history_keeps_what_was_said(watched, settings, channel):
    """With status and severity, for the audit and for the next look."""
    watched.write(readings(spike=200), Collection("twitter", "import"))
    detect(settings, watched, at=NOW)
    alert(settings, watched, at=NOW)

    (line,) = history.load(watched, since=NOW - timedelta(days=1))

    assert (line.rule, line.channel, line.status) == ("any", "team", "sent")
    assert NOW < line.at < NOW + timedelta(minutes=1)  # when the channel had answered


def test_two_workers_send_one_message(watched, settings):
    """The claim in the database decides, not who looked first."""
    watched.write(readings(spike=200), Collection("twitter", "import"))
    (event,) = detect(settings, watched, at=NOW).events
    notice = Notice("any", "team", event.key, event.severity, (replace(event),))

    claims = [history.claim(watched, [notice], now=NOW) for _ in range(2)]

    assert [len(claim) for claim in claims] == [1, 0]


def test_a_message_whose_sender_died_is_sent_by_a_later_look(watched, settings, channel):
    """kill -9 between claim and answer: late, but not lost; nobody takes it over while it may still be under way."""
    watched.write(readings(spike=200), Collection("twitter", "import"))
    (event,) = detect(settings, watched, at=NOW).events
    history.claim(watched, [Notice("any", "team", event.key, event.severity, (event,))], now=NOW)

    soon = alert(settings, watched, at=NOW + timedelta(minutes=1))
    later = alert(settings, watched, at=NOW + timedelta(minutes=5))
    after = alert(settings, watched, at=NOW + timedelta(minutes=10))

    assert [len(look.sent) for look in (soon, later, after)] == [0, 1, 0]
    assert len(channel.messages) == 1


def test_platforms_that_rise_together_are_one_incident_told_once(watched, settings, channel):
    """Two hours apart, the grouping by start would not join them; the cross-platform rule does, beyond coincidence."""
    watched.write(readings(spike=200), Collection("twitter", "import"))
    other = readings(seed=4).assign(platform="reddit")
    other.loc[other.index[-36:], "value"] += 200  # three hours, where the first lasts half an hour
    watched.write(other, Collection("reddit", "import"))

    found = detect(settings, watched, at=NOW)
    detect(settings, watched, at=NOW)
    alert(settings, watched, at=NOW)

    kinds = {(e.series.platform, e.kind) for e in found.events}
    assert ("reddit", "cross_platform") in kinds
    assert {e.series.platform for e in found.events} == {"twitter", "reddit"}
    assert len({e.key for e in found.events}) == 1
    assert len(events.load(watched, since=NOW - timedelta(days=1))) == len(found.events)
    assert len(channel.messages) == 1
