"""Bodies into a real store: kept before they are read, counted once, whatever is sent twice or breaks in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from analytics.errors import StoreError, WebhookRefused
from analytics.jobs.collecting import bodies, inbox
from analytics.settings import environment_of
from analytics.store import open_store, set_aside

ROOT = Path(__file__).parents[3]


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def opens(*numbers, **more):
    events = [
        {"event": "open", "email": f"{n}@x.com", "timestamp": 1795000000, "sg_event_id": f"e{n}", **more}
        for n in numbers
    ]
    return json.dumps(events).encode()


def totals(store):
    """The newest reading of every series, by metric and content."""
    known = store.series()
    read = store.read_series(
        [int(i) for i in known["series_id"]], datetime(2026, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(days=1)
    )
    newest = read.groupby("series_id")["value"].last()
    return {(r.metric_type, r.content_id): newest[r.series_id] for r in known.itertuples()}


def keep(store, body, provider="sendgrid", **more):
    return bodies.keep(store, bodies.Letter(provider, "acme", body, **more))


def test_events_become_running_totals(store):
    keep(store, opens(1, 2, sg_message_id="m.1", category="weekly"))
    first = inbox.process(store)
    keep(store, opens(3, sg_message_id="m.2"))
    second = inbox.process(store)

    assert (first.bodies, first.events, first.written) == (1, 2, 4)
    assert (second.bodies, second.events, second.written) == (1, 1, 2)
    assert totals(store) == {
        ("opens", ""): 3,
        ("opens", "weekly"): 2,
        ("unique_opens", ""): 3,
        ("unique_opens", "weekly"): 2,
    }


def test_a_body_that_cannot_be_read_is_a_failed_collection(store):
    """Its sender was told that it is kept, and nothing but a line in a log said that it counted nothing."""
    keep(store, b"{broken", provider="postmark")
    keep(store, b'{"RecordType": "Open"', provider="postmark")

    done = inbox.process(store)
    inbox.process(store)

    with store.begin() as connection:
        rows = connection.execute(sa.text("SELECT platform, account, method, outcome, error, source FROM collections"))
        (row,) = rows
    assert len(done.problems) == 2
    assert row[:4] == ("substack", "acme", "webhook", "failed")
    assert all(problem in row[4] for problem in done.problems)
    assert row[5] == "2 bodies"


def test_what_is_sent_again_counts_nothing(store):
    """Senders try again when an answer is lost: the same body, or the same events in another."""
    assert keep(store, opens(1, 2))
    assert not keep(store, opens(1, 2))
    keep(store, opens(2, 3))

    done = inbox.process(store)

    assert (done.bodies, done.repeated) == (2, 0)
    assert totals(store)["opens", ""] == 3
    keep(store, opens(3, 2, 1))
    assert inbox.process(store).repeated == 6
    assert totals(store)["opens", ""] == 3
    assert inbox.process(store) == inbox.Processed()


def test_a_token_used_twice_is_a_replay(store):
    """Mailgun signs the token, not the event: the same token with another event is somebody else's."""
    assert keep(store, b"{}", "mailgun", replay_key="t1")
    assert not keep(store, b"{}", "mailgun", replay_key="t1")

    with pytest.raises(WebhookRefused, match="made before, with another body"):
        keep(store, b'{"forged": 1}', "mailgun", replay_key="t1")


def test_a_crash_between_counting_and_storing_loses_nothing(store):
    """The events are remembered, the points are not there: the next look stores the same totals."""
    keep(store, opens(1, 2))
    write, store.write = store.write, _broken

    with pytest.raises(StoreError):
        inbox.process(store)
    store.write = write
    inbox.process(store)

    assert totals(store)["opens", ""] == 2


def _broken(*_args, **_options):
    raise StoreError("gone")


def test_a_body_that_cannot_be_read_is_kept_with_the_reason(store):
    for body in (b"{", opens(1)[:-9], json.dumps([{"event": "open"}, json.loads(opens(1))[0]]).encode()):
        keep(store, body)

    done = inbox.process(store)

    assert len(done.problems) == 3
    assert totals(store)["opens", ""] == 1
    with store.begin() as connection:
        errors = connection.scalars(sa.text("SELECT error FROM webhook_inbox ORDER BY inbox_id")).all()
    assert "no JSON" in errors[0]
    assert "event 1: no 'timestamp'" in errors[2]


def test_a_mended_parser_reads_again_without_counting_again(store):
    keep(store, opens(1, 2))
    inbox.process(store)

    assert inbox.reread(store, since=datetime.now(UTC) - timedelta(hours=1)) == 1
    assert inbox.process(store).repeated == 4
    assert totals(store)["opens", ""] == 2


def test_bodies_are_deleted_after_their_time(store):
    """They hold readers' addresses; one that was not counted yet stays."""
    keep(store, opens(1))
    inbox.process(store)
    keep(store, opens(2))
    later = datetime.now(UTC) + timedelta(days=31)

    assert inbox.purge(store, now=later) == 1
    assert inbox.process(store).events == 1
    assert totals(store)["opens", ""] == 2


def test_two_at_once_do_not_count_twice(store):
    """While one counts, the other leaves it to it, and says so."""
    keep(store, opens(1))

    with store.begin() as other:
        other.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": inbox._LOCK})
        assert inbox.process(store).is_busy
    assert inbox.process(store).events == 1


