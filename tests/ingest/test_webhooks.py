"""Events as the vendors send them: each counts once, and what cannot be read costs itself alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from analytics.errors import DataFileError
from analytics.ingest.webhooks import PARSERS, counted, parse_mailgun, parse_postmark, parse_sendgrid
from tests.contracts import CONTRACTS

EXAMPLES = {
    "sendgrid/click_event": ("click", "2016-04-19T19:47:30+00:00"),
    "sendgrid/open_event": ("open", "2016-04-19T19:47:30+00:00"),
    "sendgrid/delivered_event": ("delivered", None),
    "sendgrid/bounce_event": ("bounce", None),
    "sendgrid/dropped_invalid_event": ("bounce", None),
    "sendgrid/dropped_unsubscribed_event": (None, None),
    "sendgrid/processed_event": (None, None),
    "mailgun/opened_event": ("open", "2018-08-12T21:33:20.089676+00:00"),
    "mailgun/clicked_event": ("click", None),
    "mailgun/complained_event": ("complaint", None),
    "mailgun/delivered_event": ("delivered", None),
    "mailgun/failed_permanent_event": ("bounce", None),
    "mailgun/failed_temporary_event": (None, None),
    "mailgun/unsubscribed_event": ("unsubscribe", None),
    "postmark/open_event": ("open", "2016-04-27T20:21:41.249368+00:00"),
    "postmark/click_event": ("click", "2017-10-25T15:21:11.906561+00:00"),
    "postmark/delivered_event": ("delivered", None),
    "postmark/bounce_event": ("bounce", None),
    "postmark/subscription_change_bounce": (None, None),
    "postmark/unsubscribe": ("unsubscribe", None),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_vendors_own_examples(name):
    """What a person reads off each of them."""
    provider, _, example = name.partition("/")
    path = CONTRACTS / provider / "examples" / f"{example}.json"
    if not path.exists():
        pytest.skip(f"no vendor payload {name}")
    kind, when = EXAMPLES[name]

    parsed = PARSERS[provider](path.read_bytes())

    assert parsed.problems == ()
    assert [event.kind for event in parsed.events] == ([kind] if kind else [])
    assert len(parsed.events) + len(parsed.passed_over) == 1
    if when:
        assert parsed.events[0].at.astimezone(UTC).isoformat() == when
    assert "@example.com" not in repr(parsed.events)


def sendgrid(**fields):
    return {"event": "open", "email": "A@x.com", "timestamp": 1795000000, "sg_event_id": "e1", **fields}


def read(*events):
    return parse_sendgrid(json.dumps(events).encode())


def test_opens_of_one_reader_are_many_and_unique_once():
    parsed = read(
        sendgrid(sg_message_id="m.1"),
        sendgrid(sg_event_id="e2", email="a@X.com", sg_message_id="m.2"),
        sendgrid(sg_event_id="e2", email="a@X.com", sg_message_id="m.2"),
        sendgrid(sg_event_id="e3", sg_message_id="n.1"),
    )

    keys = {
        metric: {c.keys for c in counted(parsed.events) if c.metric == metric} for metric in ("opens", "unique_opens")
    }

    assert {metric: len(found) for metric, found in keys.items()} == {"opens": 3, "unique_opens": 2}


def test_machine_opens_stand_apart():
    (event,) = read(sendgrid(sg_machine_open=True)).events

    assert [c.metric for c in counted([event])] == ["machine_opens"]


@pytest.mark.parametrize(
    ("named", "campaign"),
    [
        ({"category": "weekly"}, "weekly"),
        ({"category": ["weekly", "b"]}, "weekly"),
        ({"category": [], "singlesend_id": "s1"}, "s1"),
        ({"singlesend_id": 17, "category": "x"}, "17"),
        ({"category": None}, ""),
    ],
)
def test_a_campaign_has_figures_of_its_own(named, campaign):
    (event,) = read(sendgrid(**named)).events

    contents = {c.content_id for c in counted([event])}

    assert event.campaign == campaign
    assert contents == {"", campaign}


def test_an_event_that_cannot_be_read_costs_itself_alone():
    parsed = read(sendgrid(), 5, {"event": "open"}, sendgrid(timestamp="soon"), sendgrid(sg_event_id="e9"), {})

    assert [event.event_id for event in parsed.events] == ["e1", "e9"]
    assert len(parsed.problems) == 4
    assert parsed.problems[0].startswith("event 2: event: expected an object")


def test_unknown_kinds_are_passed_over():
    assert read(sendgrid(event="deferred"), sendgrid(event="teleported")).passed_over == ("deferred", "teleported")


def test_events_without_an_id_are_told_apart_by_what_they_say():
    one = {"RecordType": "Open", "Recipient": "a@x.com", "MessageID": "m", "ReceivedAt": "2026-11-20T10:00:00Z"}

    ids = [
        parse_postmark(json.dumps(event).encode()).events[0].event_id
        for event in (one, dict(reversed(one.items())), one | {"ReceivedAt": "2026-11-20T10:00:01Z"})
    ]

    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("bot", ["apple", "gmail", "generic"])
def test_mailgun_names_machines(bot):
    data = {"event": "opened", "timestamp": 1795000000.5, "recipient": "a@x.com", "client-info": {"bot": bot}}

    (event,) = parse_mailgun(json.dumps({"event-data": data}).encode()).events

    assert event.kind == "machine_open"


def test_a_rejoined_reader_is_no_loss():
    change = {"RecordType": "SubscriptionChange", "SuppressSending": False, "ChangedAt": "2026-11-20T10:00:00Z"}

    assert parse_postmark(json.dumps(change).encode()).events == ()


@pytest.mark.parametrize("provider", PARSERS)
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000], ids=["empty", "cut", "bytes", "deep"])
def test_what_is_no_json_is_said(provider, body):
    with pytest.raises(DataFileError, match=provider):
        PARSERS[provider](body)


def test_a_reader_is_never_in_the_count():
    event = read(sendgrid(sg_message_id="m.1", category="weekly")).events

    assert "x.com" not in repr(counted(event)).lower()
    assert event[0].at == datetime.fromtimestamp(1795000000, UTC)
