"""Events into incidents, their candidate causes, and what people's verdicts do."""

from datetime import timedelta

import pandas as pd
import pytest

from analytics.anomalies import (
    Feedback,
    Judgement,
    Sensitivity,
    Settings,
    candidate_causes,
    cross_platform,
    group,
    learn,
    weigh,
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
    ).assign(account="")
    others = content.assign(account="globex", title="Somebody else's")
    breaks = pd.DataFrame({"platform": ["x"], "metric_type": ["views"], "at": [at - 5 * HOUR], "description": ["new"]})
    outages = pd.DataFrame({"platform": ["x"], "start": [at - HOUR], "end": [at + HOUR], "reason": ["401"]})
    outages = pd.concat([outages.assign(account=""), outages.assign(account="globex", reason="403")])

    content = pd.concat([others, content])
    causes = candidate_causes(incident, content=content, breaks=breaks, outages=outages, others=[incident, earlier])

    assert [c.kind for c in causes] == ["collector outage", "definition break", "content published", "others moving"]
    assert [c.text for c in causes[:3]] == ["x: 401 for 2 h", "x views: new", "x: 'A' published 1 h before"]
    assert candidate_causes(incident) == []


def test_two_incidents_at_one_time_are_not_each_others_cause():
    """Each would be explained by the other."""
    first, second = (group({key(platform): [event(NOON)]})[0] for platform in ("x", "reddit"))

    assert candidate_causes(first, others=[first, second]) == []
    assert candidate_causes(second, others=[first, second]) == []


def test_a_start_known_by_its_day_may_have_to_do_with_all_of_that_day():
    """A daily figure stands at midnight; the post of noon is no later than what it counts."""
    (daily,) = group({key("x"): [event(NOON - 12 * HOUR)]})
    (other,) = group({key("reddit"): [event(NOON)]})
    content = pd.DataFrame({"platform": ["x"], "account": [""], "published_at": [pd.Timestamp(NOON)], "title": ["A"]})

    causes = candidate_causes(daily, content=content, others=[other], step=24 * HOUR)

    assert [(c.kind, c.seconds) for c in causes] == [("content published", -43_200), ("others moving", -43_200)]
    assert causes[1].about == other.incident_id
    assert candidate_causes(daily, content=content, others=[other]) == []


def test_only_confirmed_incidents_leave_the_training_data_and_the_last_verdict_counts():
    later = NOON + timedelta(days=2)
    said = [
        Judgement("a", "confirmed", NOON, NOON + HOUR),
        Judgement("a", "confirmed", NOON + 2 * HOUR, NOON + 3 * HOUR),
        Judgement("b", "rejected", later, later + HOUR),
        Judgement("c", "confirmed", later, later + HOUR),
        Judgement("c", "rejected", later, later + HOUR),
    ]

    feedback = weigh(said)

    assert feedback.masked == ((NOON, NOON + HOUR), (NOON + 2 * HOUR, NOON + 3 * HOUR))
    assert (feedback.sensitivity.confirmed, feedback.sensitivity.rejected) == (1, 2)
    assert feedback.sentence == "Thresholds raised to 117 % after 2 rejected, 1 confirmed."
    assert weigh([]) == Feedback()


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