def test_more_bodies_than_one_batch_holds_are_all_counted(store, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 3)
    for n in range(8):
        keep(store, opens(n))

    assert inbox.process(store).bodies == 8
    assert totals(store)["opens", ""] == 8


def test_bodies_of_one_commit_are_each_answered_for_themselves(store):
    """New, the same again, another account's, and a replay beside them."""
    letters = [
        bodies.Letter("mailgun", "acme", b"1", replay_key="a"),
        bodies.Letter("mailgun", "acme", b"1", replay_key="a"),
        bodies.Letter("mailgun", "acme", b"2", replay_key="a"),
        bodies.Letter("sendgrid", "other", b"1"),
    ]

    answers = bodies.keep_all(store, letters)

    assert answers[:2] == [True, False]
    assert isinstance(answers[2], WebhookRefused)
    assert answers[3] is True


HOSTILE = {
    "NUL": json.dumps([{"event": "open", "email": "a@x.com", "sg_event_id": "n1", "category": "a\x00b"}]).encode(),
    "half": b'[{"event": "open", "email": "a@x.com", "sg_event_id": "h1", "category": "\\ud800"}]',
    "beyond 64 bits": b'[{"event": "open", "sg_event_id": "b1", "timestamp": 99999999999999999999}]',
    "deep": b"[" * 100_000,
    "no JSON": b"{",
    "no list": b"42",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_one_body_never_stops_the_others(store, hostile):
    """The one at fault waits in quarantine with its reason; those before and behind it are counted."""
    keep(store, opens(1, sg_message_id="m.1"))
    keep(store, hostile)
    keep(store, opens(2, sg_message_id="m.2"))

    inbox.process(store)
    again = inbox.process(store)

    assert totals(store)["opens", ""] >= 2
    assert again.bodies == 0
    with store.begin() as connection:
        waiting = set_aside.waiting(connection)
    assert [one.inbox_id for one in waiting] == [2]
    assert waiting[0].reason
    assert "\x00" not in waiting[0].reason


WORK = """
import os, signal, sys
from analytics.jobs.collecting import inbox
from analytics.settings import load_settings
from analytics.settings import environment_of
from analytics.store import open_store, set_aside
from analytics.ingest import webhooks
def killer(body):
    os.kill(os.getpid(), signal.SIGKILL)
whole = inbox.PARSERS["sendgrid"]
inbox.PARSERS = {"sendgrid": lambda body: killer(body) if b"poison" in body else whole(body)}
with open_store(load_settings()) as store:
    inbox.process(store)
"""


def test_a_body_that_kills_the_process_is_set_aside_after_three_tries(store, settings):
    """kill -9 in the middle of counting: nothing is lost, nothing counted twice, and the queue goes on."""
    keep(store, opens(1, sg_message_id="m.1"))
    keep(store, opens(7, category="poison"))
    keep(store, opens(2, sg_message_id="m.2"))
    environment = os.environ | environment_of(settings)

    codes = [
        subprocess.run([sys.executable, "-c", WORK], env=environment, check=False, capture_output=True).returncode
        for _ in range(inbox.MOST_ATTEMPTS + 1)
    ]

    assert codes == [-9] * inbox.MOST_ATTEMPTS + [0]
    assert totals(store)["opens", ""] == 2
    with store.begin() as connection:
        (waiting,) = set_aside.waiting(connection)
    assert "3 times" in waiting.reason


def test_health_names_what_is_set_aside(store, settings):
    from analytics.jobs.watching import health

    keep(store, b"{")
    inbox.process(store)

    there = settings.model_copy(update={"params_dir": ROOT / "params"})
    status, said = health.webhooks(there, datetime.now(UTC))

    assert status == "degraded"
    assert "1 bodies set aside" in said
    assert "sendgrid acme" in said


def test_a_body_counted_again_after_a_person_looked_leaves_the_quarantine(store):
    body = json.dumps({"FromFull": {"Email": "no-reply@substack.com"}, "Subject": "New subscriber to Orchard!"})
    keep(store, body.encode(), "inbound-postmark", content_type="application/json")
    inbox.process(store)
    with store.begin() as connection:
        before = set_aside.waiting(connection)

    done = inbox.let_in(store)

    with store.begin() as connection:
        after = set_aside.waiting(connection)
    assert (len(before), len(after), done.events) == (1, 0, 1)
    assert "signature" in before[0].reason
    assert totals(store)["subscribers_gained", ""] == 1


def test_a_batch_sent_again_with_new_ids_counts_once(store):
    """SendGrid makes new event ids when it sends a batch again."""
    batch = [
        {"email": "one@x.com", "timestamp": 1796075000, "event": kind, "sg_message_id": "mm9.f1"}
        for kind in ("delivered", "open", "unsubscribe")
    ]
    for number in (1, 2):
        events = [event | {"sg_event_id": f"{event['event']}-{number}"} for event in batch]
        keep(store, json.dumps(events).encode())

    inbox.process(store)

    found = totals(store)
    assert (found["delivered", ""], found["opens", ""], found["subscribers_lost", ""]) == (1, 1, 1)
