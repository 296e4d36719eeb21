"""Events into incidents, their candidate causes, and what people's verdicts do."""

from datetime import timedelta

import pandas as pd
import pytest

from analytics.anomalies import (
    Handling,
    Sensitivity,
    Settings,
    annotate,
    candidate_causes,
    confirm,
    cross_platform,
    group,
    learn,
    mute,
    reject,
    snooze,
    training_mask,
)
from tests.anomalies.test_cross import NOON, event, key

HOUR = timedelta(hours=1)


def test_rules_and_metrics_that_tell_one_story_are_one_incident():
    events = {
        key("x"): [event(NOON), event(NOON + HOUR, rule="trend"), event(NOON + timedelta(days=3))],
        key("x", "likes"): [event(NOON + HOUR / 2)],
        key("youtube"): [event(NOON)],
    }

    incidents = group(events)

    assert [len(i.members) for i in incidents] == [3, 1, 1]
    assert incidents[0].platforms == ("x",)


def test_members_of_a_cross_platform_event_are_one_incident():
    events = {key("x"): [event(NOON)], key("youtube"): [event(NOON + 2 * HOUR, severity="high")]}

    (incident,) = group(events, cross_platform(events))

    assert incident.platforms == ("x", "youtube")
    assert incident.severity == "high"
    assert (incident.start, incident.end) == (NOON, NOON + 4 * HOUR)
    assert incident.title.endswith("(and 1 more)")


def test_an_incident_keeps_its_id_while_it_grows():
    young = group({key("x"): [event(NOON)]})
    grown = group({key("x"): [event(NOON, hours=9), event(NOON + 12 * HOUR)]})

    assert young[0].incident_id == grown[0].incident_id
    assert len(grown) == 1


def test_causes_are_those_near_in_time_the_collector_first():
    """A post an hour before explains a rise; one next day does not. A sick collector explains everything."""
    (incident,) = group({key("x"): [event(NOON)]})
    (earlier,) = group({key("reddit"): [event(NOON - 3 * HOUR)]})
    at = pd.Timestamp(NOON)
    content = pd.DataFrame(
        {"platform": ["x", "x", "youtube"], "published_at": [at - HOUR, at + HOUR, at - HOUR], "title": ["A", "B", "C"]}
    )
    breaks = pd.DataFrame({"platform": ["x"], "metric_type": ["views"], "at": [at - 5 * HOUR], "description": ["new"]})
    outages = pd.DataFrame({"platform": ["x"], "start": [at - HOUR], "end": [at + HOUR], "reason": ["401"]})

    causes = candidate_causes(incident, content=content, breaks=breaks, outages=outages, others=[incident, earlier])

    assert [c.kind for c in causes] == ["collector outage", "definition break", "content published", "others moving"]
    assert [c.text for c in causes[:3]] == ["x: 401 for 2 h", "x views: new", "x: 'A' published 1 h before"]
    assert candidate_causes(incident) == []


def test_every_decision_leaves_a_note_and_changes_nothing_in_place():
    fresh = Handling("abc")

    handled = confirm(
        annotate(snooze(fresh, NOON + HOUR, by="ana", at=NOON), "launch", by="bo", at=NOON), by="bo", at=NOON
    )

    assert fresh == Handling("abc")
    assert handled.verdict == "confirmed"
    assert [n.text for n in handled.notes] == ["snoozed until 2026-03-20 13:00 UTC", "launch", "confirmed"]
    assert [n.by for n in handled.notes] == ["ana", "bo", "bo"]


def test_silence_lasts_as_long_as_was_asked():
    fresh = Handling("abc")

    assert not fresh.is_silent(NOON)
    assert snooze(fresh, NOON + HOUR, by="ana", at=NOON).is_silent(NOON)
    assert not snooze(fresh, NOON + HOUR, by="ana", at=NOON).is_silent(NOON + HOUR)
    assert mute(fresh, by="ana", at=NOON).is_silent(NOON + timedelta(days=99))
    assert reject(fresh, by="ana", at=NOON).is_silent(NOON)


def test_only_confirmed_incidents_leave_the_training_data():
    events = {
        key("x"): [event(NOON), event(NOON + timedelta(days=2))],
        key("youtube"): [event(NOON + timedelta(days=4))],
    }
    incidents = group(events)
    handlings = [
        confirm(Handling(incidents[0].incident_id), by="ana", at=NOON),
        reject(Handling(incidents[1].incident_id), by="ana", at=NOON),
        confirm(Handling(incidents[2].incident_id), by="ana", at=NOON),
    ]

    assert training_mask(incidents, handlings, key("x")) == [(NOON, NOON + 2 * HOUR)]


@pytest.mark.parametrize(("verdict", "limit"), [("rejected", 2.0), ("confirmed", 0.8)])
def test_feedback_moves_thresholds_within_bounds_and_says_so(verdict, limit):
    sensitivity, sentences = Sensitivity(), []
    for _ in range(40):
        sensitivity, sentence = learn(sensitivity, verdict)
        sentences.append(sentence)

    assert sensitivity.factor == limit
    assert sentences[0].startswith(
        "Thresholds raised to 110 %" if verdict == "rejected" else "Thresholds lowered to 97 %"
    )
    assert "feedback may do" in sentences[-1]
    assert Settings().scaled(sensitivity.factor).statistical.enter == pytest.approx(3.0 * limit)
