"""Who is told what, and when: each incident once, unless it gets worse or nobody answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from analytics.alerts.delivery import body_of, title_of
from analytics.alerts.incidents import Incident, grouped, merge
from analytics.alerts.rules import Reading, Told, crossing, due, is_quiet
from analytics.model import SeriesKey
from analytics.params.alerts import Alerts

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STARS = SeriesKey("github", "stars", "", "acme")


def event(minutes_ago=30, series=STARS, severity="high", **fields):
    fields = {"kind": "statistical", "direction": "above", "is_open": True, "reason": "Above.", **fields}
    start = NOW - timedelta(minutes=minutes_ago)
    made = Incident(start, series, severity=severity, end=NOW, **fields)
    return made if made.key else replace(made, key="k")


def alerts(**rule):
    rule = {"condition": "anomaly", "severity": "medium", "channels": ["team"], **rule}
    return Alerts.model_validate({"channels": {"team": "TEAM", "boss": "BOSS"}, "rules": {"r": rule}})


def told(key="k", channel="team", minutes_ago=20, severity="high", status="sent"):
    return Told(key, "r", channel, status, NOW - timedelta(minutes=minutes_ago), severity)


def test_an_incident_of_several_series_is_one_message():
    """Ten metrics that jump at once are one thing that happened."""
    events = [event(), event(series=SeriesKey("github", "forks", "", "acme"), severity="critical")]

    (notice,) = due(alerts(), events, [], NOW)

    assert len(notice.events) == 2
    assert notice.severity == "critical"


def test_what_was_told_is_not_told_again():
    """People switch off what repeats itself."""
    assert due(alerts(), [event()], [told()], NOW) == []


def test_a_message_that_did_not_arrive_is_tried_again():
    """A channel's outage must not swallow it."""
    assert len(due(alerts(), [event()], [told(status="failed")], NOW)) == 1


def test_it_is_told_again_once_it_is_worse():
    """Critical after high is news; critical after critical is not."""
    worse = [event(severity="critical")]

    assert [n.stage for n in due(alerts(), worse, [told()], NOW)] == ["worse"]
    assert due(alerts(), worse, [told(), told(key="k!critical", severity="critical")], NOW) == []


def test_nobody_answers_so_others_are_told_once():
    """Escalation needs time to have passed, an open incident, and nobody's acknowledgement."""
    rule = alerts(escalate_after_minutes=15, escalate_to=["boss"])

    (notice,) = due(rule, [event()], [told(minutes_ago=15)], NOW)

    assert (notice.channel, notice.stage) == ("boss", "escalated")
    assert due(rule, [event()], [told(minutes_ago=14)], NOW) == []
    assert due(rule, [event(is_open=False)], [told()], NOW) == []
    assert due(rule, [event(acknowledged_by="ann")], [told()], NOW) == []
    assert due(rule, [event()], [told(), told(key="k!escalated", channel="boss")], NOW) == []


def test_a_snoozed_incident_is_silent_until_then():
    """And speaks afterwards."""
    snoozed = event(snoozed_until=NOW + timedelta(hours=1))

    assert due(alerts(), [snoozed], [], NOW) == []
    assert len(due(alerts(), [snoozed], [], NOW + timedelta(hours=1))) == 1


def test_after_a_snooze_those_who_were_told_hear_that_it_is_still_open():
    """Only those it escalates to heard of it again; once, and not if it is over."""
    snoozed = event(minutes_ago=300, snoozed_until=NOW)
    rule = alerts(escalate_after_minutes=60, escalate_to=["boss"])
    before, escalated = told(minutes_ago=280), told(key="k!escalated", channel="boss", minutes_ago=220)

    again, others = due(rule, [snoozed], [before], NOW)

    assert [(n.channel, n.stage) for n in (again, others)] == [("team", "again"), ("boss", "escalated")]
    assert due(rule, [snoozed], [before, escalated, told(key=again.told_as, minutes_ago=0)], NOW) == []
    assert due(rule, [replace(snoozed, is_open=False)], [before], NOW) == []
    assert title_of(again).startswith("[high] Still open: ")


@pytest.mark.parametrize(("hours", "is_told"), [(1, True), (2.5, False), (47, False)])
def test_what_was_over_before_anybody_could_be_told_is_no_news(hours, is_told):
    """A new rule told a dozen incidents that had been over for hours."""
    over = replace(event(minutes_ago=60 * 48, is_open=False), end=NOW - timedelta(hours=hours))

    assert bool(due(alerts(), [over], [], NOW)) is is_told
    assert len(due(alerts(), [over], [told(status="failed")], NOW)) == 1  # the channel was away: nobody has heard


def test_what_was_over_in_the_night_is_told_in_the_morning_and_not_at_noon():
    quiet = alerts().model_copy(update={"quiet_hours": ("22:00", "07:00")})
    morning = NOW.replace(hour=7)
    over = replace(event(is_open=False), start=NOW.replace(hour=1), end=NOW.replace(hour=2))

    assert len(due(quiet, [over], [], morning)) == 1
    assert due(quiet, [over], [], NOW) == []


def test_a_message_says_when_it_began_and_whether_it_lasts():
    (first,) = due(alerts(), [event()], [], NOW)
    (over,) = due(alerts(), [event(is_open=False)], [], NOW)

    assert "Begun 2026-11-20 11:30 UTC, still open." in body_of(first)
    assert "Begun 2026-11-20 11:30 UTC, over since 2026-11-20 12:00 UTC." in body_of(over)


