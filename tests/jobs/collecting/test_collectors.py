"""Whether a collector is ill, by its schedule: what failed, what fell silent, and what was only left out."""

from datetime import UTC, datetime, timedelta

import pytest

from analytics.alerts import events
from analytics.jobs.collecting.collectors import ill_health
from analytics.jobs.watching.alert import alert
from analytics.model import Observation
from analytics.params.files import Params
from analytics.settings import Settings
from analytics.store import Collection, open_store

NOW = datetime(2026, 11, 20, 12, 1, tzinfo=UTC)


def params(schedule="*/5 * * * *", *accounts):
    named = [{"id": account} for account in accounts or ("acme",)]
    github = {"adapter": "github", "display_name": "GitHub", "schedule": schedule, "accounts": named}
    return Params.model_validate({"platforms": {"github": github}})


@pytest.fixture
def store(settings):
    with open_store(settings) as opened:
        yield opened


def good(store, at, account="acme"):
    reading = Observation("github", "stars", 5.0, at, author_id=account)
    store.write([reading], Collection("github", "api", account, started_at=at), now=at)


def failed(store, at, account="acme"):
    store.record_failure(Collection("github", "api", account, started_at=at), "answered 401")


def skipped(store, at):
    store.write(
        [], Collection("github", "api", "acme", started_at=at, error="budget: left out", is_skipped=True), now=at
    )


def said(store, chosen, **fields):
    return [event.reason for event in ill_health(store, chosen, NOW, **fields)]


def test_a_daily_collector_that_fails_for_days_is_ill(store):
    """Its patience of three polls was longer than what was looked at."""
    good(store, NOW - timedelta(days=20))
    for days in range(12):
        failed(store, NOW - timedelta(days=days, hours=4))

    (event,) = ill_health(store, params("0 8 * * *"), NOW)

    assert event.reason == "nothing collected for 20 days: answered 401"
    assert event.start == NOW - timedelta(days=20)


@pytest.mark.parametrize("hours", [1, 47, 49, 24 * 30])
def test_silence_does_not_heal_a_collector(store, hours):
    """After two days without a question it counted as well again."""
    good(store, NOW - timedelta(hours=hours))

    assert len(said(store, params())) == 1


@pytest.mark.parametrize(
    ("schedule", "good_at", "ill"),
    [
        ("*/5 * * * *", NOW - timedelta(minutes=11), False),
        ("*/5 * * * *", NOW - timedelta(minutes=17), True),
        ("0 8 * * *", NOW - timedelta(hours=52), False),  # missed two of its days
        ("0 8 * * *", NOW - timedelta(hours=76, minutes=5), True),
        ("*/5 14-18 * * *", NOW - timedelta(hours=17, minutes=6), False),  # no poll was due since yesterday evening
    ],
)
def test_patience_is_counted_in_polls_that_were_due(store, schedule, good_at, ill):
    good(store, good_at)

    assert bool(said(store, params(schedule))) is ill


def test_an_account_that_never_brought_anything_is_ill_after_its_first_tries(store):
    failed(store, NOW - timedelta(days=9))

    assert said(store, params()) == ["nothing collected for 9 days: answered 401"]


def test_an_account_that_was_never_asked_is_ill_once_others_were(store):
    """Its schedule is not registered; before anything ran, or just after it was named, that is no illness."""
    chosen = params("*/5 * * * *", "acme", "new")
    early = said(store, chosen, changed_at=NOW - timedelta(hours=1))
    good(store, NOW - timedelta(minutes=3))

    late = said(store, chosen, changed_at=NOW - timedelta(hours=1))
    just_named = said(store, chosen, changed_at=NOW - timedelta(minutes=9))

    assert (early, just_named) == ([], [])
    assert late == ["never asked, 60 minutes after it was named in params: is its schedule registered?"]


def test_what_the_budget_leaves_out_is_no_illness(store):
    """The governor does its work; a collector that fails beside it is still ill."""
    good(store, NOW - timedelta(hours=5))
    for minutes in range(1, 200, 5):
        skipped(store, NOW - timedelta(minutes=minutes))

    frugal = said(store, params())
    failed(store, NOW - timedelta(hours=4))

    assert frugal == []
    assert said(store, params()) == ["nothing collected for 5 hours: answered 401"]


def test_a_collector_that_is_still_ill_opens_a_new_incident_after_somebody_resolved_it(store, settings, tmp_path):
    """Its start was that of the resolved one, which stayed closed: nobody heard of it again."""
    (tmp_path / "params").mkdir()
    chosen = Settings(**{**settings.model_dump(), "params_dir": tmp_path / "params"}, _env_file=None)
    (tmp_path / "params" / "platforms.yaml").write_text(
        "platforms: {github: {adapter: github, display_name: G, schedule: '*/5 * * * *', accounts: [{id: acme}]}}"
    )
    good(store, NOW - timedelta(hours=2))
    alert(chosen, store, at=NOW)
    (first,) = events.load(store, since=NOW, open_only=True)

    events.resolve(store, first.key, by="ana", at=NOW, resolution="token renewed")
    alert(chosen, store, at=NOW + timedelta(minutes=5))
    alert(chosen, store, at=NOW + timedelta(minutes=10))

    (again,) = events.load(store, since=NOW, open_only=True)
    assert again.start == NOW + timedelta(minutes=5)
    assert again.key != first.key
