"""The governor: what a schedule costs is known before, and a budget drops the least valuable first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analytics.adapters.prices import Cost, Prices
from analytics.jobs.collecting import collect as job
from analytics.jobs.collecting.spending import Paid, allowance, allowed, plan, rounds_per_day, spent_so_far
from analytics.params.files import Params
from analytics.params.platforms import Account, Budget
from analytics.simulator import serve
from analytics.store import open_store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
OWN, OTHER = Account(id="acme"), Account(id="globex", kind="competitor")
PRICES = Prices(fixed_calls=1, usd_per_account_day=0.01, usd_per_content_day=0.005)


def entry(adapter, **more):
    return {"adapter": adapter, "display_name": adapter, "accounts": [{"id": "acme"}, {"id": "globex"}], **more}


def planned(**platforms):
    return {p.platform: p for p in plan(Params.model_validate({"platforms": platforms}))}


def test_x_is_priced_by_the_day_not_by_the_round():
    """The same post read 288 times a day is charged once: two accounts, 200 posts, one user each."""
    found = planned(x=entry("twitter", schedule="*/5 * * * *", budget={"usd_per_month": 50}))["x"]

    assert found.rounds_per_day == 288
    assert found.usd_per_month == pytest.approx(30 * 2 * (200 * 0.005 + 0.010))
    assert found.is_over


def test_a_metric_with_a_call_of_its_own_is_charged_each_round():
    found = planned(x=entry("twitter", metrics=["mentions"], schedule="0 * * * *", accounts=[{"id": "acme"}]))["x"]

    assert found.per_day.usd == pytest.approx(24 * 0.005 + 0.010)


def test_youtubes_quota_is_counted_in_calls():
    """A channel, four pages of uploads and four of videos: nine units a round and account."""
    found = planned(youtube=entry("youtube", schedule="*/5 * * * *", budget={"units_per_day": 10_000}))["youtube"]

    assert found.per_day.units == 2 * 9 * 288
    assert not found.is_over
    assert planned(youtube=entry("youtube", metrics=["subscribers"]))["youtube"].per_day.units == 2 * 96


def test_metrics_asked_for_more_often_than_they_change_are_named():
    found = planned(github=entry("github", metrics=["stars", "views"], schedule="*/5 * * * *"))

    assert found["github"].too_often == ("views",)


@pytest.mark.parametrize(("schedule", "rounds"), [("*/5 * * * *", 288), ("0 0 * * *", 1), ("0 6 * * 1", 1 / 7)])
def test_a_schedules_rounds(schedule, rounds):
    assert rounds_per_day(schedule) == pytest.approx(rounds)


def test_a_day_budget_lasts_until_the_night():
    """At noon half the rounds are left: each may take its share of what is left, not all of it."""
    left = allowance(Budget(units_per_day=1000), Cost(400), Cost(400), "0 * * * *", NOON)

    assert left.units == pytest.approx(600 / 12)
    assert left.usd == float("inf")


def test_a_month_budget_is_spread_over_its_days():
    """November 20: eleven days are left with it."""
    left = allowance(Budget(usd_per_month=100), Cost(usd=1), Cost(usd=46), "0 * * * *", NOON)

    assert left.usd == pytest.approx((100 - 45) / 11 - 1)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (Cost(6, 9), [(True, 200), (True, 200)]),
        (Cost(5, 9), [(True, 200), (True, 0)]),
        (Cost(6, 1.1), [(True, 200), (True, 0)]),
        (Cost(3, 9), [(True, 0), (True, 0)]),
        (Cost(1, 9), [(True, 0), (False, 0)]),
        (Cost(0, 9), [(False, 0), (False, 0)]),
    ],
)
def test_the_least_valuable_polls_are_dropped_first(left, expected):
    """A competitor's contents, then ours, then the competitor's account, then ours; in any order of params."""
    for accounts in ([OWN, OTHER], [OTHER, OWN]):
        found = {a.account.id: a for a in allowed(accounts, (), PRICES, left, contents=200)}

        assert [(found[i].is_asked, found[i].contents) for i in ("acme", "globex")] == expected
        assert all(bool(a.left_out) == (a.contents < 200) for a in found.values())


def test_what_is_paid_for_today_is_free_in_the_next_round():
    paid = Paid(frozenset({"acme", "globex"}), frozenset({"acme"}))

    found = allowed([OWN, OTHER], (), PRICES, Cost(99, 0.5), contents=200, paid=paid)

    assert [a.contents for a in found] == [200, 0]


def test_a_round_writes_the_ledger_and_the_next_one_heeds_it(settings):
    """The first round spends the day's units; the second is skipped, and says so."""
    github = entry("github", metrics=["stars"], schedule="0 0 * * *", budget={"units_per_day": 10})
    params = Params.model_validate(
        {
            "platforms": {
                "github": github | {"accounts": [{"id": "acme/orchard"}, {"id": "globex/x", "kind": "competitor"}]}
            }
        }
    )
    with serve(now=NOON) as simulator, open_store(settings) as store:
        first, second = (
            job.collect(settings, store, base_url=simulator.url, at=NOON, params=params, contents=0) for _ in range(2)
        )
        today, month, paid = spent_so_far(store, "github", NOON)
        with store.begin() as connection:
            query = "SELECT account, outcome FROM collections ORDER BY collection_id"
            kept = [tuple(row) for row in connection.exec_driver_sql(query)]

    assert kept[2:] == [("acme/orchard", "ok"), ("globex/x", "skipped")]  # not a failure of the collector
    assert [h.state for h in first.harvests] == ["ok", "ok"]
    assert today == month == Cost(units=3)
    assert paid.accounts == {"acme/orchard", "globex/x"}
    assert [h.state for h in second.harvests] == ["ok", "skipped"]
    assert second.harvests[1].problem == "budget: left out of this round"