@pytest.mark.parametrize(("is_open", "minutes", "is_told"), [(True, 46, True), (True, 44, False), (False, 46, False)])
def test_what_outlasts_the_trouble_that_explained_it_is_told(is_open, minutes, is_told):
    """It was noted as suppressed while the collector was ill, and stayed so although it was real."""
    later = NOW + timedelta(minutes=minutes)
    ill = event(60, SeriesKey("github", "", "", "acme"), kind="health", direction="silent", key="ill", is_open=False)
    drop = event(20, direction="below", key="drop", is_open=is_open)

    notices = due(alerts(), [ill, drop], [told("ill"), told("drop", status="suppressed")], later, {"github": ["acme"]})

    assert bool([n for n in notices if n.key == "drop" and not n.suppressed]) is is_told


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"severity": "critical"}, 0),
        ({"platform": "reddit"}, 0),
        ({"metric": "forks"}, 0),
        ({"metric": "stars", "platform": "github"}, 1),
        ({"condition": "trend"}, 0),
        ({"is_active": False}, 0),
    ],
)
def test_a_rule_tells_only_what_it_asks_for(rule, told):
    """Platform, metric, kind and least severity."""
    assert len(due(alerts(**rule), [event()], [], NOW)) == told


def test_in_quiet_hours_only_the_critical_gets_through():
    """The rest is told in the morning, since nothing is noted as told."""
    quiet = alerts().model_copy(update={"quiet_hours": ("22:00", "07:00"), "timezone": "Europe/Berlin"})
    night = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)

    assert due(quiet, [event()], [], night) == []
    assert len(due(quiet, [event(severity="critical")], [], night)) == 1
    assert len(due(quiet, [event()], [], night.replace(hour=6))) == 1


@pytest.mark.parametrize(("hour", "quiet"), [(21, False), (22, True), (23, True), (0, True), (6, True), (7, False)])
def test_quiet_hours_span_midnight(hour, quiet):
    """The end is not part of them."""
    rules = Alerts(quiet_hours=("22:00", "07:00"))

    assert is_quiet(rules, datetime(2026, 11, 20, hour, 0, tzinfo=UTC)) is quiet


def test_an_ill_collector_mutes_what_it_explains_and_nothing_else():
    """No data is no drop in traffic; the collector's own trouble is told instead."""
    ill = event(60, SeriesKey("github", "", "", "acme"), kind="health", direction="silent", key="ill")
    drop = event(20, direction="below", key="drop")
    elsewhere = event(20, SeriesKey("reddit", "karma", "", "acme"), direction="below", key="elsewhere")

    notices = {n.key: n.suppressed for n in due(alerts(), [ill, drop, elsewhere], [], NOW)}

    assert notices["ill"] == notices["elsewhere"] == ""
    assert "explained by ill" in notices["drop"]


ILL = event(600, SeriesKey("github", "", "", "rival"), kind="health", direction="silent", key="ill")


@pytest.mark.parametrize(
    ("account", "direction", "ill", "suppressed"),
    [
        ("acme", "below", [ILL], False),  # another account's trouble
        ("rival", "below", [ILL], True),
        ("rival", "above", [ILL], False),  # no data is no rise
        ("", "below", [ILL], False),  # of no single account, and one of two still brings data
        ("", "below", [ILL, replace(ILL, series=SeriesKey("github", "", "", "acme"))], True),
    ],
)
def test_one_dead_account_explains_only_its_own_falls(account, direction, ill, suppressed):
    """A competitor's account that is gone for good muted every alert of its platform for ever."""
    found = event(20, SeriesKey("github", "stars", "", account), direction=direction, key="found")

    notices = {n.key: n for n in due(alerts(), [*ill, found], [], NOW, {"github": ["acme", "rival"]})}

    assert bool(notices["found"].suppressed) is suppressed


def test_platforms_that_jump_together_are_one_incident():
    """And what began an hour later is another."""
    one = event(90, key="")
    events = [replace(e, key="") for e in (one, event(60, SeriesKey("reddit", "karma")), event(5))]

    keys = [e.key for e in grouped(events)]

    assert keys[0] == keys[1] == "20261120-1030-github-acme-stars-above"
    assert keys[2] != keys[0]


def test_an_episode_seen_again_keeps_its_identity():
    """The model of the next day may find its first reading ten minutes later."""
    from uuid import uuid4

    old = event(60, key="kept", anomaly_id=uuid4(), acknowledged_by="ann")
    again = replace(event(50), key="", anomaly_id=None)
    another = replace(event(50, SeriesKey("github", "forks")), key="")

    merged = merge([again, another], [old])

    assert (merged[0].start, merged[0].key, merged[0].acknowledged_by) == (old.start, "kept", "ann")
    assert merged[1].anomaly_id is None


def test_a_threshold_needs_every_reading_of_its_time():
    """One reading over the limit is a blip."""
    rule = alerts(condition="threshold", config={"above": 100}).rules["r"]

    found = crossing("r", rule, Reading(STARS, NOW, (101.0, 120.0)))
    blip = crossing("r", rule, Reading(STARS, NOW, (99.0, 120.0)))

    assert found.observed == 120.0
    assert "above the limit of 100" in found.reason
    assert blip is None


@pytest.mark.parametrize("config", [{}, {"above": "ten"}, {"below": True}])
def test_a_threshold_without_a_number_is_refused(config):
    """When params are read, not at the first look, where it would stop every other rule."""
    with pytest.raises(ValidationError, match=r"rules\.r[\s\S]*(needs above or below|valid number)"):
        alerts(condition="threshold", config=config)


def test_incidents_of_two_accounts_in_one_minute_have_two_names():
    """`ack` would otherwise answer both; and so would a rise and a fall."""
    one, other = event(5, key=""), event(5, SeriesKey("github", "stars", "", "rival"), direction="below", key="")

    keys = [e.key for e in grouped([replace(e, key="") for e in (one, other)])]

    assert keys == ["20261120-1155-github-acme-stars-above", "20261120-1155-github-rival-stars-below"]
